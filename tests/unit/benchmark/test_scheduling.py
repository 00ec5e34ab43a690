# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of scheduling: its arithmetic, how it reads a study, and what it says of it."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import yaml

from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store
from ansible_collections.evolve.vm.tests.benchmark.scheduling import (
    arithmetic,
    estate,
    process,
    quality,
    report,
    tables,
)
from ansible_collections.evolve.vm.tests.benchmark.scheduling.evidence import Evidence, Run, Trial, joined, read
from ansible_collections.evolve.vm.tests.benchmark.scheduling.process import Sample
from ansible_collections.evolve.vm.tests.benchmark.scheduling.results import Results, newest
from ansible_collections.evolve.vm.tests.benchmark.scheduling.runner import setups
from ansible_collections.evolve.vm.tests.benchmark.scheduling.scenarios import SCENARIOS
from ansible_collections.evolve.vm.tests.benchmark.scheduling.setup import Setup

CHOSEN = Namespace(
    variants=None, scale=1.0, seeds=None, slots=None, trials=None, seconds=None, spread=None, algorithm=None, forks=None
)


def run(slot: str, asked: float, began: float | None, seconds: float, told: float | None, trial: int = 1) -> Run:
    return Run(trial, slot, "measured" if began is not None else "failed", asked, told, began, seconds)


# Two slots; the last run is handed out at 21.
RUNS = [
    run("a", 0.0, 0.5, 10.0, 11.0, 1),
    run("a", 11.5, 12.0, 8.0, 20.5, 3),
    run("a", 21.0, 21.5, 18.0, 40.0, 4),
    run("b", 1.0, 2.0, 20.0, 22.5, 2),
]


def test_utilisation_is_busy_time_over_the_time_of_all_slots() -> None:
    used = arithmetic.utilisation(RUNS, 2)
    assert used.elapsed == 40.0
    assert used.busy == 56.0
    assert used.whole == 56 / 80


def test_without_the_tail_nothing_counts_after_the_last_run_was_handed_out() -> None:
    assert arithmetic.utilisation(RUNS, 2).without_tail == (10 + 8 + 0 + 19) / 42


def test_a_run_without_a_benchmark_is_not_busy() -> None:
    failed = run("b", 22.5, None, 0.0, 40.0)
    assert arithmetic.utilisation([*RUNS, failed], 2).busy == 56.0
    assert arithmetic.utilisation([*RUNS, replace(failed, told=None)], 2).elapsed == 40.0


def test_overhead_is_a_round_less_its_benchmark() -> None:
    rounds, until_told = arithmetic.overheads(RUNS)
    assert rounds == pytest.approx([1.5, 1.5])
    assert until_told == pytest.approx([1.0, 1.0])
    # What failed had no benchmark to take off; what it delayed is not the next one's overhead.
    failed = [run("a", 5.0, None, 0.0, 6.0), run("a", 7.0, 7.5, 1.0, 9.0), run("a", 9.5, 9.6, 1.0, 11.0)]
    assert arithmetic.overheads(failed)[0] == pytest.approx([1.5])


def test_percentiles_are_values_that_occurred() -> None:
    assert arithmetic.percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 3.0
    assert arithmetic.percentile([4.0, 1.0, 3.0, 2.0], 0.95) == 4.0
    assert arithmetic.percentile([1.0], 0.95) == 1.0


def test_the_course_of_a_search_has_as_many_trials_in_each_part() -> None:
    runs = [run("a", number, number + 0.2, 0.5, number + 1.0, number) for number in range(8)]
    samples = [Sample(at, at * at, 100.0 + at) for at in range(10)]
    parts = arithmetic.course(runs, samples, 4)
    assert [part.trials for part in parts] == [2, 4, 6, 8]
    assert [part.seconds for part in parts] == [1.0] * 4
    assert [part.cpu_seconds for part in parts] == [2.0, 6.0, 10.0, 14.0]
    assert [part.resident_mib for part in parts] == [102.0, 104.0, 106.0, 108.0]
    assert len(arithmetic.course(runs[:3], samples, 4)) == 3


def test_processor_time_between_samples_is_in_proportion() -> None:
    samples = [Sample(10.0, 1.0, 0.0), Sample(20.0, 3.0, 0.0)]
    assert [arithmetic.cpu_at(samples, at) for at in (5.0, 10.0, 15.0, 25.0)] == [1.0, 1.0, 2.0, 3.0]
    assert arithmetic.cpu_at([], 5.0) == 0.0


