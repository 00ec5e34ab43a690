# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lessons of earlier studies: what each of them would have expected of a configuration.

They are hints, not data: the surrogate of the present study learns how far each is to be trusted, down to not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.encoding import INACTIVE, Genomes, encode
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Earlier
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.scale import Scale
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates import gaussian_process
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.data import NEW, Data
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

# A study with fewer trials has no lesson worth learning.
_LEAST_TRIALS = 5


class Lessons:
    """A model of each earlier study, over the parameters of the present space that it had as well."""

    def __init__(self, space: SearchSpace, earlier: Sequence[Earlier]) -> None:
        self._teachers = [_Teacher(space, study) for study in earlier if len(study.trials) >= _LEAST_TRIALS]

    def __bool__(self) -> bool:
        return bool(self._teachers)

    def hinted(self, genomes: Genomes) -> Genomes:
        """The genomes with one hint from each earlier study."""
        hints = [teacher.hint(genomes) for teacher in self._teachers]
        return replace(genomes, hints=np.array(hints).T.reshape(len(genomes), len(hints)))


class _Teacher:
    def __init__(self, space: SearchSpace, study: Earlier) -> None:
        genomes = encode(space, [values for values, dummy in study.trials])
        fitness = np.array([fitness for dummy, fitness in study.trials])
        data = Data.single(genomes, Scale.of(fitness)(fitness))
        known = {name for values, dummy in study.trials for name in values}
        self._unknown = np.array([name not in known for name in space.parameters])
        self._belief = gaussian_process.learn(data, np.random.default_rng(0))

    def hint(self, genomes: Genomes) -> Array:
        """What it expects (n,), whatever the genes that it knows nothing of."""
        positions = np.where(self._unknown, 0.0, genomes.positions)
        kinds = np.where(self._unknown, INACTIVE, genomes.kinds)
        seen = Genomes(positions, kinds, np.zeros((len(genomes), 0)))
        return self._belief.of(seen, np.full(len(genomes), NEW)).mean
