# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scale on which surrogates see fitness: as it is near the best, compressed far from it.

What lies far below the best only has to be recognised as bad; left as it is, a few disasters would blur the differences
among the good. The scale follows the readings, so that fitness may be in any unit.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

# Below the best by more than the nearest of this share of readings is 'far'.
_NEAR_SHARE = 0.3


@dataclass(frozen=True)
class Scale:
    """Fitness y becomes t = (-near * log(1 + (best - y) / near) - centre) / unit, with slope 1 / unit at the best."""

    best: float
    near: float
    centre: float
    unit: float

    @classmethod
    def of(cls, readings: Array) -> Scale:
        """The scale that gives these readings mean 0 and variance 1."""
        best = float(readings.max())
        near = float(np.quantile(best - readings, _NEAR_SHARE)) or float(readings.std()) or 1.0
        compressed = -near * np.log1p((best - readings) / near)
        return cls(best, near, float(compressed.mean()), float(compressed.std()) or 1.0)

    def __call__(self, fitness: Array) -> Array:
        below = self.best - fitness
        # Above the best, where only later readings can lie, the scale goes on as a straight line.
        compressed = np.where(below > 0, -self.near * np.log1p(np.maximum(below, 0.0) / self.near), -below)
        result: Array = (compressed - self.centre) / self.unit
        return result

    def fitness(self, target: float) -> float:
        """The fitness that has this target."""
        compressed = target * self.unit + self.centre
        return float(self.best + (compressed if compressed > 0 else -self.near * np.expm1(-compressed / self.near)))
