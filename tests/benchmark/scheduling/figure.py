# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure of the report: what a trial costs over the course of a long search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ansible_collections.evolve.vm.tests.benchmark.scheduling.tables import Row

_COLOURS = {"textbook": "#e8871e", "guided": "#b30000"}
_PANELS = {
    "cpu_a_trial": "CPU seconds a trial",
    "elapsed_a_trial": "elapsed seconds a trial",
    "resident_mib": "controller, MiB",
}


def panel(axes: Any, name: str, rows: Sequence[Row]) -> None:
    for variant in dict.fromkeys(row["variant"] for row in rows):
        own = [row for row in rows if row["variant"] == variant]
        axes.plot(
            [int(row["told"]) for row in own],
            [float(row[name]) for row in own],
            color=_COLOURS.get(variant, "#222222"),
            linewidth=2.2,
            label=variant,
        )
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.set_title(_PANELS[name], loc="left", fontsize=11)
    axes.set_xlabel("trials told")
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)


def write(rows: Sequence[Row], path: Path) -> None:
    """The same bytes for the same numbers."""
    with mpl.rc_context({"svg.hashsalt": "evolve.vm", "font.family": "DejaVu Sans", "font.size": 10}):
        figure = Figure(figsize=(13, 4.2))
        for axes, name in zip(figure.subplots(1, len(_PANELS)), _PANELS, strict=True):
            panel(axes, name, rows)
            if rows:
                axes.legend(frameon=False)
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