def test_duplicates_are_those_that_are_not_said_to_repeat() -> None:
    first, other = {"vm.vcpus": 1, "vm.memory_mib": 512}, {"vm.vcpus": 2, "vm.memory_mib": 512}
    again = {"vm.memory_mib": 512, "vm.vcpus": 1}
    trials = [Trial(0, first, None, "measured"), Trial(1, other, None, "measured"), Trial(2, again, 0, "measured")]
    assert arithmetic.duplicates(trials) == 0
    assert arithmetic.duplicates([*trials, Trial(3, again, None, "measured")]) == 1


def test_a_trial_measured_twice_is_counted() -> None:
    assert arithmetic.measured_twice(RUNS) == 0
    twice = run("b", 30.0, 30.5, 1.0, 32.0, 2)
    assert arithmetic.measured_twice([*RUNS, twice]) == 1
    assert arithmetic.measured_twice([*RUNS, replace(twice, status="abandoned")]) == 0


def test_a_measurement_belongs_to_the_run_within_which_it_began() -> None:
    runs = [run("a", 1.0, None, 0.0, 3.0), run("a", 4.0, None, 0.0, 9.0), run("b", 2.0, None, 0.0, None)]
    log = [
        {"machine": "a", "began": 5.0, "seconds": 2.5},
        {"machine": "b", "began": 2.5, "seconds": 2.0},
        {"machine": "a", "began": 0.5, "seconds": 0.2},  # the baseline's
    ]
    found = {(each.slot, each.asked): (each.began, each.seconds) for each in joined(runs, log)}
    assert found == {("a", 1.0): (None, 0.0), ("a", 4.0): (5.0, 2.5), ("b", 2.0): (None, 0.0)}


def test_a_study_is_read_from_its_store(tmp_path) -> None:
    url = f"sqlite:///{tmp_path}/evolve.sqlite"
    times = [datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds") for at in (100.0, 103.0)]
    with Store(url).transaction("s") as records:
        row = {"definition": {}, "winner": 1, "collection_version": "0", "created_at": times[0]}
        records.insert(schema.studies, name="s", **row)
        trial = {"study": "s", "origin": "initial", "generation": 0, "parents": [], "status": "measured"}
        for number in (0, 1):
            values = {"vm.vcpus": number + 1}
            records.insert(schema.trials, number=number, configuration=values, created_at=times[0], **trial)
        for number, purpose in ((0, "baseline"), (1, "search"), (1, "verification")):
            run_of = {"study": "s", "trial": number, "purpose": purpose, "slot": "a", "status": "measured"}
            records.insert(schema.measurements, started_at=times[0], finished_at=times[1], **run_of)
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"machine": "a", "measurement": 0, "began": 100.5, "seconds": 2.0}) + "\n")
    evidence = read(url, "s", log)
    assert evidence.runs == (Run(1, "a", "measured", 100.0, 103.0, 100.5, 2.0),)
    assert [trial.configuration for trial in evidence.trials] == [{"vm.vcpus": 1}, {"vm.vcpus": 2}]
    assert evidence.winner == 1


def test_quality_is_without_noise_and_that_of_the_baseline_is_nothing() -> None:
    goals = [{"metric": "cpu_events_per_second", "direction": "maximize"}]
    trials = (Trial(0, {"vm.vcpus": 2}, None, "measured"), Trial(1, {"vm.vcpus": 4}, None, "measured"))
    assert quality.recommended(Evidence((), trials, None), goals) == 0.0
    # docs/reference/simulation.md: four vCPUs give +29.7 %.
    assert quality.recommended(Evidence((), trials, 1), goals) == pytest.approx(0.26, abs=0.001)


def test_this_process_has_a_size_and_has_used_time() -> None:
    found = process.sample(os.getpid())
    assert found.cpu_seconds > 0
    assert found.resident_mib > 5
    assert process.total_mib(os.getpid()) > 5
    assert next(iter(process.family(os.getpid()))) == os.getpid()


def test_controllers_share_out_the_slots(tmp_path) -> None:
    setup = Setup(7, 10, seconds=2.0, controllers=3)
    hosts = []
    for controller in range(3):
        estate.write_inventory(setup, tmp_path, controller)
        inventory = yaml.safe_load((tmp_path / f"hosts-{controller}.yml").read_text())
        hosts.append(set(inventory["evolve_slots"]["hosts"]))
    assert [len(own) for own in hosts] == [3, 2, 2]
    assert len(set.union(*hosts)) == 7
    assert setup.forks_each == 3


