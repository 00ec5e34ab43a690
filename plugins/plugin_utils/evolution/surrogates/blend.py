# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several surrogates at once, each counting by how well it predicts the trials it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array, Whole
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.encoding import Genomes
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.subset import informative
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates import forest, gaussian_process
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.data import Data, Pending
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.skill import shares, skill
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.surrogate import Belief, Opinion
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

if TYPE_CHECKING:
    from numpy.random import Generator


def learn(data: Data, rng: Generator) -> Blend:
    """The surrogate `blend`: Gaussian process and forest, learnt from the same rows so that their skills compare."""
    data = data.take(informative(data.targets, gaussian_process.ROWS, rng))
    beliefs: list[Belief] = [gaussian_process.learn(data, rng), forest.learn(data, rng)]
    return Blend(beliefs, shares([skill(belief, data) for belief in beliefs], len(data)))


@dataclass(frozen=True)
class Blend:
    """Beliefs with the share of each (they add up to 1)."""

    beliefs: Sequence[Belief]
    shares: Array

    @property
    def noise(self) -> float:
        return float(self._mixed([np.array(belief.noise) for belief in self.beliefs]))

    @property
    def importance(self) -> Array:
        return self._mixed([belief.importance for belief in self.beliefs])

    @property
    def reach(self) -> Array:
        return self._mixed([belief.reach for belief in self.beliefs])

    def expecting(self, pending: Pending) -> Blend:
        return Blend([belief.expecting(pending) for belief in self.beliefs], self.shares)

    def of(self, genomes: Genomes, configurations: Whole) -> Opinion:
        parts = tuple(belief.of(genomes, configurations) for belief in self.beliefs)
        mean = self._mixed([part.mean for part in parts])
        # Where the models disagree there is doubt of its own.
        variance = self._mixed([part.variance + (part.mean - mean) ** 2 for part in parts])
        return Opinion(genomes, configurations, mean, variance, parts=parts)

    def covariance(self, these: Opinion, others: Opinion) -> Array:
        pairs = zip(self.beliefs, these.parts, others.parts, strict=True)
        return self._mixed([belief.covariance(mine, yours) for belief, mine, yours in pairs])

    def left_out(self) -> tuple[Array, Array]:
        found = [belief.left_out() for belief in self.beliefs]
        return self._mixed([mean for mean, dummy in found]), self._mixed([variance for dummy, variance in found])

    def _mixed(self, parts: Sequence[Array]) -> Array:
        mixed: Array = sum(share * part for share, part in zip(self.shares, parts, strict=True))
        return mixed
