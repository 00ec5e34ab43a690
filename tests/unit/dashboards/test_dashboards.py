# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Grafana would ask for each panel is asked of the real servers, and gives what the panel is to show.

Grafana itself is not here; what it puts in the place of variables is put there by `asked`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import METRICS, PROBE
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics import remote_write
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, tagged
from ansible_collections.evolve.vm.tests.tsdb_labs import TsdbLab, tsdb_lab

REPOSITORY = Path(__file__).parents[3]
# The dashboard that each server is asked with.
SERVERS = {"influxdb": "influxdb", "prometheus": "prometheus", "victoriametrics": "prometheus"}
DASHBOARDS = {
    name: json.loads((REPOSITORY / "dashboards" / f"{name}.json").read_text()) for name in sorted(set(SERVERS.values()))
}
INTERVAL = 60
MINUTES = 16
SAMPLE_SECONDS = 10
TRIAL_SECONDS = 120
RUN_FIELDS = ("fitness", "throughput_per_second", "latency_p95_ms")


# --- what the servers hold --------------------------------------------------------------------------------------------


def number(*parts: object) -> float:
    """Some number from 1 to 100 that is the same each time."""
    return 1 + sum(ord(letter) * (place + 3) for place, letter in enumerate(repr(parts))) % 9900 / 100


def machine(at_ms: int, **tags: str) -> Iterator[Point]:
    """Every metric of a machine; the probes' both unnamed and named."""
    for metric in METRICS:
        for probe in ("", "web") if metric.source == PROBE else ("",):
            value = number(metric.name, probe, tags["host"], at_ms % 977)
            yield Point("evolve_vm", metric.name, tagged(probe=probe, **tags), at_ms, value)


