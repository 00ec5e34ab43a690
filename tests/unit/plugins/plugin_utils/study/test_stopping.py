# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A search ends when its trials or its time are spent, or when the next trial is not worth its while."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import Nothing, Run
from ansible_collections.evolve.vm.plugins.plugin_utils.study.budget import budget_faults
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import read_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.folder import StudyFolder
from ansible_collections.evolve.vm.plugins.plugin_utils.study.stopping import LEAST_TRIALS, searched_seconds
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study
from ansible_collections.evolve.vm.plugins.plugin_utils.study.summary import summarise

from .conftest import Player


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.time = datetime.fromisoformat("2026-11-22T08:00:00+00:00")

    def __call__(self) -> str:
        return self.time.isoformat(timespec="milliseconds")

    def forward(self, **by: float) -> None:
        self.time += timedelta(**by)


def playing(
    store: Store, variables: dict[str, Any], budget: dict[str, Any], clock: Clock | None = None, slots: int = 2
) -> Player:
    hosts = tuple(f"s{number + 1}" for number in range(slots))
    player = Player(store, read_definition({**variables, "budget": budget}), hosts)
    if clock is not None:
        player.clock = clock
    player.open()
    player.play("baseline")
    return player


def summary(player: Player) -> dict[str, Any]:
    with player.store.transaction(player.definition.name) as records:
        return summarise(Study(records, "small"), StudyFolder("/nowhere", "small"), "sqlite://")


@pytest.mark.parametrize(
    ("budget", "where"),
    [
        ({"hours": 4}, {"evolve_budget"}),
        ([60], {"evolve_budget"}),
        (
            {"trials": 0, "hours": -1, "threshold_percent": 0, "minutes": 3},
            {"trials", "hours", "threshold_percent", "minutes"},
        ),
        ({"trials": True, "hours": True, "threshold_percent": "1"}, {"trials", "hours", "threshold_percent"}),
        ({"trials": 5, "hours": float("inf"), "threshold_percent": 101}, {"hours", "threshold_percent"}),
        ({"trials": 5, "hours": 0.5, "threshold_percent": 1}, set()),
    ],
)
def test_every_fault_of_a_budget_is_named(budget: Any, where: set[str]) -> None:
    assert {fault.where.removeprefix("evolve_budget.") for fault in budget_faults(budget)} == where


def run(start: int, end: int | None, purpose: str = "search", status: str = "measured") -> dict[str, Any]:
    begin = datetime.fromisoformat("2026-11-22T08:00:00+00:00")
    at = [None if s is None else (begin + timedelta(seconds=s)).isoformat() for s in (start, end)]
    return {"started_at": at[0], "finished_at": at[1], "purpose": purpose, "status": status}


@pytest.mark.parametrize(
    ("runs", "seconds"),
    [
        ([], 0),
        ([run(0, 100)], 100),
        ([run(0, 100), run(10, 90), run(50, 150)], 150),  # slots side by side count once
        ([run(0, 100), run(103, 200)], 200),  # a slot between two runs is at work
        ([run(0, 100), run(90_000, 90_100)], 200),  # a night in between does not count
        ([run(0, 100), run(100, 90_000, status="abandoned"), run(90_000, 90_100)], 200),
        ([run(0, 100, purpose="baseline"), run(200, 300), run(400, 500, purpose="verification")], 100),
        ([run(0, 1000, status="failed")], 1000),
        ([run(86_300, None, status="running")], 100),  # under way until now
    ],
)
def test_time_counts_while_something_is_searched(runs: list[dict[str, Any]], seconds: float) -> None:
    assert searched_seconds(reversed(runs), "2026-11-23T08:00:00+00:00") == seconds


def test_time_ends_the_search_and_lets_running_trials_finish(store: Store, variables: dict[str, Any]) -> None:
    clock = Clock()
    player = playing(store, variables, {"trials": 12, "hours": 0.5}, clock, slots=3)
    for dummy in range(2):
        run = player.ask("s1")
        clock.forward(minutes=12)
        player.measure(run, 2.0)
    late, back = player.ask("s1"), player.ask("s2")
    clock.forward(minutes=7)
    answer = player.ask("s3")
    sentence = "stopped after 4 of 12 trials: the 0.5 h of the budget are spent"
    assert answer == Nothing(False, sentence)
    player.measure(late)
    player.fail(back, "infrastructure")
    assert player.ask("s1") == player.ask("s3") == Nothing(False, sentence), "what came back is not begun again"
    assert summary(player)["stopped"] == {"by": "hours", "sentence": sentence}
    assert player.play("verification"), "what was found is verified"