def test_scale_makes_trials_quicker_and_a_single_slot_runs_fewer() -> None:
    chosen = Namespace(**{**vars(CHOSEN), "scale": 0.1, "trials": 80})
    found = dict(setups(SCENARIOS["utilisation"], chosen))
    assert (found["steady_state"].seconds, found["steady_state"].spread) == (2.0, 8.0)
    assert (found["one slot"].slots, found["one slot"].trials, found["one slot"].seconds) == (1, 5, 2.0)
    assert found["generational"] == replace(found["steady_state"], scheduling="generational")


def test_only_the_variants_asked_for_are_run_with_every_seed() -> None:
    chosen = Namespace(**{**vars(CHOSEN), "variants": ["2"], "seeds": 2})
    assert [(name, s.seed, s.controllers) for name, s in setups(SCENARIOS["controllers"], chosen)] == [
        ("2", 1, 2),
        ("2", 2, 2),
    ]
    with pytest.raises(SystemExit, match=r"No such variant: 3\. There are: 1, 2, 4"):
        list(setups(SCENARIOS["controllers"], Namespace(**{**vars(CHOSEN), "variants": ["3"]})))


def row(variant: str, **changes: object) -> dict[str, str]:
    usual = dict.fromkeys(
        [
            *("elapsed_seconds", "utilisation", "utilisation_without_tail", "slots_worth", "trials_an_hour"),
            *("overhead_median", "overhead_p95", "until_told_median", "until_told_p95", "cpu_a_trial"),
            *("elapsed_a_trial", "resident_mib", "total_mib", "true_fitness"),
        ],
        1.0,
    )
    usual |= {"variant": variant, "at": "2026-01-01T00:00:00+00:00", "commit": "abc", "core": "2.19", "cores": 2}
    usual |= {"load": 0.5, "full": "yes", "scale": 1.0, "slots": 16, "seconds": 20.0, "spread": 80.0, "told": 256}
    usual |= {"seed": 1, "duplicates": 0, "measured_twice": 0}
    return {name: str(value) for name, value in (usual | changes).items()}


def test_results_are_kept_with_columns_that_came_later(tmp_path) -> None:
    results = Results(tmp_path)
    results.add("overhead", [{"variant": "guided", "a": 1}])
    results.add("overhead", [{"variant": "guided", "a": 2, "b": 0.123456789}])
    assert results.read("overhead") == [
        {"variant": "guided", "a": "1", "b": ""},
        {"variant": "guided", "a": "2", "b": "0.12346"},
    ]
    assert results.read("utilisation") == []


def test_the_last_run_is_shown_and_a_quick_look_only_in_want_of_a_full_one() -> None:
    rows = [row("x", told=1), row("x", told=2), row("x", told=3, full="no"), row("y", told=4, full="no")]
    assert [each["told"] for each in newest(rows, "variant", "seed")] == ["2", "4"]


def test_a_quick_look_is_called_one() -> None:
    page = tables.overhead([row("guided", full="no", told=24, seconds=0.5, spread=0.5)])
    assert "| guided (quick look: 24 trials of 0.5 to 1 s) |" in page
    assert "quick look" not in tables.overhead([row("guided")])


def test_speed_up_is_against_one_slot() -> None:
    alone = row("one slot", slots=1, slots_worth=0.98, trials_an_hour=58)
    page = tables.utilisation([row("steady_state", slots_worth=15.19, trials_an_hour=928, utilisation=0.9494), alone])
    line = page.splitlines()[2].split(" | ")
    assert [line[2], line[5], line[7]] == ["94.9 %", "15.50", "16.00 |"]
    assert " – |" in tables.utilisation([row("steady_state")])


def test_strategies_are_compared_with_ours() -> None:
    page = tables.strategies([row("steady_state", cpu_a_trial=0.5), row("free", cpu_a_trial=2.0)])
    assert page.splitlines()[-1].endswith("| 2.00 | 4.0 |")


def test_over_the_seeds_quality_is_a_mean_and_duplicates_a_sum() -> None:
    seeds = [row("2", seed=1, true_fitness=0.1, duplicates=1), row("2", seed=2, true_fitness=0.2, duplicates=2)]
    line = tables.controllers(seeds).splitlines()[2]
    assert line.startswith("| 2 | 16 | 2 | +16.2 % (+10.5 to +22.1) | 3 | 0 |")


def test_the_page_says_what_was_not_run() -> None:
    page = report.page({"overhead": [row("guided")]})
    assert page.count("Not run yet.") == len(SCENARIOS) - 1
    assert "$" not in page


def test_every_scenario_has_a_section() -> None:
    assert list(tables.SECTIONS) == list(SCENARIOS)


def test_the_figure_shows_the_study_of_the_table() -> None:
    parts = [row("guided", at="1"), row("guided", at="2"), row("textbook", at="2")]
    assert report.course(parts, [row("guided", at="2")]) == [parts[1]]