def points(begin: int) -> Iterator[Point]:
    """A study of two slots and a rollout to three hosts; before it, and beside it, what is not to be shown."""
    for second in range(begin + SAMPLE_SECONDS // 2, begin + MINUTES * 60, SAMPLE_SECONDS):
        at_ms, turn = second * 1000, (second - begin) // TRIAL_SECONDS
        for slot in ("slot-1", "slot-2"):
            yield from machine(at_ms, host=slot, study="trying", slot=slot, trial=f"{turn}-{slot}")
        for host, role, version in (("web-1", "canary", "2"), ("web-2", "control", "1"), ("web-3", "control", "1")):
            yield from machine(at_ms, host=host, study="trying", rollout="r-7", role=role, version=version)
        yield from machine(at_ms, host="a", study="other", slot="a", trial=f"{turn}", role="canary", rollout="r-1")
    # Before the time that is shown.
    earlier = (begin - 600) * 1000
    yield from machine(earlier, host="slot-1", study="trying", slot="slot-1", trial="earlier")
    yield from machine(earlier, host="web-4", study="trying", rollout="r-7", role="control", version="1")
    tags = tagged(study="trying", slot="slot-1", trial="earlier", purpose="search")
    yield Point("evolve_run", "fitness", tags, earlier, 5000.0)
    # Measured once more, on the other slot.
    tags = tagged(study="trying", slot="slot-2", trial="3-slot-1", purpose="search")
    yield Point("evolve_run", "fitness", tags, (begin + 4 * TRIAL_SECONDS - 12) * 1000, number("slot-1", 3) - 0.5)
    turns = MINUTES * 60 // TRIAL_SECONDS
    for turn in range(turns):
        at_ms = (begin + (turn + 1) * TRIAL_SECONDS - 7) * 1000
        for slot in ("slot-1", "slot-2"):
            if turn == turns - 1 and slot == "slot-2":
                continue  # still runs
            purpose = "baseline" if turn == 0 else "search" if turn < turns - 1 else "verification"
            tags = tagged(study="trying", slot=slot, trial=f"{turn}-{slot}", purpose=purpose, version="")
            yield Point("evolve_run", "fitness", tags, at_ms, number(slot, turn))
            for field in RUN_FIELDS[1:]:
                labelled = tagged(benchmark="pgbench", **dict(tags))
                yield Point("evolve_run", field, labelled, at_ms, number(field, slot, turn))
        other = tagged(study="other", slot="a", trial=f"{turn}", purpose="search")
        yield Point("evolve_run", "fitness", other, at_ms, 1000.0)


class Expected(NamedTuple):
    """How many curves, figures or lines of a table each query of a panel gives."""

    of_all: tuple[int, ...]
    of_chosen: tuple[int, ...]


ALL: dict[str, Any] = {
    "study": "trying",
    "metric": "throughput_per_second",
    "rollout": "r-7",
    "slot": "$__all",
    "host": "$__all",
    "version": "$__all",
}
CHOSEN = {**ALL, "slot": ["slot-1"], "host": ["slot-1", "web-1"], "version": ["2"]}
HOSTS, PROBED = Expected((5,), (1,)), Expected((10,), (2,))
TWO_OF_HOSTS = Expected((5, 5), (1, 1))
ROLES, ONE = Expected((2,), (1,)), Expected((1,), (1,))
EXPECTED = {
    "Best fitness so far": ONE,
    "Trials": Expected((1, 1), (1, 1)),
    "Trials measured by slot": Expected((2,), (1,)),
    "Best trials": Expected((10,), (6,)),
    "Fitness of each trial": Expected((5,), (3,)),
    "Metric of the runs: $metric": Expected((2,), (1,)),
    "CPU": HOSTS,
    "CPU: stolen and waiting": TWO_OF_HOSTS,
    "Memory": HOSTS,
    "Memory in per cent": HOSTS,
    "Disk operations": TWO_OF_HOSTS,
    "Disk throughput": TWO_OF_HOSTS,
    "Disk latency": TWO_OF_HOSTS,
    "Network throughput": TWO_OF_HOSTS,
    "Network latency": PROBED,
    "Network loss": PROBED,
    "Response time": PROBED,
    "Availability": PROBED,
    "Hosts": ROLES,
    "CPU by role": ROLES,
    "Response time by role": ROLES,
    "Availability by role": ROLES,
    "CPU: canary less control": ONE,
    "Response time: canary less control": ONE,
    "Availability: canary less control": ONE,
}
VALUES = {
    "study": {"trying", "other"},
    "slot": {"slot-1", "slot-2"},
    "metric": set(RUN_FIELDS) - {"fitness"},
    "host": {"slot-1", "slot-2", "web-1", "web-2", "web-3", "web-4"},
    "version": {"1", "2"},
    "rollout": {"r-1", "r-7"},
}


# --- what Grafana does ------------------------------------------------------------------------------------------------


def asked(query: str, dashboard: Mapping[str, Any], chosen: Mapping[str, Any], begin: int) -> str:
    """A query as Grafana sends it.

    Variables: one that allows several values stands for a regular expression of them, escaped, or for its `allValue`;
    one that does not, for its value as it is. Macros: `$__interval` is the interval between two points of the panel,
    `$__rate_interval` (Prometheus) at least four times that of scraping, `$__range` the time that is shown;
    `$timeFilter` (InfluxDB) compares `time` with its ends in milliseconds.
    """
    end = begin + MINUTES * 60
    values = {
        "__interval": f"{INTERVAL}s",
        "__interval_ms": str(INTERVAL * 1000),
        "__rate_interval": f"{INTERVAL + 15}s",
        "__range": f"{end - begin}s",
        "__range_s": str(end - begin),
        "timeFilter": f"time >= {begin * 1000}ms and time <= {end * 1000}ms",
    }
    for variable in dashboard["templating"]["list"]:
        value = chosen[variable["name"]]
        if value == "$__all":
            value = variable["allValue"]
        elif variable["multi"]:
            escaped = [re.sub(r"([\\^$*+?.()|{}\[\]/])", r"\\\1", each) for each in value]
            value = escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"
        values[variable["name"]] = value
    return re.sub(r"\$(\w+)|\$\{(\w+)\}|\[\[(\w+)\]\]", lambda found: values[next(filter(None, found.groups()))], query)


class Curve(NamedTuple):
    tags: tuple[tuple[str, str], ...]
    values: list[float]


class Server:
    """One of the three, with all points, and the dashboard that is made for it."""

    def __init__(self, name: str, url: str, begin: int) -> None:
        self.name = name
        self.dashboard = DASHBOARDS[SERVERS[name]]
        self._url = url
        self._begin = begin

    def write(self, given: list[Point]) -> None:
        if self.name == "influxdb":
            lines = []
            for point in given:
                key = ",".join([point.measurement, *(f"{tag}={value}" for tag, value in point.tags)])
                lines.append(f"{key} {point.field}={point.value} {point.at_ms}")
            self._request("/write", "\n".join(lines).encode(), db="evolve", precision="ms")
            return
        series: dict[tuple[tuple[str, str], ...], list[tuple[int, float]]] = {}
        for point in given:
            labels = (("__name__", f"{point.measurement}_{point.field}"), *point.tags)
            series.setdefault(labels, []).append((point.at_ms, point.value))
        body = remote_write.encoded((dict(labels), each) for labels, each in series.items())
        self._request("/api/v1/write", body)
        if self.name == "victoriametrics":
            self._request("/internal/force_flush")

    def curves(self, target: Mapping[str, Any], chosen: Mapping[str, Any]) -> list[Curve]:
        """What a query of a panel gives; of a table each line."""
        query = asked(target.get("query") or target["expr"], self.dashboard, chosen, self._begin)
        if self.name == "influxdb":
            return self._influx_curves(query, target["resultFormat"])
        end = self._begin + MINUTES * 60
        if target["range"]:
            times = {"start": str(self._begin + INTERVAL), "end": str(end), "step": str(INTERVAL)}
            found = self._json("/api/v1/query_range", query=query, nocache="1", **times)
        else:
            found = self._json("/api/v1/query", query=query, nocache="1", time=str(end))
        return sorted(
            Curve(
                tuple(sorted((name, value) for name, value in each["metric"].items() if value)),
                [float(value) for dummy, value in each.get("values") or [each["value"]]],
            )
            for each in found["data"]["result"]
        )

    def values(self, variable: Mapping[str, Any], chosen: Mapping[str, Any]) -> set[str]:
        """What can be chosen for a variable."""
        query = asked(variable["definition"], self.dashboard, chosen, self._begin)
        if self.name == "influxdb":
            (result,) = self._json("/query", db="evolve", q=query)["results"]
            column = 0 if query.startswith("SHOW FIELD KEYS") else 1
            found = {row[column] for series in result.get("series", []) for row in series["values"]}
        else:
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()  # type: ignore[union-attr]
            times = {"start": str(self._begin - 1200), "end": str(self._begin + MINUTES * 60)}
            answer = self._json("/api/v1/series", **{"match[]": series}, **times)
            found = {each[label] for each in answer["data"] if label in each}
        if not variable["regex"]:
            return found
        matches = [re.search(variable["regex"].strip("/"), each) for each in found]
        return {match[1] for match in matches if match}

    def _influx_curves(self, query: str, form: str) -> list[Curve]:
        (result,) = self._json("/query", db="evolve", epoch="ms", q=query)["results"]
        assert "error" not in result, f"{query}: {result}"
        curves = []
        for series in result.get("series", []):
            if form == "table":
                assert series["columns"] == ["time", "fitness", "trial", "slot"]
                curves += [Curve((("slot", row[3]), ("trial", row[2])), [row[1]]) for row in series["values"]]
            else:
                tags = tuple(sorted((name, value) for name, value in series.get("tags", {}).items() if value))
                curves.append(Curve(tags, [row[1] for row in series["values"]]))
        return sorted(curves)

    def _json(self, path: str, **query: str) -> Any:
        return json.loads(self._request(path, **query))

    def _request(self, path: str, body: bytes | None = None, **query: str) -> bytes:
        headers = {} if self.name == "influxdb" or body is None else remote_write.HEADERS
        with urlopen(Request(f"{self._url}{path}?{urlencode(query)}", body, headers), timeout=60) as answer:
            return answer.read()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TsdbLab]:
    with tsdb_lab(tmp_path_factory.mktemp("dashboards")) as lab:
        yield lab