def test_a_night_between_two_sessions_does_not_count(store: Store, variables: dict[str, Any]) -> None:
    clock = Clock()
    player = playing(store, variables, {"trials": 12, "hours": 1}, clock)
    run = player.ask("s1")
    clock.forward(minutes=40)
    player.measure(run)
    player.ask("s1")
    clock.forward(hours=14)
    player.open()  # the run under way was cut short
    again = player.ask("s1")
    assert isinstance(again, Run)
    clock.forward(minutes=21)
    player.measure(again)
    assert player.ask("s1") == Nothing(False, "stopped after 2 of 12 trials: the 1 h of the budget are spent")


def test_a_search_that_was_stopped_goes_on_with_a_larger_budget_only(store: Store, variables: dict[str, Any]) -> None:
    clock = Clock()
    player = playing(store, variables, {"trials": 12, "hours": 0.1}, clock)
    run = player.ask("s1")
    clock.forward(minutes=7)
    player.measure(run)
    stopped = player.ask("s1")
    assert isinstance(stopped, Nothing)
    player.open()
    assert player.ask("s1") == stopped
    object.__setattr__(player, "definition", read_definition({**variables, "budget": {"trials": 12, "hours": 1}}))
    player.open()
    assert isinstance(player.ask("s1"), Run)


@pytest.fixture
def expected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float | None]]:
    """What the engine says that the next trial will gain."""
    gains: list[float | None] = [0.5]
    monkeypatch.setattr(Evolution, "expected_improvement", lambda self: gains[-1])
    return gains  # type: ignore[return-value]


def test_a_gain_below_the_threshold_ends_the_search(
    store: Store, variables: dict[str, Any], expected: list[float | None]
) -> None:
    player = playing(store, {**variables, "goals": variables["goals"][:1]}, {"trials": 60, "threshold_percent": 1})
    expected.append(0.003)
    for dummy in range(LEAST_TRIALS):
        player.measure(player.ask("s1"), metrics={"cpu_events_per_second": 900.0})
    answer = player.ask("s1")
    assert answer == Nothing(
        False,
        "stopped after 20 of 60 trials: the next trial is expected to gain 0.3 %, below the threshold of 1 %",
    )
    expected.append(0.5)
    assert player.ask("s2") == answer, "it stands, also where more becomes known"
    assert summary(player)["stopped"]["by"] == "threshold"
    assert player.play("verification")


def test_it_goes_on_while_the_latest_trials_say_otherwise(
    store: Store, variables: dict[str, Any], expected: list[float | None]
) -> None:
    only_speed = {**variables, "goals": variables["goals"][:1]}
    player = playing(store, only_speed, {"trials": 60, "threshold_percent": 1})
    expected.append(0.003)

    def measure(speed: float) -> None:
        player.measure(player.ask("s1"), metrics={"cpu_events_per_second": speed})

    for number in range(LEAST_TRIALS + 5):
        measure(900.0 * 1.05**number)  # better and better
    for dummy in range(9):
        measure(500.0)
    measure(500.0)
    assert isinstance(player.ask("s1"), Nothing), "ten trials without a gain"
    assert "35 of 60" in summary(player)["stopped"]["sentence"]


@pytest.mark.parametrize("gain", [0.5, None])
def test_it_goes_on_while_enough_is_expected_or_nothing_can_be_told(
    store: Store, variables: dict[str, Any], expected: list[float | None], gain: float | None
) -> None:
    expected.append(gain)
    player = playing(store, variables, {"trials": LEAST_TRIALS + 3, "threshold_percent": 1})
    assert len(player.play("search")) == LEAST_TRIALS + 3
    assert summary(player)["stopped"] == {"by": "trials", "sentence": "all 23 trials of the budget are done"}


def test_without_a_threshold_nothing_is_asked_of_the_engine(
    store: Store, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Evolution, "expected_improvement", lambda self: pytest.fail("it costs time"))
    player = playing(store, variables, {"trials": LEAST_TRIALS + 2})
    assert len(player.play("search")) == LEAST_TRIALS + 2


def test_a_search_that_is_not_over_has_no_reason(player: Player) -> None:
    player.open()
    player.play("baseline")
    player.measure(player.ask())
    assert summary(player)["stopped"] is None
