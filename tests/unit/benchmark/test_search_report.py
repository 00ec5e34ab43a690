# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the comparison of searches says: means, ranks, and which numbers it refuses to give."""

from __future__ import annotations

import itertools
import math

import pytest

from ansible_collections.evolve.vm.tests.benchmark.search import report
from ansible_collections.evolve.vm.tests.benchmark.search.aggregate import Comparison, ranked
from ansible_collections.evolve.vm.tests.benchmark.search.cell import CHECKPOINTS, Cell, Outcome
from ansible_collections.evolve.vm.tests.benchmark.search.labels import spread


def outcome(regret: float, *, upto: int = 200, found: int | None = None, message: str = "") -> Outcome:
    return Outcome({point: regret for point in CHECKPOINTS if point <= upto}, found, 2.0, upto, message)


def cells(**regrets: list[list[float]]) -> dict[Cell, Outcome]:
    """Regrets by search (dashes as underscores), task and seed, the same at every checkpoint."""
    return {
        Cell(name.replace("_", "-"), f"task{task}", seed + 1, 1, 200): outcome(regret)
        for name, by_task in regrets.items()
        for task, by_seed in enumerate(by_task)
        for seed, regret in enumerate(by_seed)
    }


def test_equal_scores_share_their_ranks() -> None:
    assert ranked({"a": 0.2, "b": 0.1, "c": 0.1, "d": 0.3}) == {"b": 1.5, "c": 1.5, "a": 3.0, "d": 4.0}


def test_ranks_are_taken_on_the_mean_over_seeds_and_averaged_over_tasks() -> None:
    comparison = Comparison(cells(random=[[0.1, 0.5], [0.0]], deap=[[0.2, 0.2], [0.0]], pymoo=[[0.4, 0.4], [0.9]]), 1)
    assert comparison.ranks(50) == {"deap": (1 + 1.5) / 2, "random": (2 + 1.5) / 2, "pymoo": 3.0}


def test_a_search_that_lacks_a_task_or_readings_is_not_ranked() -> None:
    known = cells(random=[[0.1], [0.1]], deap=[[0.0]])
    known |= {Cell("smac", f"task{task}", 1, 1, 100): outcome(0.0, upto=100) for task in (0, 1)}
    comparison = Comparison(known, 1)
    assert set(comparison.ranks(100)) == {"random", "smac"}
    assert set(comparison.ranks(200)) == {"random"}
    row = next(line for line in report.page([comparison]).splitlines() if line.startswith("| DEAP GA | –"))
    assert row.count("–") == 3 * len(CHECKPOINTS)


def test_of_two_budgets_the_larger_counts() -> None:
    known = {
        Cell("smac", "task0", 1, 1, 200): outcome(0.1),
        Cell("smac", "task0", 1, 1, 100): outcome(0.7, upto=100),
    }
    assert Comparison(known, 1).regrets("smac", 100) == {"task0": pytest.approx(0.1)}


def test_modes_are_kept_apart() -> None:
    known = {Cell("deap", "task0", 1, 1, 200): outcome(0.1), Cell("deap", "task0", 1, 8, 200): outcome(0.3)}
    assert Comparison(known, 8).regrets("deap", 25) == {"task0": 0.3}


def test_a_search_is_held_against_random_on_the_seeds_both_have() -> None:
    # Over all its seeds random is the worse; over the one seed that both have it is the better.
    comparison = Comparison(cells(random=[[0.1, 0.9]], smac=[[0.2]]), 1)
    assert comparison.worse_than("smac", "random", 50) == ["task0"]
    assert comparison.worse_than("random", "random", 50) == []


def test_a_configuration_never_found_counts_as_infinitely_late() -> None:
    known = {Cell("deap", "task0", seed, 1, 200): outcome(0.1, found=found) for seed, found in enumerate([7, None, 9])}
    assert Comparison(known, 1).found_after("deap") == 9
    known |= {Cell("deap", f"task{task}", 0, 1, 200): outcome(0.1) for task in (1, 2)}
    assert math.isinf(Comparison(known, 1).found_after("deap"))
    assert "| over 200 |" in report.page([Comparison(known, 1)])


def test_a_failed_cell_is_shown_and_not_averaged() -> None:
    known = cells(deap=[[0.4]])
    known[Cell("deap", "task0", 2, 1, 200)] = outcome(9.0, message="ValueError: no such space")
    comparison = Comparison(known, 1)
    assert comparison.regrets("deap", 25) == {"task0": 0.4}
    assert "- DEAP GA: 1 failed with `ValueError: no such space`" in report.page([comparison])


def test_the_best_search_stands_first_and_ours_in_bold() -> None:
    page = report.page([Comparison(cells(random=[[0.5]], textbook=[[0.2]], deap=[[0.3]]), 1)])
    lines = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| ")]
    assert lines[:5] == ["| search", "| ---", "| **evolve.vm textbook**", "| DEAP GA", "| random"]


def test_every_peer_is_pinned() -> None:
    pins = report.pins()
    searches = report.tables.SEARCHES.values()
    assert [s.package for s in searches if s.package and s.package not in pins] == []


def test_labels_keep_their_order_and_their_distance() -> None:
    places = spread([0.1, 0.11, 0.12, 0.5, 0.9], 0.1)
    assert places == pytest.approx([0.01, 0.11, 0.21, 0.5, 0.9])
    crowded = spread([0.5, 0.5, 0.56, 0.7], 0.1)
    assert [b - a for a, b in itertools.pairwise(crowded)] == pytest.approx([0.1, 0.1, 0.1])