@pytest.fixture(scope="module")
def servers(lab: TsdbLab) -> dict[str, Server]:
    begin = (int(time.time()) // INTERVAL - MINUTES - 2) * INTERVAL
    given = list(points(begin))
    found = {name: Server(name, lab.url(name), begin) for name in SERVERS}
    for server in found.values():
        server.write(given)
    return found


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, servers: dict[str, Server]) -> Server:
    return servers[request.param]


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def query_of(target: Mapping[str, Any]) -> str:
    return str(target.get("query") or target["expr"])


def fields_in(query: str) -> set[str]:
    """The metrics of ours that a query names."""
    named = set(re.findall(r"evolve_(?:vm|run)_(\w+)", query)) | set(re.findall(r'"(\w+_\w+)"', query))
    named |= {"fitness"} & set(re.findall(r"\w+", query))
    return {name for name in named if not name.startswith("evolve_")}


# --- on the servers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", EXPECTED)
def test_each_query_gives_what_its_panel_shows(server: Server, title: str) -> None:
    (panel,) = (panel for panel in panels(server.dashboard) if panel["title"] == title)
    for chosen, expected in zip((ALL, CHOSEN), EXPECTED[title], strict=True):
        found = [server.curves(target, chosen) for target in panel["targets"]]
        assert tuple(map(len, found)) == expected
        assert all(curve.values for curves in found for curve in curves)


