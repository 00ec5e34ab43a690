# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/benchmarks: search.md, search.csv and search.svg, from the cells that are finished."""

from __future__ import annotations

import csv
import os
import platform
import statistics
from collections.abc import Mapping
from pathlib import Path
from string import Template

from ansible_collections.evolve.vm.tests.benchmark.search import tables
from ansible_collections.evolve.vm.tests.benchmark.search.aggregate import Comparison
from ansible_collections.evolve.vm.tests.benchmark.search.cell import CHECKPOINTS, Cell, Outcome

HERE = Path(__file__).parent
LICENCE = "# SPDX-License-Identifier: GPL-3.0-or-later"


def pins() -> dict[str, str]:
    """Versions by package, as the requirements files pin them."""
    lines = [line for path in HERE.glob("requirements*.txt") for line in path.read_text().splitlines()]
    pairs = [line.split("#")[0].split("==") for line in lines if "==" in line]
    return {name.split("[")[0].strip(): version.strip() for name, version in pairs}


def machine() -> str:
    information = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in information.splitlines() if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def write(cells: Mapping[Cell, Outcome], directory: Path) -> None:
    if not cells:
        raise SystemExit("No cell is finished yet; run them first: make bench-search")
    # Needs matplotlib, which only the peers' environment has.
    from ansible_collections.evolve.vm.tests.benchmark.search import figure

    directory.mkdir(parents=True, exist_ok=True)
    comparisons = [Comparison(cells, batch) for batch in sorted({cell.batch for cell in cells})]
    _write_csv(comparisons, directory / "search.csv")
    figure.write(comparisons, directory / "search.svg")
    (directory / "search.md").write_text(page(comparisons))
    print(f"written: {directory}/search.md, search.csv, search.svg")


def page(comparisons: list[Comparison]) -> str:
    sections = []
    for comparison in comparisons:
        title = tables.TITLES[comparison.batch].capitalize()
        failures = "".join(f"\n- {failure}" for failure in tables.failures(comparison))
        sections.append(
            f"## {title}\n\n{tables.quality(comparison)}\n\n{tables.effort(comparison)}\n"
            + (f"\nCells that failed:\n{failures}\n" if failures else "")
        )
    searchers = list(dict.fromkeys(name for comparison in comparisons for name in comparison.searchers))
    return Template((HERE / "template.md").read_text()).substitute(
        sections="\n".join(sections).rstrip(),
        versions=tables.versions(pins(), searchers),
        machine=machine(),
        tasks=max(len(comparison.tasks) for comparison in comparisons),
    )


def _write_csv(comparisons: list[Comparison], path: Path) -> None:
    """One line a search, task, mode and checkpoint."""
    with path.open("w", newline="") as file:
        file.write(LICENCE + "\n")
        writer = csv.writer(file, lineterminator="\n")
        header = ["search", "task", "batch", "readings", "seeds", "regret_mean", "regret_sd"]
        writer.writerow([*header, "readings_to_within_5_percent", "cpu_ms_a_suggestion", "failed"])
        for comparison in comparisons:
            for (name, task), series in sorted(comparison.series.items()):
                spent = [o.milliseconds for o in series.outcomes.values() if not o.message]
                for point in CHECKPOINTS:
                    regrets = list(series.regrets(point).values())
                    if regrets:
                        deviation = f"{statistics.stdev(regrets):.4g}" if len(regrets) > 1 else ""
                        writer.writerow(
                            [
                                *(name, task, comparison.batch, point, len(regrets)),
                                *(f"{statistics.fmean(regrets):.4g}", deviation),
                                *(f"{series.found_after:g}", f"{statistics.fmean(spent):.3g}", len(series.failed)),
                            ]
                        )
