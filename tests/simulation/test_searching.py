# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends a search, what a study learns from others, and other weights after the fact."""

from __future__ import annotations

import json
from typing import Any

import yaml

from .conftest import Estate, said, warnings


def goals(operations: float, cost: float) -> list[dict[str, Any]]:
    return [
        {"metric": "fileio_operations_per_second", "direction": "maximize", "weight": operations},
        {"metric": "vm_cost", "direction": "minimize", "weight": cost},
    ]


def searched(estate: Estate, study: str = "trying") -> int:
    """How many trials were measured."""
    rows = estate.rows(
        f"select count(*) from trials where study = '{study}' and number > 0 and status in ('measured', 'failed')"
    )
    return int(rows[0][0])


def test_a_search_ends_when_its_time_is_up_and_what_it_found_is_verified(estate: Estate) -> None:
    estate.variables["evolve_budget"] = {"trials": 40, "hours": 0.0005}
    ended = estate.run()
    output = said(ended)
    assert ended.returncode == 0, output
    assert warnings(ended) == []
    assert "40 trials, at most 0.0005 h on 3 slots" in output
    done = searched(estate)
    assert 0 < done < 40
    assert f"The search is stopped after {done} of 40 trials: the 0.0005 h of the budget are spent" in output
    assert f"Search stopped after {done} of 40 trials" in output
    assert f"topped after {done}" in (estate.study / "report.html").read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert json.loads(estate.rows("select verdict from studies")[0][0])["sentence"]
    again = estate.run()
    assert again.returncode == 0
    assert searched(estate) == done, "the time of a study is not given out anew with each run"


def test_a_search_ends_when_the_next_trial_is_not_worth_it(estate: Estate) -> None:
    # Twice as good as the best is more than any trial can be expected to be.
    estate.variables |= {
        "evolve_algorithm": "guided",
        "evolve_algorithm_options": {},
        "evolve_budget": {"trials": 40, "threshold_percent": 100},
    }
    ended = estate.run()
    output = said(ended)
    assert ended.returncode == 0, output
    assert 20 <= searched(estate) < 40
    assert "below the threshold of 100 %" in output
    stopped = json.loads(estate.rows("select stopped from studies")[0][0])
    assert stopped["by"] == "threshold"


def test_other_weights_show_what_would_win_and_then_continue_the_study(estate: Estate) -> None:
    # One slot, so that the course of the search does not depend on which of them is first.
    estate.hosts = {"sim-1": {}}
    estate.variables["evolve_parameters"]["vm.vcpus"]["range"] = [1, 3]
    estate.variables["evolve_goals"] = goals(1, 0)
    assert estate.run().returncode == 0
    before = estate.rows("select * from studies") + estate.rows("select * from measurements")
    page = (estate.study / "report.html").read_bytes()

    shown = estate.run("report", "-e", json.dumps({"evolve_weights": {"vm_cost": 50}}))
    assert shown.returncode == 0, said(shown)
    assert "WHAT IF study trying had other weights? Nothing was measured, and nothing was changed." in said(shown)
    assert "The best would" in said(shown)
    assert estate.rows("select * from studies") + estate.rows("select * from measurements") == before
    assert (estate.study / "report.html").read_bytes() == page
    refused = estate.run("report", "-e", json.dumps({"evolve_weights": {"vm_costs": 50, "vm_cost": -1}}))
    assert refused.returncode != 0
    assert "Did you mean vm_cost?" in said(refused)
    assert "evolve_weights.vm_cost: found -1" in said(refused)

    estate.variables["evolve_goals"] = goals(0, 1)
    (first,) = estate.rows("select winner from studies")[0]
    ended = estate.run()
    assert ended.returncode == 0, said(ended)
    assert "Scored anew with other weights (fileio_operations_per_second: 1 -> 0" in said(ended)
    assert estate.rows("select count(*) from trials") == [(9,)], "no new trials"
    winner, verdict = estate.rows("select winner, verdict from studies")[0]
    assert winner != first
    assert json.loads(verdict)["trial"] == winner
    assert json.loads(verdict)["blocks"] == 3
    assert estate.rows(f"select count(*) from blocks where winner = {winner} and status = 'complete'") == [(3,)]
    individual = next(estate.study.glob(f"population/generation-*/individual-{first:04d}.yml"))
    assert "0.00 % over" not in individual.read_text(), "its fitness is that of the new weights"


def test_a_limit_cannot_be_changed_with_the_weights(estate: Estate) -> None:
    estate.variables["evolve_budget"] = {"trials": 2}
    assert estate.run().returncode == 0
    estate.variables["evolve_goals"][1] = {**estate.variables["evolve_goals"][1], "limit": 10, "weight": 3}
    refused = estate.run()
    assert refused.returncode != 0
    assert "evolve_goals.vm_cost.limit: None -> 10" in said(refused)


