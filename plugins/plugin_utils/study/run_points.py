# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a run as points, for the user's database."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import RUN_MEASUREMENT
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import percent
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, rounded, tagged
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study

FITNESS = "fitness"


def run_points(study: Study, row: Row, metrics: Mapping[str, float], at_ms: int) -> list[Point]:
    """The metrics of a benchmark and the fitness in per cent, at the moment it ended.

    The label of a benchmark, where there are several, is a tag. There is no fitness before the baseline is measured.
    """
    tags = {
        "study": study.name,
        "trial": str(row["trial"]),
        "slot": row["slot"],
        "host": row["slot"],
        "purpose": row["purpose"],
    }
    points = []
    for name, value in metrics.items():
        label, dummy, bare = name.rpartition(".")
        points.append(Point(RUN_MEASUREMENT, bare, tagged(**tags, benchmark=label), at_ms, rounded(float(value))))
    if study.baseline_metrics:
        fitness = percent(study.score(row["metrics"]).fitness)
        points.append(Point(RUN_MEASUREMENT, FITNESS, tagged(**tags), at_ms, rounded(fitness)))
    return points
