# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure of the report: mean regret over the readings, one panel a mode."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ansible_collections.evolve.vm.tests.benchmark.search.aggregate import Comparison
from ansible_collections.evolve.vm.tests.benchmark.search.cell import CURVE
from ansible_collections.evolve.vm.tests.benchmark.search.labels import spread
from ansible_collections.evolve.vm.tests.benchmark.search.registry import SEARCHES
from ansible_collections.evolve.vm.tests.benchmark.search.tables import TITLES

OURS = {"guided": "#b30000", "textbook": "#e8871e"}
RANDOM = "#222222"
# Colours that are told apart with deficient colour vision too (Paul Tol's "muted"), for the peers in their order.
PEERS = ["#332288", "#4a90c2", "#44aa99", "#117733", "#999933", "#aa4499", "#882255", "#777777", "#6699cc"]
# Least distance of two labels, as a share of the axis.
LABEL_GAP = 0.042


def curves(comparison: Comparison) -> dict[str, tuple[list[int], list[float]]]:
    """Readings and mean regret over the tasks, where a search has run on every task."""
    found = {}
    for name in comparison.searchers:
        points = [point for point in CURVE if comparison.is_complete(name, point)]
        if points:
            found[name] = points, [statistics.fmean(comparison.regrets(name, p).values()) for p in points]
    return found


def colours() -> dict[str, str]:
    peers = [name for name in SEARCHES if name not in OURS and name != "random"]
    return {**OURS, "random": RANDOM, **dict(zip(peers, PEERS * 2, strict=False))}


def panel(axes: Any, comparison: Comparison) -> None:
    drawn = curves(comparison)
    palette = colours()
    for name, (points, regrets) in drawn.items():
        ours = name in OURS
        axes.plot(
            points,
            regrets,
            color=palette[name],
            linewidth=3.2 if name == "guided" else 2.2 if ours else 1.2,
            linestyle=(0, (4, 2)) if name == "random" else "-",
            zorder=4 if ours else 2,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(CURVE[0], CURVE[-1])
    axes.set_xticks([10, 25, 50, 100, 200], labels=["10", "25", "50", "100", "200"])
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "235" else "")
    axes.set_xlabel("readings")
    axes.set_title(TITLES[comparison.batch], loc="left", fontsize=11)
    axes.grid(visible=True, which="major", color="#e4e4e4", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)


def label_ends(axes: Any, comparison: Comparison) -> None:
    """Names at the right-hand end of the lines, tied to them where they had to move."""
    drawn = curves(comparison)
    palette = colours()
    low, high = (math.log(limit) for limit in axes.get_ylim())

    def height(name: str) -> float:
        return (math.log(drawn[name][1][-1]) - low) / (high - low)

    names = sorted(drawn, key=height)
    for name, place in zip(names, spread([height(name) for name in names], LABEL_GAP), strict=True):
        points, regrets = drawn[name]
        axes.annotate(
            SEARCHES[name].label,
            xy=(points[-1], regrets[-1]),
            xytext=(1.06, place),
            textcoords="axes fraction",
            va="center",
            fontsize=9,
            fontweight="bold" if name in OURS else "normal",
            color=palette[name],
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": palette[name],
                "linewidth": 0.6,
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 0,
            },
        )


def write(comparisons: list[Comparison], path: Path) -> None:
    """The same bytes for the same numbers."""
    with mpl.rc_context({"svg.hashsalt": "evolve.vm", "font.family": "DejaVu Sans", "font.size": 10}):
        figure = Figure(figsize=(13, 6.4))
        panels = figure.subplots(1, len(comparisons), sharey=True, squeeze=False)[0]
        for axes, comparison in zip(panels, comparisons, strict=True):
            panel(axes, comparison)
            axes.tick_params(labelleft=True)
        panels[0].set_ylabel("mean regret of the recommendation")
        figure.subplots_adjust(left=0.06, right=0.855, bottom=0.09, top=0.94, wspace=0.52)
        for axes, comparison in zip(panels, comparisons, strict=True):
            label_ends(axes, comparison)
        figure.savefig(path, metadata={"Date": None})