def test_every_panel_is_expected() -> None:
    for dashboard in DASHBOARDS.values():
        assert [panel["title"] for panel in panels(dashboard)] == list(EXPECTED)


@pytest.mark.parametrize("title", EXPECTED)
def test_every_server_gives_the_same_numbers(servers: dict[str, Server], title: str) -> None:
    given = {}
    for name, server in servers.items():
        (panel,) = (panel for panel in panels(server.dashboard) if panel["title"] == title)
        given[name] = [server.curves(target, ALL) for target in panel["targets"]]
    for name in ("prometheus", "victoriametrics"):
        for curves, others in zip(given["influxdb"], given[name], strict=True):
            assert [curve.tags for curve in curves] == [curve.tags for curve in others]
            for curve, other in zip(curves, others, strict=True):
                assert curve.values == pytest.approx(other.values)


def test_the_numbers_are_right(server: Server) -> None:
    """Of the figures that can be told from the points without a server."""
    found = {panel["title"]: panel["targets"] for panel in panels(server.dashboard)}

    def figure(title: str, target: int = 0) -> float:
        ((dummy, (value,)),) = server.curves(found[title][target], ALL)
        return value

    turns = MINUTES * 60 // TRIAL_SECONDS
    readings = [number(f"slot-{slot}", turn) for slot in (1, 2) for turn in range(1, turns - 1)]
    assert figure("Best fitness so far") == pytest.approx(max(readings))
    assert (figure("Trials", 0), figure("Trials", 1)) == (2 * turns, 2 * turns - 1)
    assert [curve.values for curve in server.curves(found["Hosts"][0], ALL)] == [[1], [2]]


