# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A random forest over genomes: for cliffs and plateaus that a Gaussian process smooths over. Needs scikit-learn.

Source: Breiman 2001; the optimal forests for configuration search are deep and extremely randomised (Hutter, Hoos and
Leyton-Brown, LION 2011).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.encoding import Genomes
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.bagged import Bagged
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.data import Data
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.features import Features
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np, optional

if TYPE_CHECKING:
    from numpy.random import Generator

_TREES = 60


def learn(data: Data, rng: Generator) -> Bagged:
    """The surrogate `forest`."""
    ensemble = optional("sklearn.ensemble")
    layout = Features.of(data.genomes)
    columns = layout.columns(data.genomes)
    forest = ensemble.ExtraTreesRegressor(
        n_estimators=_TREES,
        bootstrap=True,
        min_samples_leaf=2,
        max_features=0.7,
        random_state=int(rng.integers(2**31)),
        n_jobs=1,
    ).fit(columns, data.targets, sample_weight=data.counts)
    bags = np.zeros((_TREES, len(data)), dtype=bool)
    for tree, rows in enumerate(forest.estimators_samples_):
        bags[tree, rows] = True

    def predict(genomes: Genomes) -> Array:
        inputs = layout.columns(genomes).astype(np.float32)
        return np.array([tree.predict(inputs, check_input=False) for tree in forest.estimators_])

    return Bagged.learnt(data, predict, bags, layout.by_gene(forest.feature_importances_))
