# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input, and trouble on the way."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from .conftest import Estate, said


def test_bad_variables_are_refused_together_and_nothing_is_touched(estate: Estate) -> None:
    estate.variables["evolve_parameters"] = {
        "vm.vcpu": {"type": "int", "range": [1, 8]},
        "vm.memory_mib": {"type": "int", "range": [4096, 512]},
    }
    estate.variables["evolve_constraints"] = []
    estate.variables["evolve_goals"] = [{"metric": "speed", "direction": "maximize", "weight": 0}]
    ended = estate.run()
    assert ended.returncode != 0
    output = said(ended)
    for sign in (
        "3 faults",
        "Did you mean vm.vcpus?",
        "write [512, 4096]",
        "unknown metric 'speed'",
        "nothing has been touched",
    ):
        assert sign in output
    assert not estate.home.exists()


def test_constraints_that_nothing_satisfies_are_refused(estate: Estate) -> None:
    estate.variables["evolve_constraints"] = ["vm.vcpus > 6", "vm.vcpus < 3"]
    ended = estate.run()
    assert ended.returncode != 0
    assert "no configuration was found that satisfies them" in said(ended)
    assert not estate.home.exists()


def test_weights_that_are_all_zero_are_refused(estate: Estate) -> None:
    estate.variables["evolve_goals"] = [{"metric": "vm_cost", "direction": "minimize", "weight": 0}]
    ended = estate.run()
    assert ended.returncode != 0
    assert "weights are 0" in said(ended)


def test_missing_variables_are_all_named(estate: Estate) -> None:
    for name in ("evolve_parameters", "evolve_goals"):
        del estate.variables[name]
    ended = estate.run()
    assert ended.returncode != 0
    assert "evolve_parameters: is missing" in said(ended)
    assert "evolve_goals: is missing" in said(ended)


def test_an_inventory_without_slots_says_what_to_do(estate: Estate) -> None:
    estate.hosts = {}
    ended = estate.run()
    assert ended.returncode != 0
    assert "evolve_slots" in said(ended)
    assert "There is nothing to run trials on" in said(ended)


def test_a_changed_space_is_refused_and_a_fork_goes_on(estate: Estate) -> None:
    estate.variables["evolve_budget"] = {"trials": 4}
    assert estate.run().returncode == 0
    estate.variables["evolve_parameters"]["vm.vcpus"] = {"type": "int", "range": [1, 6]}
    refused = estate.run()
    assert refused.returncode != 0
    assert "evolve_parameters.vm.vcpus.range: [1, 8] -> [1, 6]" in said(refused)
    assert "evolve_fork: trying" in said(refused)
    assert estate.rows("select count(*) from trials") == [(5,)]
    estate.variables["evolve_study"] = "forked"
    estate.variables["evolve_budget"] = {"trials": 6}
    forked = estate.run("evolve", "-e", "evolve_fork=trying")
    assert forked.returncode == 0, forked.stdout
    assert "forked from trying" in forked.stdout
    assert estate.rows("select count(*) from trials where study = 'forked' and number > 0") == [(6,)]


def test_a_killed_controller_loses_nothing_that_was_measured(estate: Estate) -> None:
    output = estate.run_until("trial 3/8")
    assert "trial 3/8" in output
    before = estate.rows("select id, trial, metrics from measurements where status = 'measured'")
    assert before
    ended = estate.run()
    assert ended.returncode == 0, ended.stdout
    after = estate.rows("select id, trial, metrics from measurements where status = 'measured'")
    assert set(before) <= set(after)
    searched = [
        trial
        for (trial,) in estate.rows("select trial from measurements where status = 'measured' and purpose = 'search'")
    ]
    assert sorted(searched) == sorted(set(searched)), "nothing is measured twice"
    assert estate.rows("select count(*) from trials where number > 0 and status in ('measured', 'failed')") == [(8,)]
    assert estate.rows("select count(*) from measurements where status = 'running'") == [(0,)]


