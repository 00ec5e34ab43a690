# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A trial that measures another one again adds to what is known of that one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import read_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.folder import StudyFolder
from ansible_collections.evolve.vm.plugins.plugin_utils.study.individuals import write_individual
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import insert_trial
from ansible_collections.evolve.vm.plugins.plugin_utils.study.progress import measured_line
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study
from ansible_collections.evolve.vm.plugins.plugin_utils.study.summary import summarise

from .conftest import Player


@pytest.fixture
def repeated(player: Player) -> tuple[Player, dict[str, Any]]:
    """Trial 2 measures trial 1 again, and reads a quarter of the speed."""
    player.open()
    player.play("baseline")
    first = player.ask()
    player.measure(first)
    with player.store.transaction(player.definition.name) as records:
        study = Study(records, "small")
        again = Candidate(2, study.trial(1)["configuration"], "repeat", 1, (1,), repeat_of=1)
        insert_trial(study, again)
    run = player.ask("s2")
    assert run.trial == 2
    row = player.measure(run, 0.25)
    return player, row


def summary(player: Player) -> dict[str, Any]:
    with player.store.transaction(player.definition.name) as records:
        return summarise(Study(records, "small"), StudyFolder("/nowhere", "small"), "sqlite://")


def test_its_readings_count_for_the_one_it_repeats(repeated: tuple[Player, dict[str, Any]]) -> None:
    trials = summary(repeated[0])["trials"]
    metric = "cpu_events_per_second"
    own = [m["metrics"][metric] for m in repeated[0].study().measurements if m["trial"] in (1, 2)]
    assert trials[1]["metrics"][metric] == pytest.approx((own[0] * own[1]) ** 0.5)
    assert trials[1]["measurements"] == 2
    assert trials[2]["metrics"][metric] == pytest.approx(own[1])
    assert trials[2]["repeat_of"] == 1
    assert trials[2]["fitness"] < trials[1]["fitness"]


def test_limits_are_judged_on_all_readings_together(player: Player, variables: dict[str, Any]) -> None:
    player.definition.goals[0]["limit"] = 300.0
    player.open()
    player.play("baseline")
    player.measure(player.ask(), metrics={"cpu_events_per_second": 290.0})
    assert summary(player)["trials"][1]["violation"] > 0
    with player.store.transaction(player.definition.name) as records:
        study = Study(records, "small")
        insert_trial(study, Candidate(2, study.trial(1)["configuration"], "repeat", 1, (1,), repeat_of=1))
    player.measure(player.ask(), metrics={"cpu_events_per_second": 330.0})
    assert summary(player)["trials"][1]["violation"] == 0.0


def test_a_baseline_that_is_measured_again_is_better_known_and_still_stands_at_zero(player: Player) -> None:
    player.open()
    player.play("baseline")
    with player.store.transaction(player.definition.name) as records:
        study = Study(records, "small")
        insert_trial(study, Candidate(1, study.trial(0)["configuration"], "repeat", 1, (0,), repeat_of=0))
    player.measure(player.ask(), 2.0)
    found = summary(player)
    once = player.study().measurements[0]["metrics"]["cpu_events_per_second"]
    assert found["baseline"]["measurements"] == 5
    assert found["baseline"]["metrics"]["cpu_events_per_second"] == pytest.approx(once * 2 ** (1 / 5))
    assert found["trials"][0]["fitness"] == 0.0


def test_it_is_no_configuration_of_its_own_among_the_unbeaten(repeated: tuple[Player, dict[str, Any]]) -> None:
    assert 2 not in summary(repeated[0])["pareto"]["trials"]


def test_a_fork_knows_what_is_a_repeat_of_what(
    repeated: tuple[Player, dict[str, Any]], variables: dict[str, Any]
) -> None:
    player = Player(repeated[0].store, read_definition({**variables, "name": "fork"}))
    player.open(fork_of="small")
    assert [trial["repeat_of"] for trial in player.study().trials] == [None, None, 1]


def test_it_says_what_it_is(repeated: tuple[Player, dict[str, Any]], tmp_path: Path) -> None:
    player, row = repeated
    folder = StudyFolder(str(tmp_path), "small")
    study = player.study()
    assert "   trial 1 again: " in measured_line(study, row)
    for number in (1, 2):
        write_individual(folder, study, number)
    assert "# Trial 2: measures trial 1 again, generation 1\n" in folder.individual(1, 2).read_text()
    assert "over the baseline (2 readings)\n" in folder.individual(0, 1).read_text()


def test_the_engine_is_told_where_each_reading_was_taken_and_nothing_of_the_verification(
    player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    ask = Evolution.ask
    monkeypatch.setattr(
        Evolution, "ask", lambda self, **where: (asked.append(where.get("slot")), ask(self, **where))[1]
    )
    player.open()
    for phase in ("baseline", "search", "verification"):
        player.play(phase)
    assert asked == [None, *["s1", "s2"] * 6], "the baseline belongs to no slot"
    study = player.study()
    for individual in study.evolution.individuals:
        number = individual.candidate.number
        searched = [m for m in study.runs(number) if m["purpose"] != "verification"]
        assert individual.slots == [m["slot"] for m in searched]
    assert any(m["purpose"] == "verification" for m in study.measurements)
