# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same points give the same numbers, to the last bit, whichever database they were kept in."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack, contextmanager

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.aggregation import AGGREGATIONS, aggregate
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.factory import backend_for
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Window, rounded, tagged
from ansible_collections.evolve.vm.tests.influxdb_server import influxdb_server
from ansible_collections.evolve.vm.tests.prometheus_servers import prometheus_server, victoriametrics_server

SPAN_MS = 40 * 60 * 1000
# Fields, and the powers of ten that the values of a series of each lie between.
FIELDS = {
    "availability_percent": (0, 2),
    "disk_read_latency_ms": (-3, 3),
    "disk_read_operations_per_second": (0, 6),
    "memory_used_mib": (2, 6),
    "tiny_seconds": (-9, -4),
    "huge_bytes": (9, 15),
}
HOSTS = ("vm-1", "vm-2", 'odd "name", a=b \\ ü')


@contextmanager
def influxdb(folder):
    with influxdb_server(folder) as server:
        yield {"kind": "influxdb", "url": server.url, "database": "evolve"}


@contextmanager
def prometheus(folder):
    with prometheus_server(folder) as server:
        yield {"kind": "prometheus", "url": server.url}


@contextmanager
def victoriametrics(folder):
    with victoriametrics_server(folder) as server:
        yield {"kind": "victoriametrics", "url": server.url}


SERVERS = (influxdb, prometheus, victoriametrics)


@pytest.fixture(scope="module")
def at_ms():
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def points(at_ms):
    """At irregular times, with gaps; a counter among them that begins anew, and a series of the same value."""
    draw = random.Random(7)
    made = []
    for host in HOSTS:
        tags = tagged(host=host, study="web", trial=str(draw.randrange(100)))
        for field, (low, high) in FIELDS.items():
            for number in sorted(draw.sample(range(SPAN_MS), 400)):
                if number // 300_000 != 3:
                    value = draw.choice([1, 1, 1, 0, -1]) * 10 ** draw.uniform(low, high)
                    made.append(Point("evolve_vm", field, tags, at_ms - number, rounded(value)))
        total = 0.0
        for number in range(300):
            total = 0.0 if number == 200 else rounded(total + draw.uniform(0, 1e4))
            made.append(Point("evolve_vm", "requests_total", tags, at_ms - SPAN_MS + number * 7001, total))
            made.append(Point("evolve_vm", "constant", tags, at_ms - SPAN_MS + number * 7001, 0.1))
    draw.shuffle(made)
    return made


@pytest.fixture(scope="module")
def backends(tmp_path_factory, points):
    """Each with the points, written as the spool does it, some of them twice."""
    with ExitStack() as stack:
        found = {}
        for server in SERVERS:
            connection = stack.enter_context(server(tmp_path_factory.mktemp(server.__name__)))
            backend = backend_for(read_connection(connection, "test"))
            backend.write(points)
            backend.write(points[::17])
            found[server.__name__] = backend
        yield found


@pytest.fixture(
    params=[(0, SPAN_MS), (SPAN_MS // 3 + 1, SPAN_MS // 3), (600_000, 1), (SPAN_MS, 1000)],
    ids=["all", "middle", "newest", "oldest"],
)
def window(request, at_ms, points):
    """Windows; their edges are moments of points, where there are any near."""
    back, length = request.param
    end_ms = min((point.at_ms for point in points), key=lambda each: abs(each - (at_ms - back)))
    return Window(end_ms - length, end_ms)


@pytest.mark.parametrize("field", [*FIELDS, "requests_total", "constant"])
def test_raw_points_and_all_that_follows_are_the_same(backends, points, field, window):
    written = {}
    for point in points:
        if point.field == field and window.holds(point.at_ms):
            written.setdefault(point.tags, []).append((point.at_ms, point.value))
    expected = [(dict(tags), sorted(pairs)) for tags, pairs in sorted(written.items())]
    selector = Selector("evolve_vm", field, (("study", "web"),))
    for name, backend in backends.items():
        found = [(dict(series.tags), series.points) for series in backend.read(selector, window)]
        assert found == expected, name
        for (dummy, given), (dummy, kept) in zip(expected, found, strict=True):
            for aggregation in AGGREGATIONS:
                assert number(kept, aggregation) == number(given, aggregation), (name, aggregation)


def test_the_test_has_something_to_compare(points, window):
    assert len(points) > 8000
    assert window.end_ms > window.begin_ms


def number(points, aggregation):
    """As text, which tells -0.0 from 0.0."""
    try:
        return repr(aggregate(points, aggregation))
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_found_by_its_name(backends, points, at_ms, host):
    everything = Window(at_ms - SPAN_MS, at_ms)
    count = sum(point.field == "memory_used_mib" and dict(point.tags)["host"] == host for point in points)
    for name, backend in backends.items():
        (series,) = backend.read(Selector("evolve_vm", "memory_used_mib", (("host", host),)), everything)
        assert len(series.points) == count, name
