# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where figures are kept: one CSV file a scenario, one line a variant, the later ones below the earlier ones."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


class Results:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add(self, scenario: str, rows: Sequence[Row]) -> None:
        """Keep lines, and rewrite the file where they have columns that it had not."""
        path = self.directory / f"{scenario}.csv"
        known = self.read(scenario)
        self.directory.mkdir(parents=True, exist_ok=True)
        everything = [*known, *rows]
        columns = list(dict.fromkeys(column for row in everything for column in row))
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows({name: _text(value) for name, value in row.items()} for row in everything)

    def read(self, scenario: str) -> list[dict[str, str]]:
        """All lines of a scenario, in the order in which they were added."""
        path = self.directory / f"{scenario}.csv"
        if not path.exists():
            return []
        with path.open(newline="") as file:
            return list(csv.DictReader(file))


def newest(rows: Sequence[Mapping[str, str]], *keys: str) -> list[Mapping[str, str]]:
    """Of the lines with the same values of these columns the last; a full run goes before a quick look."""
    found: dict[tuple[str, ...], Mapping[str, str]] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        if key not in found or row["full"] == "yes" or found[key]["full"] == "no":
            found[key] = row
    return list(found.values())


def _text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