def test_a_lost_slot_does_not_stop_the_study_but_is_named(estate: Estate) -> None:
    estate.hosts["sim-2"] = {"evolve_simulation": {"lost_after": 2}}
    ended = estate.run()
    output = said(ended)
    assert ended.returncode != 0, "a machine in an unknown state is not a success"
    assert "sim-2 could NOT be put back on its baseline" in output
    assert estate.rows("select status from slots where host = 'sim-2'") == [("quarantined",)]
    assert estate.rows("select count(*) from trials where number > 0 and status in ('measured', 'failed')") == [(8,)]
    assert estate.rows("select verdict from studies")[0][0] is not None
    assert (estate.study / "best.yml").exists()


def test_a_benchmark_that_talks_nonsense_is_a_failure_never_a_score(estate: Estate) -> None:
    for host in estate.hosts:
        estate.hosts[host] = {"evolve_simulation": {"junk_after": 3}}
    ended = estate.run()
    failed = estate.rows("select distinct failure_class from measurements where status = 'failed'")
    assert failed == [("measurement",)], ended.stdout
    assert estate.rows("select count(*) from measurements where status = 'measured' and metrics is null") == [(0,)]
    assert estate.rows("select count(*) from trials where status = 'running'") == [(0,)]


def test_a_baseline_that_cannot_be_measured_ends_with_the_reason(estate: Estate) -> None:
    for host in estate.hosts:
        estate.hosts[host] = {"evolve_simulation": {"junk_after": 0}}
    ended = estate.run()
    assert ended.returncode != 0
    assert "the baseline could not be measured" in said(ended)


def test_a_full_disk_ends_with_what_to_do(estate: Estate, small_disk: tuple[str, ...]) -> None:
    estate.variables |= {"evolve_budget": {"trials": 40}, "evolve_store_patience_seconds": 2}
    ended = estate.run(prefix=small_disk)
    output = said(ended)
    assert ended.returncode != 0
    assert "free space there and run again" in output or "No space left on device" in output
    assert "Traceback" not in output


def test_fewer_workers_than_slots_do_not_block_each_other(tmp_path: Path) -> None:
    estate = Estate(tmp_path, slots=6)
    estate.variables["evolve_budget"] = {"trials": 3}
    ended = estate.run("evolve", "--forks", "2")
    assert ended.returncode == 0, said(ended)
    assert estate.rows("select count(*) from trials where number > 0 and status = 'measured'") == [(3,)]


def test_slots_that_are_not_alike_are_refused(estate: Estate) -> None:
    wanted = estate.folder / "wanted.yml"
    wanted.write_text(yaml.safe_dump({"evolve_configuration": {"vm.vcpus": 4}}))
    assert estate.run("apply", "-e", f"@{wanted}", "--limit", "sim-3").returncode == 0
    ended = estate.run()
    assert ended.returncode != 0
    assert "vm.vcpus is 2 on sim-1 but 4 on sim-3" in said(ended)


def test_two_studies_never_have_the_same_machine(estate: Estate) -> None:
    estate.run_until("trial 3/8")
    killed = estate.machines()
    estate.variables["evolve_study"] = "other"
    refused = estate.run()
    assert refused.returncode != 0
    assert "sim-1 belongs to study trying, begun 20" in said(refused)
    assert "evolve_take_over=true" in said(refused)
    assert estate.machines() == killed, "the machines of another study are not touched"
    applying = estate.run("apply", "-e", json.dumps({"evolve_configuration": {"vm.vcpus": 1}}))
    assert applying.returncode != 0
    assert "sim-1 belongs to study trying" in said(applying)
    estate.variables["evolve_study"] = "trying"
    assert estate.run().returncode == 0, "the study itself goes on"
    estate.variables["evolve_study"] = "other"
    assert estate.run().returncode == 0, "and gives its machines back at its end"


def test_a_machine_of_a_study_that_is_gone_can_be_taken_over(estate: Estate) -> None:
    estate.run_until("trial 3/8")
    for machine in (estate.home / "simulation").glob("*.json"):
        machine.unlink()  # somebody puts them back by hand
    estate.variables["evolve_study"] = "other"
    taken = estate.run("evolve", "-e", "evolve_take_over=true")
    assert taken.returncode == 0, taken.stdout
