# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole study on each release of ansible-core that the collection promises."""

from __future__ import annotations

import subprocess

import yaml

from .auditing import faults_at_the_end
from .conftest import Core, Estate, said, warnings


def test_the_release_is_the_one_it_is_called(core: Core) -> None:
    shown = subprocess.run([core.playbook, "--version"], capture_output=True, text=True, check=True).stdout
    assert shown.startswith(f"ansible-playbook [core {core.release}.")


def test_a_study_runs_without_a_warning(estate: Estate, core: Core) -> None:
    estate.core = core
    # Older releases make a text of a number that goes through a template.
    estate.variables |= {"evolve_seed": 2, "evolve_baseline_repeats": 4, "evolve_runs_per_hypervisor": 2}
    ended = estate.run()
    assert ended.returncode == 0, said(ended)
    assert warnings(ended) == []
    assert not faults_at_the_end(estate)
    trials = estate.rows("select status, count(*) from trials where number > 0 group by status")
    assert trials == [("measured", estate.variables["evolve_budget"]["trials"])]
    assert estate.rows("select distinct status, metrics is not null from measurements") == [("measured", 1)]
    (verdict,) = estate.rows("select verdict from studies")[0]
    judged = yaml.safe_load(verdict)
    assert judged["verdict"] in ("better", "equivalent", "inconclusive", "worse", "no_improvement")
    if judged["fitness"] is not None:
        assert judged["fitness"]["low"] < judged["fitness"]["estimate"] < judged["fitness"]["high"]
    assert set(estate.best()) == set(estate.variables["evolve_parameters"])