def test_a_misspelt_metric_gives_nothing(server: Server) -> None:
    """So the tests above would notice."""
    for panel in panels(server.dashboard):
        for target in panel["targets"]:
            query = query_of(target).replace("$metric", "latency_p95_ms")
            fields = fields_in(query)
            assert fields, query
            for field in fields:
                wrong = {**target, ("query" if "query" in target else "expr"): query.replace(field, f"{field}x")}
                if panel["type"] == "table":
                    wrong["resultFormat"] = "time_series"
                assert server.curves(wrong, ALL) == [], panel["title"]


def test_each_variable_offers_what_there_is(server: Server) -> None:
    found = {each["name"]: server.values(each, ALL) for each in server.dashboard["templating"]["list"]}
    assert found == VALUES


# --- as they stand ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=DASHBOARDS)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    return DASHBOARDS[request.param]


def test_grafana_finds_the_fields_it_needs(dashboard: dict[str, Any]) -> None:
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time", "version"} <= set(dashboard)
    assert dashboard["id"] is None
    assert 37 <= dashboard["schemaVersion"] <= 39
    assert len(dashboard["uid"]) <= 40
    (asked_for,) = dashboard["__inputs"]
    assert (asked_for["name"], asked_for["type"]) == ("DS_EVOLVE", "datasource")
    source = {"type": asked_for["pluginId"], "uid": "${DS_EVOLVE}"}
    for panel in dashboard["panels"]:
        assert {"id", "type", "title", "gridPos"} <= set(panel)
        if panel["type"] == "row":
            assert panel["panels"] == []
            continue
        assert panel["datasource"] == source
        assert {"defaults", "overrides"} == set(panel["fieldConfig"])
        assert panel["options"]
        assert [target["refId"] for target in panel["targets"]] == ["A", "B"][: len(panel["targets"])]
        assert all(target["datasource"] == source for target in panel["targets"])
    for variable in dashboard["templating"]["list"]:
        assert variable["datasource"] == source
        assert variable["type"] == "query"
        assert variable["query"]
    required = {each["id"] for each in dashboard["__requires"] if each["type"] == "panel"}
    assert required == {panel["type"] for panel in panels(dashboard)}


def test_panels_explain_themselves(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
    titles = [panel["title"] for panel in panels(dashboard)]
    assert len(set(titles)) == len(titles)


def test_curves_of_one_panel_have_different_names(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        names = [target.get("alias", target.get("legendFormat")) for target in panel["targets"]]
        assert len(set(names)) == len(names)


def test_panels_lie_beside_one_another(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 and place["h"] > 0 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below


def test_every_metric_that_is_watched_is_shown_and_no_other(dashboard: dict[str, Any]) -> None:
    named = set().union(
        *(fields_in(query_of(target)) for panel in panels(dashboard) for target in panel["targets"])
    ) - {"fitness"}
    assert named == {metric.name for metric in METRICS}


def test_the_unit_of_a_panel_is_that_of_its_metrics(dashboard: dict[str, Any]) -> None:
    ends = {
        "iops": "operations_per_second",
        "MiBs": "mib_per_second",
        "Mbits": "mbit_per_second",
        "mbytes": "mib",
        "ms": "ms",
        "percent": "percent",
    }
    for panel in panels(dashboard):
        unit = panel["fieldConfig"]["defaults"]["unit"]
        if panel["type"] == "timeseries" and unit != "short":
            names = set().union(*(fields_in(query_of(target)) for target in panel["targets"]))
            assert all(name == "fitness" or name.endswith(f"_{ends[unit]}") for name in names), panel["title"]


def test_both_dashboards_look_the_same() -> None:
    def looks(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
        apart = ("targets", "datasource")
        return [{name: value for name, value in each.items() if name not in apart} for each in dashboard["panels"]]

    assert looks(DASHBOARDS["influxdb"]) == looks(DASHBOARDS["prometheus"])


def test_the_files_are_what_the_description_says() -> None:
    tool = REPOSITORY / "tests" / "tools" / "dashboards.py"
    done = subprocess.run([sys.executable, str(tool), "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
