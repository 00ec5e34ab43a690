# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the report, in Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

from ansible_collections.evolve.vm.tests.benchmark.search.aggregate import Comparison
from ansible_collections.evolve.vm.tests.benchmark.search.cell import CHECKPOINTS
from ansible_collections.evolve.vm.tests.benchmark.search.registry import SEARCHES, Search

# The checkpoint whose mean rank orders the rows: every search goes that far.
ORDER = 100
BASELINE = "random"
NOTHING = "–"
TITLES = {1: "one reading at a time", 8: "eight at a time"}


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ordered(comparison: Comparison) -> list[str]:
    """The best first; those that have not run on every task last."""
    ranks = comparison.ranks(ORDER)
    return sorted(comparison.searchers, key=lambda name: ranks.get(name, math.inf))


def label(name: str) -> str:
    search = SEARCHES[name]
    return search.label if search.environment else f"**{search.label}**"


def quality(comparison: Comparison) -> str:
    """Regrets and ranks. Of a search that lacks tasks only the number is said: means over other tasks mislead."""
    ranks = {point: comparison.ranks(point) for point in CHECKPOINTS}

    def over_tasks(name: str, point: int, average: Callable[[Sequence[float]], float]) -> str:
        if not comparison.is_complete(name, point):
            return NOTHING
        return f"{average(list(comparison.regrets(name, point).values())):.3f}"

    header = ["search"]
    header += [f"{what} {point}" for what in ("mean", "median", "rank") for point in CHECKPOINTS]
    rows = []
    for name in ordered(comparison):
        row = [label(name)]
        row += [over_tasks(name, point, statistics.fmean) for point in CHECKPOINTS]
        row += [over_tasks(name, point, statistics.median) for point in CHECKPOINTS]
        row += [f"{ranks[point][name]:.1f}" if name in ranks[point] else NOTHING for point in CHECKPOINTS]
        rows.append(row)
    return markdown(header, rows)


def effort(comparison: Comparison) -> str:
    """What it took, on how many tasks it lost to random search, and how much of the comparison was run."""
    header = ["search", "readings to within 5 %", "CPU ms a suggestion"]
    header += [f"worse than random {point}" for point in CHECKPOINTS] + ["tasks", "seeds", "readings", "failed cells"]
    rows = []
    for name in ordered(comparison):
        series = comparison.of(name)
        readings = max(each.readings for each in series)
        found = comparison.found_after(name)
        seeds = {len(each.outcomes) for each in series}
        rows.append(
            [
                label(name),
                f"{found:.0f}" if math.isfinite(found) else f"over {readings}",
                f"{comparison.milliseconds(name):.3g}",
                *(_worse(comparison, name, point) for point in CHECKPOINTS),
                f"{len(series)} of {len(comparison.tasks)}",
                str(min(seeds)) if len(seeds) == 1 else f"{min(seeds)}–{max(seeds)}",
                str(readings),
                str(sum(len(each.failed) for each in series)),
            ]
        )
    return markdown(header, rows)


def _worse(comparison: Comparison, name: str, point: int) -> str:
    if name == BASELINE or not comparison.is_complete(name, point):
        return NOTHING
    return str(len(comparison.worse_than(name, BASELINE, point)))


def failures(comparison: Comparison) -> list[str]:
    """Each kind of failure once."""
    kinds: dict[tuple[str, str], int] = {}
    for name in comparison.searchers:
        for series in comparison.of(name):
            for message in series.failed.values():
                kinds[name, message] = kinds.get((name, message), 0) + 1
    return [f"{SEARCHES[name].label}: {count} failed with `{message}`" for (name, message), count in kinds.items()]


def versions(pins: dict[str, str], searchers: Sequence[str]) -> str:
    def version(search: Search) -> str:
        return pins.get(search.package, "this checkout") if search.package else "this checkout"

    rows = [
        [label(name), f"{search.package} {version(search)}".strip(), search.note]
        for name, search in SEARCHES.items()
        if name in searchers
    ]
    lines = [["search", "version", "how it is used"], ["---"] * 3, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
