# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring a real nginx with the real wrk, and what a definition of it may say."""

from __future__ import annotations

import re
import time

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, DefinitionError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, planned_commands
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import online_cpus
from ansible_collections.evolve.vm.tests.benchmark_outputs import RecordedShell, job_of
from ansible_collections.evolve.vm.tests.servers import free_port
from ansible_collections.evolve.vm.tests.web_server import slow_server, web_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with web_server(tmp_path_factory.mktemp("nginx")) as found:
        yield found


@pytest.fixture
def run(server, tmp_path):
    """Runs wrk once for a second, with these options, and gives its metrics."""

    def once(path="/", **options):
        server.seen()
        definition = {"name": "wrk", "seconds": 1, "warmup_seconds": 0, "repeats": 1, "connections": 4, **options}
        definition.setdefault("url", server.url + path)
        result = measure(parse_definition(definition), str(tmp_path / "bench"))
        assert list(tmp_path.iterdir()) == []
        return result["metrics"]

    return once


def test_the_numbers_are_those_of_the_servers_own_log(server, run):
    metrics = run()
    seen = server.seen()
    seconds = max(request.when for request in seen) - min(request.when for request in seen)
    assert 0.9 < seconds < 2
    assert metrics["throughput_per_second"] == pytest.approx(len(seen) / seconds, rel=0.1)
    size = sum(request.size for request in seen) / len(seen)
    assert metrics["transferred_mib_per_second"] == pytest.approx(
        metrics["throughput_per_second"] * size / 2**20, rel=0.001
    )
    assert metrics["errors_total"] == 0


def test_errors_are_those_of_the_servers_own_log(server, run):
    metrics = run("/some")
    seen = server.seen()
    failed = sum(request.status == 503 for request in seen)
    # The last requests are answered after wrk has stopped to count.
    assert failed - 4 <= metrics["errors_total"] <= failed
    assert metrics["errors_percent"] == pytest.approx(100 * failed / len(seen), abs=0.5)
    assert 9 < metrics["errors_percent"] < 11


def test_latencies_are_those_of_the_server(run):
    with slow_server(seconds=0.1) as url:
        metrics = run(url=url)
    latencies = [metrics[f"latency_{name}_ms"] for name in ("p50", "p90", "p95", "p99", "maximum")]
    assert latencies == sorted(latencies)
    assert 100 <= metrics["latency_p50_ms"] < 150
    assert 100 <= metrics["latency_mean_ms"] < 150
    # Four connections, each of which has one request under way.
    assert 20 < metrics["throughput_per_second"] <= 40


def test_warm_up_and_repeats_begin_alike_and_end_without_a_trace(server, tmp_path):
    definition = parse_definition(
        {"name": "wrk", "url": server.url, "seconds": 1, "warmup_seconds": 1, "repeats": 2, "threads": 1}
    )
    result = measure(definition, str(tmp_path / "bench"))
    assert len(result["runs"]) == 2
    assert list(result["metrics"]) == metric_names(definition)
    assert result["version"].startswith("wrk ")
    assert result["commands"] == planned_commands(definition, online_cpus())
    assert list(tmp_path.iterdir()) == []


def test_headers_reach_the_server_and_no_command_line(server, run, tmp_path):
    with pytest.raises(BenchmarkError, match="measured nothing"):
        run("/secret")
    assert run("/secret", headers={"X-Test": 'a "\\" b'})["errors_total"] == 0
    definition = parse_definition({"name": "wrk", "url": server.url, "headers": {"X-Test": "hush"}})
    assert not any("hush" in command for command in planned_commands(definition, 2))


def test_a_script_says_what_is_asked_and_may_have_an_end_of_its_own(server, run):
    run(
        script="""
        request = function() return wrk.format("GET", "/from-script?" .. math.random(1, 1000000)) end
        done = function(summary) io.write("Requests/sec: 1.00\\n") end
        """
    )
    paths = [request.path for request in server.seen()]
    assert all(re.fullmatch(r"/from-script\?\d+", path) for path in paths)
    assert len(set(paths)) > 100


