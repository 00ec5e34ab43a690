# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a benchmark is given up: the rule, and that the runs after it are really not made."""

from __future__ import annotations

import time

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.early_abort import EarlyAbort, Limit
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import HopelessError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure

LIMITS = (Limit("latency_p95_ms", "minimize", 50.0), Limit("a.rate", "maximize", 100.0))


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        ({"latency_p95_ms": 101.0}, "latency_p95_ms is 101, more than 2 times its limit of 50"),
        ({"latency_p95_ms": 99.0}, None),
        ({"a.rate": 49.0}, "a.rate is 49, 2 times less than its limit of 100"),
        ({"a.rate": 51.0, "b.errors_percent": 50.0}, None),
        ({"b.errors_percent": 51.0}, "b.errors_percent is 51, over 50"),
        ({"other": 1e9}, None),
    ],
)
def test_far_beyond_a_limit_is_hopeless(metrics, says):
    assert EarlyAbort(LIMITS).reason(metrics) == says


def counting(tmp_path, values, pause=0, **options):
    """A command that prints one value after the other, as a benchmark."""
    (tmp_path / "values").write_text("".join(f"{value}\n" for value in values))
    script = (
        f"cd {tmp_path}; date +%s.%N >> moments; sleep {pause}; "
        "echo run >> runs; echo value: $(sed -n $(wc -l < runs)p values); date +%s.%N >> moments"
    )
    metrics = {"latency_p95_ms": {"regex": "value: ([0-9]+)"}}
    return {"name": "command", "command": ["sh", "-c", script], "metrics": metrics, "seconds": 1, **options}


def moments(tmp_path):
    return [float(line) for line in (tmp_path / "moments").read_text().splitlines()]


def runs_made(tmp_path):
    return len((tmp_path / "runs").read_text().splitlines())


def test_a_hopeless_warm_up_is_the_only_run(tmp_path):
    definition = parse_definition(counting(tmp_path, [400, 1, 1, 1], repeats=3))
    result = measure(definition, str(tmp_path / "bench"), early_abort=EarlyAbort(LIMITS))
    assert (result["metrics"], result["runs"]) == ({"latency_p95_ms": 400.0}, [{"latency_p95_ms": 400.0}])
    assert result["cut_short"] == "after the warm-up: latency_p95_ms is 400, more than 2 times its limit of 50"
    assert runs_made(tmp_path) == 1


def test_a_hopeless_run_is_the_last(tmp_path):
    definition = parse_definition(counting(tmp_path, [40, 40, 400, 1], repeats=3))
    result = measure(definition, str(tmp_path / "bench"), early_abort=EarlyAbort(LIMITS))
    assert result["metrics"] == {"latency_p95_ms": 220.0}
    assert result["cut_short"].startswith("after run 2 of 3: ")
    assert runs_made(tmp_path) == 3


def test_without_early_abort_every_run_is_made(tmp_path):
    result = measure(parse_definition(counting(tmp_path, [400, 400, 400], repeats=2)), str(tmp_path / "bench"))
    assert (len(result["runs"]), result["cut_short"], runs_made(tmp_path)) == (2, "", 3)


@pytest.mark.parametrize("first", [1, 400])
def test_the_window_is_that_of_the_runs_that_are_in_the_result(tmp_path, first):
    definition = parse_definition(counting(tmp_path, [first, 1, 1], pause=2, repeats=2))
    result = measure(definition, str(tmp_path / "bench"), early_abort=EarlyAbort(LIMITS))
    began, ended = (time.time() - seconds for seconds in result["window_seconds_ago"])
    of_runs = moments(tmp_path) if result["cut_short"] else moments(tmp_path)[2:]
    assert began == pytest.approx(of_runs[0], abs=1.5)
    assert ended == pytest.approx(of_runs[-1], abs=1.5)


def test_a_benchmark_after_a_hopeless_one_is_not_run_and_that_is_the_configurations_fault(tmp_path):
    first = counting(tmp_path, [400, 400], label="first")
    definition = parse_definition([first, {**first, "label": "second"}])
    limits = (Limit("first.latency_p95_ms", "minimize", 50.0),)
    with pytest.raises(HopelessError, match=r"cut short after the warm-up: first\.latency_p95_ms is 400") as caught:
        measure(definition, str(tmp_path / "bench"), early_abort=EarlyAbort(limits))
    assert caught.value.failure_class == "configuration"
    assert runs_made(tmp_path) == 1


def test_what_takes_too_long_is_stopped_with_all_benchmarks_counted(tmp_path):
    slow = {"name": "command", "command": ["sh", "-c", "sleep 1; echo value: 1"], "repeats": 1, "warmup_seconds": 0}
    slow["metrics"] = {"value": {"regex": "value: ([0-9]+)"}}
    definition = parse_definition([{**slow, "label": "first"}, {**slow, "label": "second"}])
    with pytest.raises(HopelessError, match="far more than the baseline takes, during: sh -c sleep 1"):
        measure(definition, str(tmp_path / "bench"), early_abort=EarlyAbort(seconds=1.5))
    assert not (tmp_path / "bench").exists()
