# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cell of the comparison of searches is run: what is measured when, and what a peer is told."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evolve.vm.tests.benchmark.search import cell, parameters, registry, tasks
from ansible_collections.evolve.vm.tests.benchmark.search.cell import Cell
from ansible_collections.evolve.vm.tests.benchmark.search.searcher import Penalised, Searcher

PARAMETERS = {
    "engine": {"type": "choice", "values": ["a", "b"]},
    "cache": {"type": "int", "range": [1, 100], "scale": "log", "when": "engine in ['b']"},
    "sync": {"type": "bool"},
    "level": {"type": "choice", "values": [1, 2], "ordered": True, "when": "not sync"},
}


class Task:
    """Configuration `x` costs x; multiples of 7 fail. The best is 1, the median of random ones 11."""

    parameters: dict[str, Any] = {"x": {"type": "int", "range": [1, 100]}}  # noqa: RUF012
    best, median, worst = 1.0, 11.0, 101.0

    def true_cost(self, values: dict[str, Any]) -> float | None:
        return None if values["x"] % 7 == 0 else float(values["x"])

    def regret(self, values: dict[str, Any]) -> float:
        return (float(values["x"]) - 1) / 10


class Counting(Searcher):
    """Proposes 99, 98, 97, ... and recommends the last it was told of."""

    def start(self) -> None:
        self.next, self.last = 99, None

    def propose(self, count: int) -> list[tuple[dict[str, Any], Any]]:
        numbers = range(self.next, self.next - min(count, self.options.get("at_most", count)), -1)
        self.next -= len(numbers)
        return [({"x": number}, number) for number in numbers if number > 0]

    def learn(self, handle: Any, objective: float | None) -> None:
        self.last = handle

    def recommend(self) -> dict[str, Any] | None:
        return {"x": self.last} if self.last else None


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Registers the counting search; what is put into the dict becomes its options."""
    options: dict[str, Any] = {}
    search = registry.Search("counting", "", "", "", options)
    monkeypatch.setitem(registry.SEARCHES, "counting", search)
    monkeypatch.setattr(registry.Search, "load", lambda self: Counting)
    monkeypatch.setattr(tasks, "load", lambda name: Task())
    return options


def test_one_at_a_time_the_recommendation_is_scored_at_each_checkpoint(counting: dict[str, Any]) -> None:
    outcome = cell.run(Cell("counting", "task", 1, 1, 50))
    assert outcome.regrets == {point: pytest.approx((100 - point - 1) / 10) for point in (10, 16, 25, 35, 50)}
    assert outcome.taken == 50


def test_in_batches_a_checkpoint_is_what_was_told_by_then(counting: dict[str, Any]) -> None:
    outcome = cell.run(Cell("counting", "task", 1, 8, 50))
    told = {10: 8, 16: 16, 25: 24, 35: 32, 50: 50}
    assert outcome.regrets == {point: pytest.approx((100 - count - 1) / 10) for point, count in told.items()}


def test_batches_smaller_than_asked_for_use_up_the_same_readings(counting: dict[str, Any]) -> None:
    counting["at_most"] = 3
    outcome = cell.run(Cell("counting", "task", 1, 8, 25))
    assert outcome.taken == 25
    assert outcome.regrets[10] == pytest.approx((100 - 9 - 1) / 10)


def test_a_search_that_ends_early_keeps_its_last_recommendation(counting: dict[str, Any]) -> None:
    outcome = cell.run(Cell("counting", "task", 1, 1, 200))
    assert outcome.taken == 99
    assert outcome.regrets[100] == outcome.regrets[200] == 0.0
    assert outcome.found_after == 99


def test_an_error_becomes_the_outcome(counting: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "learn", lambda *ignored: list(ignored)[99])
    assert cell.run(Cell("counting", "task", 1, 1, 20)).message == "IndexError: list index out of range"


def test_the_same_reading_has_the_same_error_whatever_is_measured() -> None:
    first = [tasks.noise("task", 1, number) for number in range(5)]
    assert first == [tasks.noise("task", 1, number) for number in range(5)]
    others = [tasks.noise("task", 2, 0), tasks.noise("other", 1, 0)]
    assert len({*first, *others}) == 7


def test_the_objective_falls_as_throughput_rises() -> None:
    assert tasks.objective(-200.0) < tasks.objective(-100.0)
    assert tasks.objective(1.0) < tasks.objective(2.0)


class Recorder(Penalised):
    def start(self) -> None:
        super().start()
        self.told: list[tuple[Any, float]] = []

    def propose(self, count: int) -> list[tuple[dict[str, Any], Any]]:
        return [({"x": number}, number) for number in range(count)]

    def learn_value(self, handle: Any, objective: float) -> None:
        self.told.append((handle, objective))


def test_failures_wait_for_the_first_success_and_then_count_as_the_worst() -> None:
    recorder = Recorder([], {}, 1, 10, 1)
    asked = recorder.ask(4)
    recorder.tell(asked[0], None)
    assert recorder.told == []
    recorder.tell(asked[1], 3.0)
    recorder.tell(asked[2], 5.0)
    recorder.tell(asked[3], None)
    assert recorder.told == [(1, 3.0), (0, 3.0), (2, 5.0), (3, 5.0)]
    assert recorder.recommend() == {"x": 1}


def test_equal_configurations_of_one_batch_are_told_apart() -> None:
    recorder = Recorder([], {}, 1, 10, 1)
    one, other = recorder.ask(1)[0], recorder.ask(1)[0]
    recorder.tell(other, 1.0)
    recorder.tell(one, 2.0)
    assert [objective for dummy, objective in recorder.told] == [1.0, 2.0]


def test_conditions_are_read_and_inactive_parameters_left_out() -> None:
    read = parameters.read(PARAMETERS)
    cache, level = (next(p for p in read if p.name == name) for name in ("cache", "level"))
    assert (cache.parent, cache.allowed, cache.log) == ("engine", ("b",), True)
    assert (level.parent, level.allowed, level.ordered) == ("sync", (False,), True)
    values = {"engine": "a", "cache": 5, "sync": True, "level": 2}
    assert parameters.activate(read, values) == {"engine": "a", "sync": True}


def test_a_parameter_comes_after_the_one_it_depends_on() -> None:
    mapping = {name: PARAMETERS[name] for name in ("level", "sync")}
    assert [p.name for p in parameters.read(mapping)] == ["sync", "level"]


@pytest.mark.parametrize("text", ["x > 3", "a and b", "a in b"])
def test_a_condition_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"unknown form|malformed"):
        parameters.read({"p": {"type": "bool", "when": text}})
