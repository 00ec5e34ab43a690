# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where figures are kept: one CSV file a scenario, one line a variant, the later ones below the earlier ones."""

from __future__ import annotations

import csv
import os
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.release import __version__ as core_version

from ansible_collections.evolve.vm.tests.benchmark.scheduling.estate import REPOSITORY

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


def circumstances() -> dict[str, Any]:
    """Under which figures came about. `load` is the mean number of processes that wanted a core just before."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "core": core_version,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
    }


def newest(rows: Sequence[Mapping[str, str]], *keys: str) -> list[Mapping[str, str]]:
    """Of the lines with the same values of these columns the last; a full run goes before a quick look."""
    found: dict[tuple[str, ...], Mapping[str, str]] = {}
    for row in sorted(rows, key=lambda row: row["full"] == "yes"):
        found[tuple(row[key] for key in keys)] = row
    return list(found.values())


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=9"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"


def _text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