def test_a_script_draws_the_same_numbers_each_time(server, run):
    script = 'request = function() return wrk.format("GET", "/" .. math.random(1, 1000000)) end'
    first = [(run(script=script, connections=1, threads=1), server.seen()) for dummy in range(2)]
    paths = [[request.path for request in seen[:50]] for dummy, seen in first]
    assert paths[0] == paths[1]
    run(script=script, connections=1, threads=1, seed=2)
    assert [request.path for request in server.seen()[:50]] != paths[0]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("this is no Lua", "script: script.lua:1:"),
        ("function request()", "script: script.lua:1:"),
        ('request = function() error("trouble") end', "trouble"),
        ("wrk.init = function() os.exit(3) end", "exit code 3"),
    ],
)
def test_a_script_that_fails_is_told_with_its_reason(run, script, says):
    with pytest.raises(BenchmarkError, match=re.escape(says)):
        run(script=script)


@pytest.mark.parametrize(("path", "says"), [("/errors", "with a status of 400 or more"), ("/cut", "times to read")])
def test_a_server_that_only_fails_is_no_measurement(run, path, says):
    with pytest.raises(BenchmarkError, match=f"measured nothing(.|\n)*{says}"):
        run(path)


def test_a_target_that_is_down_is_told_in_wrks_own_words(run):
    with pytest.raises(BenchmarkError, match=r"unable to connect to 127\.0\.0\.1:\d+ Connection refused"):
        run(url=f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(BenchmarkError, match="unable to resolve"):
        run(url="http://no-such-host.invalid/")


def test_a_run_that_does_not_end_is_stopped(run):
    began = time.monotonic()
    with pytest.raises(BenchmarkError, match="stopped after timeout_seconds"):
        run(script="while true do end", timeout_seconds=2)
    assert time.monotonic() - began < 10


def test_the_measured_machine_is_asked_unless_told_otherwise():
    job = job_of({"name": "wrk"})
    assert job.run_command(RecordedShell(target="192.0.2.7"), 5)[-1] == "http://192.0.2.7/"
    job = job_of({"name": "wrk", "url": "https://{target}:8443/a?b=1"})
    assert job.run_command(RecordedShell(target="192.0.2.7"), 5)[-1] == "https://192.0.2.7:8443/a?b=1"


def test_threads_are_one_a_cpu_but_no_more_than_connections():
    command = job_of({"name": "wrk", "connections": 3}).run_command(RecordedShell(cpus=8), 5)
    assert "--threads=3" in command
    command = job_of({"name": "wrk"}).run_command(RecordedShell(cpus=8), 5)
    assert "--threads=8" in command


def test_wrk2_sends_at_a_rate():
    command = job_of({"name": "wrk2", "rate": 2000, "connections": 4}).run_command(RecordedShell(), 30)
    assert command[:1] == ["wrk2"]
    assert "--rate=2000" in command


def test_all_faults_of_the_options_are_told_at_once():
    with pytest.raises(DefinitionError) as caught:
        parse_definition(
            [
                {"name": "wrk", "url": "ftp://x", "threads": 9, "connections": 8, "rate": 5, "conections": 1},
                {"name": "wrk2", "headers": {"a b": "c", "D": "e\nf"}, "request_timeout_seconds": 0, "script": 1.5},
                {"name": "wrk", "label": "two", "url": "http://me@host/"},
            ]
        )
    assert [fault.where.replace("evolve_benchmark", "") for fault in caught.value.faults] == [
        "[0].conections",
        "[0].rate",
        "[0].url",
        "[0].threads",
        "[1].rate",
        "[1].request_timeout_seconds",
        "[1].script",
        "[1].headers.a b",
        "[1].headers.D",
        "[2].url",
    ]
    assert "Did you mean connections?" in str(caught.value)
    assert "name: wrk2" in str(caught.value)
