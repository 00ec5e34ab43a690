# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the cells' outcomes are kept: one CSV file a search, one line a cell, added as each cell ends."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.evolve.vm.tests.benchmark.search.cell import CURVE, Cell, Outcome

FIELDS = ["searcher", "task", "seed", "batch", "readings", "taken", "found_after", "milliseconds", "message"]
FIELDS += [f"regret_{point}" for point in CURVE]


class Results:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def _file(self, searcher: str) -> Path:
        return self.directory / f"{searcher}.csv"

    def add(self, cell: Cell, outcome: Outcome) -> None:
        """One write of whole lines, so that two runs at once do not mix theirs."""
        self.directory.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
        if not self._file(cell.searcher).exists():
            writer.writeheader()
        writer.writerow(_row(cell, outcome))
        with self._file(cell.searcher).open("a") as file:
            file.write(text.getvalue())

    def forget(self, searcher: str) -> None:
        self._file(searcher).unlink(missing_ok=True)

    def read(self) -> dict[Cell, Outcome]:
        """Every finished cell; of one that is there twice, the later."""
        return {cell: outcome for path in sorted(self.directory.glob("*.csv")) for cell, outcome in _read(path)}


def _row(cell: Cell, outcome: Outcome) -> dict[str, object]:
    return {
        **vars(cell),
        "taken": outcome.taken,
        "found_after": outcome.found_after or "",
        "milliseconds": f"{outcome.milliseconds:.4g}",
        "message": outcome.message,
        **{f"regret_{point}": f"{regret:.6g}" for point, regret in outcome.regrets.items()},
    }


def _read(path: Path) -> Iterator[tuple[Cell, Outcome]]:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            cell = Cell(row["searcher"], row["task"], int(row["seed"]), int(row["batch"]), int(row["readings"]))
            yield (
                cell,
                Outcome(
                    {point: float(row[f"regret_{point}"]) for point in CURVE if row[f"regret_{point}"]},
                    int(row["found_after"]) if row["found_after"] else None,
                    float(row["milliseconds"]),
                    int(row["taken"]),
                    row["message"],
                ),
            )
