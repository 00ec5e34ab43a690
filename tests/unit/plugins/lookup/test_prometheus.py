# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup prometheus in playbooks, of a real Prometheus and a real VictoriaMetrics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.factory import backend_for
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, tagged
from ansible_collections.evolve.vm.tests.prometheus_servers import (
    PASSWORD,
    USER,
    prometheus_server,
    victoriametrics_server,
)

COLLECTIONS = Path(__file__).parents[4] / ".collections"
CPU = "evolve_vm_cpu_utilisation_percent"
ODD = 'vm "3"} or up{'
VALUES = [40.0, 10.0, 20.0, 30.0]


@pytest.fixture(scope="module")
def at_ms():
    return time.time_ns() // 1_000_000


def fill(kind, url, at_ms, **options):
    points = [
        Point("evolve_vm", "cpu_utilisation_percent", tagged(host=host, study="web"), at_ms - 4000 + 1000 * turn, value)
        for host in ("vm-1", "vm-2", ODD)
        for turn, value in enumerate(VALUES)
    ]
    backend_for(read_connection({"kind": kind, "url": url, **options}, "test")).write(points)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory, at_ms):
    with prometheus_server(tmp_path_factory.mktemp("prometheus"), password=True) as server:
        fill("prometheus", server.url, at_ms, username=USER, password=PASSWORD)
        yield {"evolve_prometheus_url": server.url, "evolve_prometheus_username": USER} | {
            "evolve_prometheus_password": "{{ secret }}",
            "secret": PASSWORD,
        }


@pytest.fixture(scope="module")
def victoriametrics(tmp_path_factory, at_ms):
    with victoriametrics_server(tmp_path_factory.mktemp("victoriametrics")) as server:
        fill("victoriametrics", server.url, at_ms)
        yield {"evolve_prometheus_url": server.url, "evolve_prometheus_kind": "victoriametrics"}


def asked(folder, variables, *arguments, config="", environment=None):
    """What queries with these arguments give, each a list or the message of an error; and all that was printed."""
    tasks = [
        {
            "name": "Ask",
            "ansible.builtin.set_fact": {f"found_{number}": "{{ query('evolve.vm.prometheus', " + each + ") }}"},
            "register": f"asked_{number}",
            "ignore_errors": True,
        }
        for number, each in enumerate(arguments)
    ]
    results = [f"found_{number} | default(asked_{number}.msg)" for number in range(len(arguments))]
    written = {"content": "{{ [" + ", ".join(results) + "] | to_json }}", "dest": str(folder / "found.json")}
    tasks.append({"name": "Write", "ansible.builtin.copy": written})
    given = {**variables, "odd": ODD, "ansible_python_interpreter": sys.executable}
    play = [{"hosts": "localhost", "gather_facts": False, "vars": given, "tasks": tasks}]
    (folder / "play.yml").write_text(yaml.safe_dump(play))
    (folder / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {COLLECTIONS}\n{config}")
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", "-vvv", "play.yml"],
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "EVOLVE_"))},
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "home"),
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return json.loads((folder / "found.json").read_text()), printed


@pytest.mark.parametrize("kind", ["prometheus", "victoriametrics"])
def test_metrics_are_asked(kind, request, tmp_path, at_ms):
    variables = request.getfixturevalue(kind)
    (mean, everyone, odd, nothing, raw, computed, sum_of_all), printed = asked(
        tmp_path,
        variables,
        f"'{CPU}', tags={{'host': 'vm-1'}}, window='1h'",
        f"'{CPU}', 'nothing_there', aggregation='p90', begin={at_ms / 1000 - 3.5}, end={at_ms / 1000}",
        f"'{CPU}', tags={{'host': odd}}, window='1h', aggregation='count', must_exist=true, fresh_seconds='30min'",
        "'nothing_there'",
        f"'{CPU}', tags={{'host': 'vm-2'}}, end={at_ms / 1000}, window=1.5, aggregation='none'",
        f"'{CPU} * 2', promql=true, end={at_ms / 1000}",
        f"'sum({CPU})', promql=true, must_exist=true, end={at_ms / 1000}",
    )
    (entry,) = mean
    assert (entry["metric"], entry["tags"]) == (CPU, {"host": "vm-1", "study": "web"})
    assert (entry["value"], entry["points"]) == (25.0, 4)
    assert datetime.fromisoformat(entry["newest"]).timestamp() == at_ms / 1000 - 1
    assert 1 <= entry["age_seconds"] < 600
    assert [(each["tags"]["host"], each["value"], each["points"]) for each in everyone] == [
        (ODD, 30.0, 3),
        ("vm-1", 30.0, 3),
        ("vm-2", 30.0, 3),
    ]
    assert [(each["tags"]["host"], each["value"]) for each in odd] == [(ODD, 4.0)]
    assert nothing == []
    assert [value for dummy, value in raw[0]["values"]] == [30.0]
    assert "value" not in raw[0]
    assert sorted((each["tags"]["host"], each["value"]) for each in computed) == sorted(
        (host, 60.0) for host in (ODD, "vm-1", "vm-2")
    )
    assert sum_of_all == [{"metric": f"sum({CPU})", "tags": {}, "value": 90.0}]
    if kind == "prometheus":
        assert PASSWORD not in printed


def test_what_cannot_be_answered_is_told(prometheus, tmp_path):
    messages, dummy = asked(
        tmp_path,
        prometheus,
        "'nothing_there', must_exist=true",
        "'nothing_there', fresh_seconds=5",
        "'bad-name'",
        "'up', tags={'bad-label': 'x'}",
        "'up', tgas={}",
        "'sum(up', promql=true",
        "'nothing_there', promql=true, must_exist=true",
        "'up', promql=true, window='5min', tags={'host': 'x'}",
        "'up[5m]', promql=true",
        "'up', kind='influxdb'",
    )
    expected = [
        "nothing_there of any tags has no points from",
        "nothing_there of any tags has no points from",
        "'bad-name' is no name of a metric",
        "'bad-label' is no name of a label",
        "Did you mean tags?",
        "answers with an error: invalid parameter",
        "nothing_there gives nothing",
        "2 faults",
        "the expression gives a matrix; expected one that gives numbers",
        "influxdb",
    ]
    for message, part in zip(messages, expected, strict=True):
        assert part in message


def test_options_come_from_a_file_and_the_environment(prometheus, tmp_path):
    config = f"[evolve_prometheus]\nurl = {prometheus['evolve_prometheus_url']}\nusername = nobody\n"
    environment = {"EVOLVE_PROMETHEUS_USERNAME": USER, "EVOLVE_PROMETHEUS_PASSWORD": PASSWORD}
    (found,), dummy = asked(tmp_path, {}, f"'{CPU}', window='1h'", config=config, environment=environment)
    assert len(found) == 3


def test_secrets_are_shown_nowhere(prometheus, tmp_path):
    variables = {**prometheus, "secret": "hunter2-and-more", "evolve_prometheus_retries": 0}
    messages, printed = asked(
        tmp_path, variables, f"'{CPU}'", f"'{CPU}', url='http://127.0.0.1:1'", f"'{CPU}', url='x'"
    )
    assert "does not accept the credentials" in messages[0]
    assert "does not answer" in messages[1]
    assert "EVOLVE_PROMETHEUS_URL in the environment" in messages[2]
    assert "hunter2-and-more" not in printed
