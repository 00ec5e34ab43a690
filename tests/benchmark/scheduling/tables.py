# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections of the report, in Markdown, one function a scenario."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence

Row = Mapping[str, str]
NOTHING = "–"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(row: Row, name: str) -> float:
    return float(row[name])


def per_cent(row: Row, name: str) -> str:
    return f"{100 * number(row, name):.1f} %"


def named(row: Row, name: str) -> str:
    """A quick look must not pass for a full run."""
    return name if row["full"] == "yes" else f"{name} (quick look: {trials_of(row)})"


def trials_of(row: Row) -> str:
    least, most = number(row, "seconds"), number(row, "seconds") + number(row, "spread")
    each = "no time" if not most else f"{least:g} s" if least == most else f"{least:g} to {most:g} s"
    return f"{row['told']} trials of {each}"


def utilisation(rows: Sequence[Row]) -> str:
    alone = next((row for row in rows if row["variant"] == "one slot"), None)

    def times(row: Row, name: str) -> str:
        return NOTHING if alone is None else f"{number(row, name) / number(alone, name):.2f}"

    header = [
        "scheduling",
        "slots",
        "utilisation",
        "without the tail",
        "elapsed s",
        "speed-up",
        "trials an hour",
        "ratio",
    ]
    return markdown(
        header,
        [
            [
                *(named(row, row["variant"]), row["slots"]),
                *(per_cent(row, "utilisation"), per_cent(row, "utilisation_without_tail")),
                *(f"{number(row, 'elapsed_seconds'):.0f}", times(row, "slots_worth")),
                *(f"{number(row, 'trials_an_hour'):.0f}", times(row, "trials_an_hour")),
            ]
            for row in rows
        ],
    )


def overhead(rows: Sequence[Row]) -> str:
    header = ["algorithm", "slots", "median s", "95th percentile s", "until told, median s", "95th s", "CPU s a trial"]
    names = ("overhead_median", "overhead_p95", "until_told_median", "until_told_p95", "cpu_a_trial")
    return markdown(
        header,
        [[named(r, r["variant"]), r["slots"], *(f"{number(r, name):.2f}" for name in names)] for r in rows],
    )


def many_slots(rows: Sequence[Row]) -> str:
    header = ["algorithm", "slots", "trials", "utilisation", "without the tail", "elapsed s a trial", "CPU s a trial"]
    return markdown(
        [*header, "controller MiB", "with workers MiB"],
        [
            [
                *(named(row, row["variant"]), row["slots"], row["told"]),
                *(
                    per_cent(row, name) if number(row, "seconds") else NOTHING
                    for name in ("utilisation", "utilisation_without_tail")
                ),
                *(f"{number(row, 'elapsed_a_trial'):.3f}", f"{number(row, 'cpu_a_trial'):.3f}"),
                *(f"{number(row, 'resident_mib'):.0f}", f"{number(row, 'total_mib'):.0f}"),
            ]
            for row in rows
        ],
    )


def strategies(rows: Sequence[Row]) -> str:
    first = next((row for row in rows if row["variant"] == "steady_state"), None)

    def against(row: Row, name: str) -> str:
        return NOTHING if first is None else f"{number(row, name) / number(first, name):.1f}"

    header = ["strategy", "ansible-core", "trials", "elapsed s a trial", "ratio", "CPU s a trial", "ratio"]
    return markdown(
        header,
        [
            [
                *(named(row, row["variant"]), row["core"], row["told"]),
                *(f"{number(row, 'elapsed_a_trial'):.2f}", against(row, "elapsed_a_trial")),
                *(f"{number(row, 'cpu_a_trial'):.2f}", against(row, "cpu_a_trial")),
            ]
            for row in rows
        ],
    )


def controllers(rows: Sequence[Row]) -> str:
    """Over the seeds: means, and what must not happen in sum."""
    lines = []
    for variant in dict.fromkeys(row["variant"] for row in rows):
        own = [row for row in rows if row["variant"] == variant]
        quality = [number(row, "true_fitness") for row in own]
        low, high = (100 * math.expm1(f(quality)) for f in (min, max))
        lines.append(
            [
                *(named(own[0], variant), own[0]["slots"], str(len(own))),
                f"{100 * math.expm1(statistics.fmean(quality)):+.1f} % ({low:+.1f} to {high:+.1f})",
                *(str(sum(int(row[name]) for row in own)) for name in ("duplicates", "measured_twice")),
                *(f"{statistics.fmean(number(row, name) for row in own):.0f}" for name in ("elapsed_seconds",)),
                f"{100 * statistics.fmean(number(row, 'utilisation') for row in own):.1f} %",
            ]
        )
    header = ["controllers", "slots in all", "seeds", "true fitness of what is recommended", "duplicates"]
    return markdown([*header, "measured twice", "elapsed s", "utilisation"], lines)


def circumstances(rows: Mapping[str, Sequence[Row]]) -> str:
    """Of each scenario from when, and on what, its figures are."""
    lines = []
    for name, own in rows.items():
        loads = [number(row, "load") for row in own]
        lines.append(
            [
                *(name, ", ".join(dict.fromkeys(row["at"][:10] for row in own))),
                ", ".join(dict.fromkeys(f"`{row['commit']}`" for row in own)),
                *(", ".join(dict.fromkeys(row["core"] for row in own)), own[0]["cores"]),
                f"{min(loads):.1f} to {max(loads):.1f}",
            ]
        )
    return markdown(["scenario", "date", "commit", "ansible-core", "cores", "load before it"], lines)


SECTIONS: dict[str, Callable[[Sequence[Row]], str]] = {
    "utilisation": utilisation,
    "overhead": overhead,
    "slots-200": many_slots,
    "slots-1000": many_slots,
    "strategies": strategies,
    "controllers": controllers,
}
