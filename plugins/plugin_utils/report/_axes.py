# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Axes: linear scales and round tick values."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Maps the values low..high linearly to the positions start..end (start may be the larger one)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The position of a value, rounded to what a screen can show; values outside land on the edge."""
        inside = min(max(value, self.low), self.high)
        return round(self.start + (inside - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def ticks(low: float, high: float, at_most: int, whole: bool = False) -> list[float]:
    """At most so many multiples of 1, 2 or 5 times a power of ten within low..high; `whole` allows no fractions."""
    step = 10.0 ** math.floor(math.log10((high - low) / at_most))
    if whole:
        step = max(1.0, step)
    factors = (1, 2, 5, 10, 20, 50)
    step *= next(factor for factor in factors if _between(low, high, step * factor) <= at_most)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, first + _between(low, high, step))]


def _between(low: float, high: float, step: float) -> int:
    return math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) + 1
