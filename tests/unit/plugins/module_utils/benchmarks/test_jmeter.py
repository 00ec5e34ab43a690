# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring a real nginx with the real JMeter of Debian, and what a definition of it may say."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import jmeter
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, DefinitionError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.jmeter_plan import PLAN
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, planned_commands
from ansible_collections.evolve.vm.tests.servers import free_port
from ansible_collections.evolve.vm.tests.web_server import web_server

SAVE = "jmeter.save.saveservice."


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with web_server(tmp_path_factory.mktemp("nginx")) as found:
        yield found


@pytest.fixture
def run(server, tmp_path):
    """Runs JMeter once, with these options, and gives what was measured."""

    def once(**options):
        server.seen()
        definition = {
            **{"name": "jmeter", "port": server.port, "threads": 2, "seconds": 3, "warmup_seconds": 0, "repeats": 1},
            **options,
        }
        return measure(parse_definition(definition), str(tmp_path / "bench"))

    return once


def test_the_numbers_are_those_of_the_servers_own_log(server, run, tmp_path):
    result = run(path="/some?a=1&b=2", repeats=2)
    metrics = result["metrics"]
    seen = server.seen()
    assert {request.path for request in seen} == {"/some?a=1&b=2"}
    # Each run is a Java of its own, which takes about a second to start.
    gaps = [second.when - first.when for first, second in itertools.pairwise(seen)]
    end = gaps.index(max(gaps)) + 1
    for requests, found in zip((seen[:end], seen[end:]), result["runs"], strict=True):
        assert found["errors_total"] == sum(request.status == 503 for request in requests) > 0
        assert found["errors_percent"] == pytest.approx(100 * found["errors_total"] / len(requests))
        span = requests[-1].when - requests[0].when
        assert found["throughput_per_second"] == pytest.approx(len(requests) / span, rel=0.2)
    assert list(metrics) == metric_names(parse_definition({"name": "jmeter"}))
    assert result["version"].startswith("jmeter ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "properties",
    [
        {f"{SAVE}output_format": "xml"},
        {f"{SAVE}print_field_names": False, f"{SAVE}default_delimiter": ";"},
        {f"{SAVE}timestamp_format": "yyyy-MM-dd'T'HH:mm:ss.SSSZ", f"{SAVE}default_delimiter": "\\t"},
    ],
)
def test_results_are_read_however_they_are_written(server, run, properties):
    metrics = run(properties=properties)["metrics"]
    assert metrics["errors_total"] == 0
    assert metrics["throughput_per_second"] > 10


def test_a_plan_of_ones_own_is_told_what_the_definition_says(server, run, tmp_path):
    plan = tmp_path / "mine.jmx"
    plan.write_text(PLAN.replace("${__P(path,/)}", "/${__P(where)}/${__P(seed)}"))
    result = run(plan=str(plan), properties={"where": "there"}, seed=7)
    assert {request.path for request in server.seen()} == {"/there/7"}
    assert result["metrics"]["errors_total"] == 0


def test_a_property_file_keeps_what_must_not_be_seen(server, run, tmp_path):
    (tmp_path / "secret.properties").write_text("token=hush\n")
    (tmp_path / "mine.jmx").write_text(PLAN.replace("${__P(path,/)}", "/${__P(token)}"))
    result = run(plan=str(tmp_path / "mine.jmx"), property_file=str(tmp_path / "secret.properties"))
    assert {request.path for request in server.seen()} == {"/hush"}
    assert not any("hush" in command for command in result["commands"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "made no request(.|\n)*Could not open"),
        ("this is no plan", "made no request(.|\n)*Error in NonGUIDriver"),
        (PLAN.replace("HTTPSamplerProxy", "NoSuchSampler"), "made no request(.|\n)*NoSuchSampler"),
        (PLAN.replace("${__P(threads,10)}", "0"), "made no request"),
    ],
)
def test_a_plan_that_is_missing_or_wrong_is_told_in_jmeters_own_words(run, tmp_path, content, says):
    plan = tmp_path / "mine.jmx"
    if content is not None:
        plan.write_text(content)
    with pytest.raises(BenchmarkError, match=says):
        run(plan=str(plan))


@pytest.mark.parametrize(
    ("options", "says"), [({"path": "/errors"}, "500 Internal Server Error"), ({"port": 0}, "Connection refused")]
)
def test_a_target_that_is_down_or_only_fails_is_no_measurement(run, options, says):
    options = {**options, "port": free_port()} if "port" in options else options
    with pytest.raises(BenchmarkError, match=f"all [0-9]+ requests failed. Most often: .*{says}"):
        run(seconds=2, **options)


def test_a_plan_that_does_not_end_is_stopped(run, tmp_path):
    plan = tmp_path / "mine.jmx"
    plan.write_text(PLAN.replace('scheduler">true', 'scheduler">false'))
    with pytest.raises(BenchmarkError, match="stopped after timeout_seconds"):
        run(plan=str(plan), timeout_seconds=5)


def test_another_jmeter_than_debians_is_started_as_it_is(monkeypatch, tmp_path):
    program = tmp_path / "jmeter"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    command = planned_commands(parse_definition({"name": "jmeter", "threads": 3}), 2, "192.0.2.7")[0]
    assert command.startswith("jmeter -n -t plan.jmx -l results-1.jtl -j jmeter.log ")
    for word in ("-Jhost=192.0.2.7", "-Jport=80", "-Jpath=/", "-Jthreads=3", "-Jseconds=3", "-Jseed=1"):
        assert f" {word} " in f"{command} "


def test_debians_jmeter_reads_plans_only_as_it_is_started_here(monkeypatch, run):
    """Should this fail, Debian's JMeter is mended, and `START` can go."""
    monkeypatch.setattr(jmeter, "_BEANSHELL", "/nowhere")
    with pytest.raises(BenchmarkError, match="ForbiddenClassException"):
        run(seconds=1)


def test_all_faults_of_the_options_are_told_at_once():
    with pytest.raises(DefinitionError) as caught:
        parse_definition(
            {
                **{"name": "jmeter", "plan": "plan.jmx", "protocol": "ftp", "path": "x", "thread": 4, "port": 0},
                "properties": {"a b": "c", "d": "e\nf", "g": True, "h": 1},
            }
        )
    assert [fault.where.replace("evolve_benchmark.", "") for fault in caught.value.faults] == [
        *("thread", "plan", "port", "protocol", "path", "properties.a b", "properties.d")
    ]
    assert "Did you mean threads" in str(caught.value)
