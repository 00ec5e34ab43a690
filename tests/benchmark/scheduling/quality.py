# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a recommendation truly is: the fitness that the simulation's surface gives it, without noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import Goals
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation import surface
from ansible_collections.evolve.vm.plugins.plugin_utils.study import prices
from ansible_collections.evolve.vm.tests.benchmark.scheduling.evidence import Evidence


def true_fitness(goals: list[dict[str, Any]], baseline: Mapping[str, Any], values: Mapping[str, Any]) -> float:
    """Log units over the baseline."""
    return Goals.from_list(goals).score(_metrics(values), _metrics(baseline)).fitness


def recommended(evidence: Evidence, goals: list[dict[str, Any]]) -> float:
    """The true fitness of what a study recommends; 0.0 where that is the baseline."""
    by_number = {trial.number: trial.configuration for trial in evidence.trials}
    return true_fitness(goals, by_number[0], by_number[evidence.winner or 0])


def _metrics(values: Mapping[str, Any]) -> dict[str, float]:
    cost = prices.vm_cost(values, prices.DEFAULT_PRICES)
    return {**surface.metrics(values), prices.METRIC: 0.0 if cost is None else cost}
