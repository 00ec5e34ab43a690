# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a belief predicts what it has not seen."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.data import Data
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.surrogate import Belief
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

# Rows are not independent, so that fewer count, and each for less.
_SURE, _TEMPER = 60, 4.0


def skill(belief: Belief, data: Data) -> float:
    """Mean log density of each row's target as predicted from the others, winsorised; 0 is a guess, more is better.

    A guess is the normal distribution of all targets.
    """
    mean, variance = belief.left_out()
    density = -0.5 * np.log(variance) - 0.5 * (data.targets - mean) ** 2 / variance
    guess = -0.5 * data.targets**2
    return float(np.maximum(density - guess, -3.0).mean())


def shares(skills: list[float], rows: int) -> Array:
    """How much each of several beliefs counts: more skilled ones more, the more so the more rows there are."""
    weights: Array = np.exp((np.array(skills) - max(skills)) * min(rows, _SURE) / _TEMPER)
    weights /= weights.sum()
    return weights