def test_a_study_learns_from_another_and_from_machines_that_are_there(estate: Estate) -> None:
    assert estate.run().returncode == 0
    strong = {"vm.vcpus": 12, "vm.memory_mib": 4096, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 5}
    estate.others = {"db-1": {}, "db-2": {}}
    wanted = estate.folder / "wanted.yml"
    wanted.write_text(yaml.safe_dump({"evolve_configuration": strong}))
    assert estate.run("apply", "-e", f"@{wanted}", "-e", "evolve_targets=db-1").returncode == 0

    estate.variables |= {
        "evolve_study": "next",
        "evolve_learn_from": ["trying"],
        "evolve_founders": [{"vm.vcpus": 4, "vm.memory_mib": 9999}],
        "evolve_algorithm_options": {"population": 8},
    }
    ended = estate.run()
    output = said(ended)
    assert ended.returncode == 0, output
    assert "Learns from trying: 9 trials" in output
    assert "Founder: host db-1 (moved into the search space: vm.vcpus: 12 -> 8)" in output, output
    assert "Founder: evolve_founders[1] (moved into the search space: vm.memory_mib: 9999 -> 4096)" in output
    assert "host db-2: the same as the baseline" in output
    learned = json.loads(estate.rows("select learned from studies where name = 'next'")[0][0])
    assert len(learned["studies"][0]["trials"]) == 9
    assert {**strong, "vm.vcpus": 8} in [founder["values"] for founder in learned["founders"]]
    assert "Learnt 9 trials of study trying" in output
    machine = json.loads((estate.home / "simulation" / "db-1.json").read_text())
    assert machine["values"]["vm.vcpus"] == 12, "it was read, not touched"

    again = estate.run()
    assert again.returncode == 0
    assert "Founder:" not in again.stdout


def test_several_benchmarks_and_a_run_that_is_hopeless(estate: Estate) -> None:
    estate.variables |= {
        "evolve_benchmark": [
            {"name": "sysbench", "tests": ["cpu"]},
            {"name": "command", "label": "shop", "command": "ab", "metrics": {"latency_p95_ms": {"regex": "(x)"}}},
        ],
        "evolve_goals": [
            {"metric": "sysbench.cpu_events_per_second", "direction": "maximize"},
            # The baseline has about 4 ms.
            {"metric": "shop.latency_p95_ms", "direction": "minimize", "limit": 3.95},
        ],
        "evolve_early_abort": {"limit_factor": 1},
    }
    ended = estate.run()
    output = said(ended)
    assert ended.returncode == 0, output
    runs = estate.rows("select purpose, message, runs from measurements where status = 'measured'")
    cut = [(message, len(json.loads(made))) for purpose, message, made in runs if message]
    assert cut, output
    assert {made for dummy, made in cut} == {1}
    assert all(message.startswith("cut short after run 1 of 2: shop.latency_p95_ms is ") for message, dummy in cut)
    assert all(purpose == "search" for purpose, message, dummy in runs if message)
    assert "breaks a limit cut short after run 1 of 2" in output
    refused = estate.run("evolve", "--check", "-e", json.dumps({"evolve_early_abort": {"time_facto": 2}}))
    assert "evolve_early_abort.time_facto: unknown; there are: limit_factor" in said(refused)


def test_a_study_of_other_parameters_cannot_teach_however_they_are_named(estate: Estate) -> None:
    assert estate.run().returncode == 0
    estate.variables |= {"evolve_study": "next", "evolve_learn_from": ["trying"]}
    del estate.variables["evolve_constraints"]
    for parameters in ({"vm.cpu.shares": {"type": "int", "range": [1024, 4096]}}, ["kernel.sysctl.vm.page-cluster"]):
        estate.variables["evolve_parameters"] = parameters
        output = said(estate.run("evolve", "--check"))
        assert "study 'trying' has no parameter in common with this one; it varied: " in output, output


def test_studies_that_cannot_teach_are_refused_with_all_other_faults(estate: Estate) -> None:
    estate.others = {"db-1": {}}
    estate.variables |= {"evolve_learn_from": ["lost"], "evolve_budget": {"trials": 0, "hours": "4"}}
    for arguments in ((), ("--check",)):
        refused = estate.run("evolve", *arguments)
        output = said(refused)
        assert refused.returncode != 0
        for sign in (
            "3 faults",
            "the store holds no study 'lost'; it holds: none",
            "evolve_budget.trials: found 0",
            "evolve_budget.hours: found '4'",
        ):
            assert sign in output
        assert "undefined" not in output, "one failure, not several"
    assert not estate.home.exists()
