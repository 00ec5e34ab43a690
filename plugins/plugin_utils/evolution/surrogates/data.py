# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a surrogate learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array, Whole
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.encoding import Genomes
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

NOWHERE = -1
NEW = -1


@dataclass(frozen=True)
class Data:
    """n rows, each the mean of some readings of one configuration on one slot; targets have mean 0 and variance 1.

    `configurations` numbers the distinct configurations from 0 and `slots` the slots (NOWHERE: not told which).
    `counts` (n,) are the readings of each row; `within` is the sum of squares of all readings about their row's mean.
    """

    genomes: Genomes
    targets: Array
    counts: Array
    configurations: Whole
    slots: Whole
    within: float = 0.0

    @classmethod
    def single(cls, genomes: Genomes, targets: Array) -> Data:
        """One reading of each of n distinct configurations, on slots that are not known."""
        rows = np.arange(len(targets))
        return cls(genomes, targets, np.ones(len(rows)), rows, np.full(len(rows), NOWHERE))

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: Whole) -> Data:
        """Some rows only. What repeats within rows told stays, in proportion."""
        share = self.counts[rows].sum() / max(self.counts.sum(), 1.0)
        return replace(
            self,
            genomes=self.genomes.take(rows),
            targets=self.targets[rows],
            counts=self.counts[rows],
            configurations=self.configurations[rows],
            slots=self.slots[rows],
            within=self.within * float(share),
        )

    @property
    def several_slots(self) -> bool:
        """Whether readings came from more than one slot, so that these can be told apart."""
        return len(set(self.slots[self.slots != NOWHERE].tolist())) > 1


@dataclass(frozen=True)
class Pending:
    """Configurations being evaluated: m genomes, their numbers (NEW for those without a reading), evaluations each."""

    genomes: Genomes
    configurations: Whole
    counts: Array
