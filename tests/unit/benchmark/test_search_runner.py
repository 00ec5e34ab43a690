# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of the comparison of searches: what is finished is never run again, what breaks is recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.tests.benchmark.search import runner
from ansible_collections.evolve.vm.tests.benchmark.search.cell import Cell, Outcome
from ansible_collections.evolve.vm.tests.benchmark.search.results import Results
from ansible_collections.evolve.vm.tests.benchmark.search.tasks import VARIABLE

# A loader like that of the tuning tasks: `dies` ends the process with seed 2's second reading, `raises` fails a cell.
LOADER = """
import os

def names():
    return ["works", "raises", "dies"]

def load(name):
    return Task(name)

class Task:
    best, median, worst = 1.0, 2.0, 9.0
    parameters = {"x": {"type": "int", "range": [1, 9]}}

    def __init__(self, name):
        self.name = name
        self.count = 0

    def true_cost(self, values):
        self.count += 1
        if self.name == "raises":
            raise RuntimeError("no table\\nfor this")
        if self.name == "dies" and self.count > 40:
            os._exit(3)
        print("noise on standard output")
        return float(values["x"])

    def regret(self, values):
        return self.true_cost(values) - 1
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> runner.Runner:
    (tmp_path / "tuning_tasks.py").write_text(LOADER)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr(runner, "interpreter", lambda searcher: Path(sys.executable))
    return runner.Runner(Results(tmp_path / "results"), tmp_path / "log")


def cells(task: str, *seeds: int) -> list[Cell]:
    return [Cell("random", task, seed, 1, 16) for seed in seeds]


def test_finished_cells_are_not_run_again(run: runner.Runner, capsys: pytest.CaptureFixture[str]) -> None:
    run.run(cells("works", 1, 2), jobs=1)
    kept = run.results.read()
    assert [outcome.taken for outcome in kept.values()] == [16, 16]
    assert set(kept) == set(cells("works", 1, 2))
    capsys.readouterr()
    run.run(cells("works", 1, 2, 3), jobs=1)
    printed = capsys.readouterr().out
    assert "3 cells, 2 of them finished before" in printed
    assert "seed 3" in printed
    assert "seed 1" not in printed
    lines = (run.results.directory / "random.csv").read_text().splitlines()
    assert len(lines) == 4


def test_a_cell_that_raises_is_recorded_with_the_last_line_of_its_error(run: runner.Runner) -> None:
    run.run(cells("raises", 1), jobs=1)
    assert [outcome.message for outcome in run.results.read().values()] == ["for this"]


def test_a_process_that_dies_costs_one_cell(run: runner.Runner) -> None:
    run.run(cells("dies", 1, 2, 3), jobs=1)
    outcomes = run.results.read()
    assert [bool(outcomes[cell].message) for cell in cells("dies", 1, 2, 3)] == [False, True, False]


def test_outcomes_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    results = Results(tmp_path)
    first, second = cells("works", 1, 2)
    results.add(first, Outcome({25: 0.125, 50: 0.0}, 7, 1.5, 50))
    results.add(second, Outcome(message='ValueError: "a", b'))
    assert results.read() == {
        first: Outcome({25: 0.125, 50: 0.0}, 7, 1.5, 50),
        second: Outcome(message='ValueError: "a", b'),
    }
    results.forget("random")
    assert results.read() == {}
