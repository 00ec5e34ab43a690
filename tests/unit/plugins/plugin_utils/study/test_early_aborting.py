# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a run of the search is given up, and what the study makes of one that was."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import Run
from ansible_collections.evolve.vm.plugins.plugin_utils.study.early_aborting import early_abort, early_abort_faults
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL

from .conftest import VARIABLES, Player


@pytest.fixture
def variables() -> dict[str, Any]:
    limited, *others = VARIABLES["goals"]
    return {**VARIABLES, "goals": [{**limited, "limit": 100.0}, *others]}


@pytest.mark.parametrize("given", [None, False, True, {}, {"limit_factor": 3, "time_factor": 1.5, "errors_percent": 0}])
def test_what_can_be_said(given: Any) -> None:
    assert early_abort_faults(given) == []


def test_every_fault_is_told_at_once() -> None:
    given = {"limit_factr": 2, "limit_factor": 0.5, "time_factor": "4", "errors_percent": True}
    found = {fault.where: fault.problem for fault in early_abort_faults(given)}
    assert "Did you mean limit_factor?" in found["evolve_early_abort.limit_factr"]
    assert "at least 1" in found["evolve_early_abort.limit_factor"]
    assert set(found) == {f"evolve_early_abort.{name}" for name in given}
    assert "expected false, or a mapping" in early_abort_faults("no")[0].problem


def limits(player: Player, given: Any) -> Any:
    study = player.study()
    study.runs(BASELINE_TRIAL)
    return early_abort(study, given)


def test_limits_are_those_of_the_goals_and_time_is_measured_by_the_baseline(
    player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    player.open()
    assert limits(player, None)["seconds"] is None, "nothing is known of the baseline yet"
    while isinstance(run := player.ask(phase="baseline"), Run):
        player.measure(run, benchmark_seconds=0.0)
    found = limits(player, {"limit_factor": 3})
    assert found["beyond"] == 3
    assert found["errors_percent"] == 50
    # The baseline takes no time at all here.
    assert found["seconds"] == 60.0
    assert found["limits"] == [{"metric": "cpu_events_per_second", "direction": "maximize", "limit": 100.0}]
    assert limits(player, False) is None


def test_a_run_that_was_cut_short_is_a_measurement_that_says_so(player: Player) -> None:
    player.open()
    player.play("baseline")
    run = player.ask()
    assert isinstance(run, Run)
    row = player.measure(run, cut_short="after the warm-up: latency_p95_ms is 400")
    assert (row["status"], row["message"]) == ("measured", "cut short after the warm-up: latency_p95_ms is 400")
    assert player.study().trial(run.trial)["status"] == "measured"
