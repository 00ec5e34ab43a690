# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beliefs from an ensemble whose members each learnt from a bag of the data.

What a member says of rows outside its bag is a fair prediction; how far the members' predictions are off there tells
the doubt. A measured configuration's own readings then correct what the others say of it (normal conjugate update).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array, Truth, Whole
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.encoding import Genomes
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.data import NEW, NOWHERE, Data, Pending
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.surrogate import Opinion
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

# Variance of one reading, where that of the targets is 1, assumed until repeats tell, and the repeats that is worth.
_ASSUMED_NOISE = 0.1
_ASSUMED_FREEDOM = 2.0
# Variance of a configuration's own worth about what the members say of it: at least this.
_LEAST_OWN = 0.01
# A slot's effect is believed in full only after several rows on it.
_SLOT_DOUBT = 3.0


@dataclass(frozen=True)
class Bagged:
    """A belief of independent opinions: what is learnt of one configuration says nothing of the others.

    `predict` gives the members' predictions (M, m) of genomes; `fair` (n,) is what members say of rows outside their
    bags; `own` and `noise` are standard deviations.
    """

    data: Data
    predict: Callable[[Genomes], Array]
    fair: Array
    doubt: Array
    own: float
    noise: float
    importance: Array
    slot_effects: Array
    pending: Pending | None = None

    @classmethod
    def learnt(cls, data: Data, predict: Callable[[Genomes], Array], bags: Truth, importance: Array) -> Bagged:
        """The belief of members with these bags: (M, n), true where a row was in a member's."""
        inside = predict(data.genomes)
        outside = np.where(bags, np.nan, inside)
        heard = (~bags).sum(axis=0) >= 2
        fair = np.where(heard, np.nanmean(np.where(heard, outside, inside), axis=0), inside.mean(axis=0))
        doubt = np.where(heard, np.nanvar(np.where(heard, outside, inside), axis=0), inside.var(axis=0))
        residual = data.targets - fair
        effects = _slot_effects(data, residual)
        residual = residual - effects[data.slots]
        freedom = float(data.counts.sum()) - len(data)
        noise = (data.within + _ASSUMED_FREEDOM * _ASSUMED_NOISE) / (freedom + _ASSUMED_FREEDOM)
        noise = min(noise, max(float((residual**2).mean()), _LEAST_OWN))
        own = max(float((residual**2 - doubt - noise / data.counts).mean()), _LEAST_OWN)
        return cls(data, predict, fair, doubt, own**0.5, noise**0.5, importance, effects)

    @property
    def reach(self) -> Array:
        """Trees and nets have no length scales: half the range, the more where a gene hardly matters."""
        reach: Array = 0.5 - 0.4 * self.importance / self.importance.max()
        return reach

    def expecting(self, pending: Pending) -> Bagged:
        """The same belief, with less doubt about pending configurations and those all but equal to them."""
        return replace(self, pending=pending)

    def of(self, genomes: Genomes, configurations: Whole) -> Opinion:
        """What it holds of configurations."""
        members = self.predict(genomes)
        mean, variance = members.mean(axis=0), members.var(axis=0) + self.own**2
        targets = self.data.targets - self.slot_effects[self.data.slots]
        for column in np.flatnonzero(configurations != NEW):
            rows = np.flatnonzero(self.data.configurations == configurations[column])
            prior = self.fair[rows].mean(), self.doubt[rows].mean() + self.own**2
            count = self.data.counts[rows]
            precision = 1.0 / prior[1] + count.sum() / self.noise**2
            mean[column] = (prior[0] / prior[1] + (targets[rows] * count).sum() / self.noise**2) / precision
            variance[column] = 1.0 / precision
        return Opinion(genomes, configurations, mean, self._less_doubt(genomes, variance))

    def covariance(self, these: Opinion, others: Opinion) -> Array:
        """Nothing but the variance of configurations with themselves."""
        known = (these.configurations != NEW)[:, None]
        equal = (these.configurations[:, None] == others.configurations[None, :]) & known
        return np.where(equal, these.variance[:, None], 0.0)

    def left_out(self) -> tuple[Array, Array]:
        """Mean and variance of each row as members say that did not learn from it."""
        mean = self.fair + self.slot_effects[self.data.slots]
        return mean, self.doubt + self.own**2 + self.noise**2 / self.data.counts

    def _less_doubt(self, genomes: Genomes, variance: Array) -> Array:
        """Doubt about what is under way shrinks as by a reading, and in proportion to the genes in common nearby."""
        if self.pending is None:
            return variance
        for row in range(len(self.pending.counts)):
            other = self.pending.genomes
            same = genomes.kinds == other.kinds[row]
            gaps = np.where(same, np.abs(genomes.positions - other.positions[row]), 1.0)
            alike = np.exp(-(gaps * self.importance).sum(axis=1) * 10.0)
            noise = self.noise**2 / self.pending.counts[row]
            variance = variance - alike**2 * variance**2 / (variance + noise)
        return variance


def _slot_effects(data: Data, residual: Array) -> Array:
    """What each slot adds to its readings; the last entry, 0, stands for slots that are not known."""
    if not data.several_slots:
        return np.zeros(int(data.slots.max(initial=NOWHERE)) + 2)
    effects = np.zeros(int(data.slots.max()) + 2)
    for slot in range(len(effects) - 1):
        here = data.slots == slot
        effects[slot] = residual[here].sum() / (here.sum() + _SLOT_DOUBT)
    return effects
