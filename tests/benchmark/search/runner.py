# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the cells that are not finished yet, those of one search on one task in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from ansible_collections.evolve.vm.tests.benchmark.search.cell import Cell, Outcome
from ansible_collections.evolve.vm.tests.benchmark.search.registry import SEARCHES
from ansible_collections.evolve.vm.tests.benchmark.search.results import Results
from ansible_collections.evolve.vm.tests.benchmark.search.tasks import REPOSITORY

WORKER = "ansible_collections.evolve.vm.tests.benchmark.search.worker"
# One thread a process: CPU time is compared, and the processes share the machine.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def interpreter(searcher: str) -> Path:
    environment = SEARCHES[searcher].environment
    return REPOSITORY / ".cache" / environment / "bin" / "python" if environment else Path(sys.executable)


def grouped(cells: Sequence[Cell]) -> list[list[Cell]]:
    """In the order given; libraries are imported once a group."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.searcher, cell.task), []).append(cell)
    return list(groups.values())


class Runner:
    def __init__(self, results: Results, log: Path) -> None:
        self.results = results
        self.log = log
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._total = self._finished = 0

    def run(self, cells: Sequence[Cell], jobs: int) -> None:
        known = self.results.read()
        waiting = [cell for cell in cells if cell not in known]
        print(f"{len(cells)} cells, {len(cells) - len(waiting)} of them finished before", flush=True)
        self._total = len(waiting)
        with ThreadPoolExecutor(jobs) as pool:
            for future in [pool.submit(self._run_group, group) for group in grouped(waiting)]:
                future.result()

    def _run_group(self, cells: list[Cell]) -> None:
        """A process that dies takes one cell with it; the others get a new one."""
        while cells:
            done = 0
            for outcome in self._work(cells):
                self._finish(cells[done], outcome)
                done += 1
            if done < len(cells):
                self._finish(cells[done], Outcome(message=f"the process died; see {self.log}"))
            cells = cells[done + 1 :]

    def _work(self, cells: list[Cell]) -> Iterator[Outcome]:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / ".collections"), **dict.fromkeys(THREADS, "1")}
        with (
            self.log.open("a") as log,
            subprocess.Popen(
                [str(interpreter(cells[0].searcher)), "-m", WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
                cwd=REPOSITORY,
            ) as process,
        ):
            assert process.stdin is not None
            assert process.stdout is not None
            json.dump([asdict(cell) for cell in cells], process.stdin)
            process.stdin.close()
            for line in process.stdout:
                answer = json.loads(line)
                yield Outcome(**{**answer, "regrets": {int(k): v for k, v in answer["regrets"].items()}})

    def _finish(self, cell: Cell, outcome: Outcome) -> None:
        with self._lock:
            self.results.add(cell, outcome)
            self._finished += 1
            passed = time.monotonic() - self._started
            left = passed / self._finished * (self._total - self._finished)
            last = f"regret {list(outcome.regrets.values())[-1]:.3f}" if outcome.regrets else ""
            print(
                f"{self._finished}/{self._total}  {cell.searcher} {cell.task} seed {cell.seed} batch {cell.batch}  "
                f"{outcome.message or last}  {outcome.milliseconds:.1f} ms  {left / 60:.0f} min left",
                flush=True,
            )
