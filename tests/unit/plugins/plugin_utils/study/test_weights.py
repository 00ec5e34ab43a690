# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights may change after the fact: what is stored is scored anew, and nothing of the old verdict stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.report.what_if import render_what_if
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import read_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.folder import StudyFolder
from ansible_collections.evolve.vm.plugins.plugin_utils.study.judging import judge
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import Opened
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study, StudyError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.summary import summarise
from ansible_collections.evolve.vm.plugins.plugin_utils.study.weights import WeightsError, reweighed, what_if

from .conftest import Player

SPEED, COST = "cpu_events_per_second", "vm_cost"


@pytest.fixture
def finished(player: Player) -> Player:
    """A study that ended with a verdict; speed counts 3, cost counts 1."""
    player.open()
    for phase in ("baseline", "search", "verification"):
        player.play(phase)
    judged(player)
    return player


def judged(player: Player) -> dict[str, Any]:
    with player.store.transaction(player.definition.name) as records:
        return judge(Study(records, "small"))


def goals(speed: float, cost: float) -> list[dict[str, Any]]:
    return [
        {"metric": SPEED, "direction": "maximize", "weight": speed},
        {"metric": COST, "direction": "minimize", "weight": cost},
    ]


def reopened(player: Player, variables: dict[str, Any], wanted: Sequence[dict[str, Any]]) -> Opened:
    player.definition = read_definition({**variables, "goals": list(wanted)})
    return player.open()


def considered(player: Player, weights: Any) -> dict[str, Any]:
    with player.store.transaction() as records:
        return what_if(Study(records, "small"), weights)


def everything(store: Store) -> list[Any]:
    with store._database.engine.connect() as connection:
        tables = ("studies", "trials", "measurements", "blocks", "slots")
        return [connection.exec_driver_sql(f"SELECT * FROM {table}").fetchall() for table in tables]


def test_all_faults_of_weights_are_named(player: Player) -> None:
    with pytest.raises(WeightsError) as raised:
        reweighed(player.definition, {"cpu_event_per_second": 1, COST: -1, "speed": "high"})
    found = [str(fault) for fault in raised.value.faults]
    assert len(found) == 4
    assert f"Did you mean {SPEED}?" in found[0]
    assert found[1].startswith("evolve_weights.vm_cost: found -1")
    assert f"no goal of this study; goals are: {SPEED}, {COST}" in found[2]
    assert "found 'high', expected a number" in found[3]


@pytest.mark.parametrize("weights", [{SPEED: 0, COST: 0}, {}, [1, 2], "high", {SPEED: True}, {SPEED: float("nan")}])
def test_weights_that_weigh_nothing_are_refused(player: Player, weights: Any) -> None:
    with pytest.raises(WeightsError, match=r"evolve_weights"):
        reweighed(player.definition, weights)


def test_goals_that_are_not_named_keep_their_weight(player: Player) -> None:
    assert [goal.weight for goal in reweighed(player.definition, {COST: 7}).scoring.goals] == [3, 7]


def test_what_if_ranks_anew_and_changes_nothing(finished: Player) -> None:
    before = everything(finished.store)
    found = considered(finished, {SPEED: 0, COST: 1})
    assert everything(finished.store) == before
    study = finished.study()
    assert found["present"] == study.row["winner"]
    # Where only the cost counts, the cheapest wins.
    by_cost = sorted(study.trials, key=lambda trial: trial["configuration"]["vm.vcpus"])
    cheapest = by_cost[0]["configuration"]["vm.vcpus"]
    winner = study.trial(found["winner"])
    assert winner["configuration"]["vm.vcpus"] == cheapest
    assert winner["number"] != found["present"]
    assert [entry["fitness"] for entry in found["ranking"][:10]] == sorted(
        (entry["fitness"] for entry in found["ranking"][:10]), reverse=True
    )
    assert found["measured"] == len(study.trials)


def test_what_if_is_labelled_and_says_what_would_win(finished: Player) -> None:
    text = render_what_if(considered(finished, {SPEED: 0, COST: 1}))
    words = " ".join(text.split())
    assert words.startswith("WHAT IF study small had other weights? Nothing was measured, and nothing was changed.")
    winner, present = finished.study().row["winner"], considered(finished, {SPEED: 0, COST: 1})["winner"]
    assert f"The best would be trial {present} instead of trial {winner}" in words
    assert "cpu_events_per_second 3 0" in words
    assert "the baseline +0.0 % +0.0 %" in words
    same = render_what_if(considered(finished, {SPEED: 3}))
    assert f"The best would still be trial {winner}." in same


