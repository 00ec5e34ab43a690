# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the comparison: `run` the cells that are missing, then `report` what there is."""

from __future__ import annotations

import argparse

from ansible_collections.evolve.vm.tests.benchmark.search import report, tasks
from ansible_collections.evolve.vm.tests.benchmark.search.cell import Cell
from ansible_collections.evolve.vm.tests.benchmark.search.registry import SEARCHES
from ansible_collections.evolve.vm.tests.benchmark.search.results import Results
from ansible_collections.evolve.vm.tests.benchmark.search.runner import Runner

DIRECTORY = tasks.REPOSITORY / ".cache" / "bench-search"
DOCUMENTS = tasks.REPOSITORY / "docs" / "benchmarks"
MODES = {"sequential": 1, "batch": 8}


def words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def numbers(text: str) -> list[int]:
    """1,2,5 or 1-5."""
    found: list[int] = []
    for part in words(text):
        first, dummy, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-search", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    run = steps.add_parser("run", help="run the cells that are missing")
    run.add_argument("--searchers", type=words, default=list(SEARCHES), help="names, comma-separated")
    run.add_argument("--tasks", type=words, default=None, help="names of tasks; all unless given")
    run.add_argument("--seeds", type=numbers, default=None, help="1-5 or 1,3; each search's own number unless given")
    run.add_argument("--modes", type=words, default=list(MODES), help=f"of {', '.join(MODES)}")
    run.add_argument("--readings", type=int, default=None, help="each search's own number unless given")
    run.add_argument("--jobs", type=int, default=1, help="processes at a time")
    run.add_argument("--fresh", type=words, default=[], help="searches whose finished cells are forgotten first")
    steps.add_parser("report", help="write the table, the figure and the CSV file into docs/benchmarks")
    return parser.parse_args()


def cells(chosen: argparse.Namespace) -> list[Cell]:
    return [
        Cell(searcher, task, seed, MODES[mode], chosen.readings or SEARCHES[searcher].readings)
        for searcher in chosen.searchers
        for task in chosen.tasks or tasks.names()
        for mode in chosen.modes
        for seed in chosen.seeds or range(1, SEARCHES[searcher].seeds + 1)
    ]


def check(chosen: argparse.Namespace) -> None:
    for kind, given, known in (
        ("search", chosen.searchers + chosen.fresh, SEARCHES),
        ("task", chosen.tasks or [], tasks.names()),
        ("mode", chosen.modes, MODES),
    ):
        if unknown := [name for name in given if name not in known]:
            raise SystemExit(f"No such {kind}: {', '.join(unknown)}. There are: {', '.join(known)}")


def main() -> None:
    chosen = arguments()
    results = Results(DIRECTORY)
    if chosen.step == "run":
        check(chosen)
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        for searcher in chosen.fresh:
            results.forget(searcher)
        Runner(results, DIRECTORY / "log").run(cells(chosen), chosen.jobs)
    else:
        report.write(results.read(), DOCUMENTS)


if __name__ == "__main__":
    main()
