# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/benchmarks: scheduling.md, scheduling.csv and scheduling.svg, from the figures that there are."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from ansible_collections.evolve.vm.tests.benchmark.scheduling import tables
from ansible_collections.evolve.vm.tests.benchmark.scheduling.results import Results, newest

_HERE = Path(__file__).parent
_LICENCE = "# SPDX-License-Identifier: GPL-3.0-or-later"
#: Whose course the figure shows.
_LONG = "slots-1000"
_MISSING = "Not run yet."


def write(results: Results, directory: Path) -> None:
    rows = {name: newest(results.read(name), "variant", "seed") for name in tables.SECTIONS}
    rows = {name: own for name, own in rows.items() if own}
    if not rows:
        raise SystemExit("Nothing was measured yet: make bench-scheduling")
    # Needs matplotlib.
    from ansible_collections.evolve.vm.tests.benchmark.scheduling import figure

    directory.mkdir(parents=True, exist_ok=True)
    (directory / "scheduling.md").write_text(page(rows))
    _write_csv(rows, directory / "scheduling.csv")
    figure.write(course(results.read(f"{_LONG}-course"), rows.get(_LONG, [])), directory / "scheduling.svg")
    print(f"written: {directory}/scheduling.md, scheduling.csv, scheduling.svg")


def page(rows: Mapping[str, Sequence[tables.Row]]) -> str:
    """The page; a scenario that was not run says so."""
    sections = {
        name.replace("-", "_"): render(rows[name]) if name in rows else _MISSING
        for name, render in tables.SECTIONS.items()
    }
    text = (_HERE / "template.md").read_text()
    return Template(text).substitute(sections, circumstances=tables.circumstances(rows))


def course(parts: Sequence[tables.Row], shown: Sequence[tables.Row]) -> list[tables.Row]:
    """Of all that was kept the parts of the studies that are shown."""
    wanted = {(row["variant"], row["at"]) for row in shown}
    return [part for part in parts if (part["variant"], part["at"]) in wanted]


def _write_csv(rows: Mapping[str, Sequence[tables.Row]], path: Path) -> None:
    """One line a study."""
    columns = list(dict.fromkeys(column for own in rows.values() for row in own for column in row))
    with path.open("w", newline="") as file:
        file.write(_LICENCE + "\n")
        writer = csv.DictWriter(file, ["scenario", *columns], lineterminator="\n")
        writer.writeheader()
        writer.writerows({"scenario": name, **row} for name, own in rows.items() for row in own)
