# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verification: is the winner really better than the baseline?

Both are measured again, on fresh runs, in blocks of four in the order ABBA or BAAB (drawn at random), so that drift and
order cannot favour either. The claim is a confidence interval on the mean log-ratio of runs next to each other: a
paired t interval with the pair as the unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import percent
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np, special

BASELINE, WINNER = "A", "B"
_LEAST_SPREAD = 1e-12


@dataclass(frozen=True)
class Interval:
    """A mean of `pairs` differences with its confidence interval, in log units."""

    estimate: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{percent(self.estimate):+.1f} % [{percent(self.low):+.1f} %, {percent(self.high):+.1f} %]"


def block_order(seed: int, block: int) -> str:
    """The order of the four runs of a block: ABBA or BAAB, where A is the baseline and B the winner."""
    return "ABBA" if np.random.default_rng([seed, block]).random() < 0.5 else "BAAB"


def pairs_of(order: str, readings: Sequence[float]) -> list[float]:
    """Winner minus baseline for the two pairs of neighbours in a block's four readings."""
    by_arm = [(reading if arm == WINNER else -reading) for arm, reading in zip(order, readings, strict=True)]
    return [by_arm[0] + by_arm[1], by_arm[2] + by_arm[3]]


def interval(differences: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Two-sided t interval of the mean difference; None for fewer than two."""
    count = len(differences)
    if count < 2:
        return None
    mean = float(np.mean(differences))
    spread = max(float(np.std(differences, ddof=1)), _LEAST_SPREAD)
    reach = float(special.stdtrit(count - 1, 0.5 + confidence / 2)) * spread / math.sqrt(count)
    return Interval(mean, mean - reach, mean + reach, count)


def verdict(found: Interval | None, equivalence: float = 0.02) -> str:
    """Better or worse where the interval excludes 0, equivalent where within +-`equivalence`, else inconclusive."""
    if found is None:
        return "inconclusive"
    if found.low > 0:
        return "better"
    if found.high < 0:
        return "worse"
    if -equivalence < found.low and found.high < equivalence:
        return "equivalent"
    return "inconclusive"
