# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study from its first run to its last, and what a user finds afterwards."""

from __future__ import annotations

import subprocess

import yaml

from .conftest import ROOT, Estate, environment, said


def test_a_study_ends_in_a_verdict_and_leaves_everything_in_order(estate: Estate) -> None:
    ended = estate.run()
    assert ended.returncode == 0, said(ended)
    assert "SIMULATED" in ended.stdout
    assert "trial 8/8" in ended.stdout
    (verdict,) = estate.rows("select verdict from studies")[0]
    assert yaml.safe_load(verdict)["verdict"] in ("better", "equivalent", "inconclusive", "worse", "no_improvement")
    assert estate.rows("select count(*) from trials where number > 0 and status != 'pending'") == [(8,)]
    assert set(estate.best()) == set(estate.variables["evolve_parameters"])
    assert "SIMULATED" in (estate.study / "best.yml").read_text()
    assert "SIMULATED" in (estate.study / "report.html").read_text()
    assert len(list(estate.study.glob("population/generation-*/individual-*.yml"))) == 9
    for machine in (estate.home / "simulation").glob("*.json"):
        assert yaml.safe_load(machine.read_text())["values"]["vm.vcpus"] == 2, "back on the baseline"

    again = estate.run()
    assert again.returncode == 0
    assert "continued, 8 of 8 trials" in again.stdout
    assert estate.rows("select count(*) from trials") == [(9,)], "nothing is left to do"


def test_check_mode_checks_the_variables_and_touches_nothing(estate: Estate) -> None:
    ended = estate.run("evolve", "--check")
    assert ended.returncode == 0, ended.stdout
    assert "All is in order" in ended.stdout
    assert not estate.home.exists()


def test_the_playbook_runs_by_its_full_name(estate: Estate) -> None:
    command = estate.command("evolve", "--check")
    command[1] = "evolve.vm.evolve"
    ended = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, said(ended)
    assert "All is in order" in ended.stdout


def test_apply_shows_first_and_does_it_then(estate: Estate) -> None:
    wanted = estate.folder / "wanted.yml"
    wanted.write_text(yaml.safe_dump({"evolve_configuration": {"vm.vcpus": 4, "kernel.sysctl.vm.swappiness": 5}}))
    shown = estate.run("apply", "-e", f"@{wanted}", "--check", "--diff")
    assert shown.returncode == 0, shown.stdout
    assert "vm.vcpus: 2 -> 4 (live)" in shown.stdout
    assert "kernel.sysctl.vm.swappiness: 60 -> 5 (live)" in shown.stdout
    assert not (estate.home / "simulation").exists(), "nothing was touched"
    done = estate.run("apply", "-e", f"@{wanted}")
    assert done.returncode == 0
    assert "sim-1: changed 2 of 2 parameters" in done.stdout
    assert "sim-1: changed 0 of 2 parameters" in estate.run("apply", "-e", f"@{wanted}").stdout


def test_apply_refuses_a_bad_configuration_as_a_whole(estate: Estate) -> None:
    wanted = estate.folder / "wanted.yml"
    bad = {"vm.vcpu": 4, "vm.disk.cache": "fast", "colour": "red"}
    wanted.write_text(yaml.safe_dump({"evolve_configuration": bad}))
    ended = estate.run("apply", "-e", f"@{wanted}")
    assert ended.returncode != 0
    for sign in ("3 faults", "Did you mean vm.vcpus?", "colour", "nothing has been touched"):
        assert sign in said(ended)
    assert not (estate.home / "simulation").exists()


def test_apply_refuses_a_configuration_that_breaks_a_constraint(estate: Estate) -> None:
    wanted = estate.folder / "wanted.yml"
    wanted.write_text(yaml.safe_dump({"evolve_configuration": {"vm.vcpus": 8, "vm.memory_mib": 512}}))
    ended = estate.run("apply", "-e", f"@{wanted}")
    assert ended.returncode != 0
    assert "vm.memory_mib >= 256 * vm.vcpus" in said(ended)


def test_the_report_can_be_written_again(estate: Estate) -> None:
    estate.run()
    (estate.study / "report.html").unlink()
    ended = estate.run("report")
    assert ended.returncode == 0, ended.stdout
    assert (estate.study / "report.html").exists()
    assert "best.yml" in ended.stdout