def test_other_weights_continue_the_study_with_another_winner(finished: Player, variables: dict[str, Any]) -> None:
    old = finished.study()
    opened = reopened(finished, variables, goals(0, 1))
    assert opened.rescored == (f"{SPEED}: 3 -> 0",)
    study = finished.study()
    assert (study.row["winner"], study.row["verdict"]) == (None, None), "the old verdict does not stay"
    assert finished.play("search") == [], "no new trials"
    runs = finished.play("verification")
    assert len(runs) == 8, "another winner is verified"
    verdict = judged(finished)
    assert verdict["trial"] != old.row["winner"]
    assert (verdict["blocks"], verdict["pairs"]) == (2, 4), "pairs of the old winner are not mixed in"
    winner = finished.study().trial(verdict["trial"])["configuration"]
    assert verdict["metrics"][SPEED]["winner"] == pytest.approx(
        1000.0 * 2.718281828 ** (-0.05 * abs(winner["vm.vcpus"] - 4) - winner["kernel.sysctl.vm.swappiness"] / 400)
    )
    assert len(finished.study().measurements) == len(old.measurements) + 8


def test_the_same_winner_is_not_verified_again_but_judged_by_the_new_weights(
    finished: Player, variables: dict[str, Any]
) -> None:
    old = finished.study().row
    reopened(finished, variables, goals(2.9, 1))
    assert finished.play("search") == finished.play("verification") == []
    verdict = judged(finished)
    assert verdict["trial"] == old["winner"]
    assert verdict["blocks"] == 2
    assert verdict["fitness"]["estimate"] != old["verdict"]["fitness"]["estimate"]
    assert verdict["metrics"] == old["verdict"]["metrics"]


def test_back_to_the_old_weights_is_back_to_the_old_verdict(finished: Player, variables: dict[str, Any]) -> None:
    old = finished.study().row["verdict"]
    reopened(finished, variables, goals(0, 1))
    finished.play("verification")
    judged(finished)
    reopened(finished, variables, goals(3, 1))
    assert finished.play("verification") == [], "its blocks are still there"
    assert judged(finished) == old


def test_a_weight_that_was_left_out_is_no_change_and_neither_is_the_order(
    finished: Player, variables: dict[str, Any]
) -> None:
    opened = reopened(finished, variables, [goals(3, 1)[1], goals(3, 1)[0]])
    assert opened.rescored == ()
    assert finished.study().row["verdict"] is not None


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"limit": 100.0}, f"evolve_goals.{SPEED}.limit: None -> 100.0"),
        ({"span": 5.0}, f"evolve_goals.{SPEED}.span: None -> 5.0"),
        ({"direction": "minimize"}, f"evolve_goals.{SPEED}.direction: 'maximize' -> 'minimize'"),
        ({"metric": "cpu_latency_mean_ms"}, f"evolve_goals.{SPEED}: removed"),
    ],
)
def test_everything_else_about_goals_stays_as_it_was(
    finished: Player, variables: dict[str, Any], change: dict[str, Any], line: str
) -> None:
    changed = goals(1, 1)
    changed[0] |= change
    with pytest.raises(StudyError) as raised:
        reopened(finished, variables, changed)
    assert line in str(raised.value)
    assert [goal.get("weight", 1) for goal in finished.study().definition.goals] == [3, 1]


def test_a_metric_that_was_zero_cannot_be_given_weight(store: Store, variables: dict[str, Any]) -> None:
    latency = {"metric": "cpu_latency_mean_ms", "direction": "minimize", "weight": 0}
    player = Player(store, read_definition({**variables, "goals": [*goals(3, 1), latency]}))
    player.open()
    while hasattr(run := player.ask("s1", "baseline"), "id"):
        player.measure(run, metrics={SPEED: 100.0, "cpu_latency_mean_ms": 0.0})
    player.measure(player.ask(), metrics={SPEED: 110.0, "cpu_latency_mean_ms": 0.0})
    with pytest.raises(WeightsError, match="Give the goal a 'span'"):
        reopened(player, variables, [*goals(3, 1), {**latency, "weight": 1}])
    with pytest.raises(WeightsError, match="Give the goal a 'span'"):
        considered(player, {"cpu_latency_mean_ms": 1})


def test_the_summary_speaks_of_the_new_weights(finished: Player, variables: dict[str, Any], tmp_path: Path) -> None:
    def summary() -> dict[str, Any]:
        with finished.store.transaction(finished.definition.name) as records:
            return summarise(Study(records, "small"), StudyFolder(str(tmp_path), "small"), "sqlite://")

    before = summary()
    reopened(finished, variables, goals(0, 1))
    after = summary()
    assert after["state"] == "running"
    assert after["verdict"] is None
    assert [goal["weight"] for goal in after["goals"]] == [0, 1]
    assert [t["metrics"] for t in after["trials"]] == [t["metrics"] for t in before["trials"]]
    assert [t["fitness"] for t in after["trials"]] != [t["fitness"] for t in before["trials"]]
    assert before["pareto"] is not None
    assert after["pareto"] is None, "one goal is left that counts"
