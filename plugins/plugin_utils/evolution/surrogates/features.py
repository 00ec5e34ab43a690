# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Genomes as plain columns, for models that know nothing of genes."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array, Whole
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.encoding import Genomes
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np


@dataclass(frozen=True)
class Features:
    """The layout of the columns: each gene's position, one column a kind where it has several, and the hints."""

    kinds: tuple[Whole, ...]

    @classmethod
    def of(cls, genomes: Genomes) -> Features:
        """The layout for the kinds that occur in these genomes."""
        found = [np.unique(column) for column in genomes.kinds.T]
        return cls(tuple(kinds if len(kinds) > 1 else kinds[:0] for kinds in found))

    @property
    def genes(self) -> Whole:
        """The gene of each column (C,), the hints' left out."""
        owners = [gene for gene, kinds in enumerate(self.kinds) for dummy in range(1 + len(kinds))]
        return np.array(owners, dtype=np.int64)

    def by_gene(self, shares: Array) -> Array:
        """Shares of the columns (C,) added up for each gene (P,), so that they make 1; even where there are none."""
        genes = self.genes
        sums = np.bincount(genes, weights=shares[: len(genes)], minlength=len(self.kinds)) + 1e-9
        result: Array = sums / sums.sum()
        return result

    def columns(self, genomes: Genomes) -> Array:
        """The columns (n, C) of genomes."""
        parts = []
        for gene, kinds in enumerate(self.kinds):
            parts.append(genomes.positions[:, gene, None])
            parts.append((genomes.kinds[:, gene, None] == kinds[None, :]).astype(float))
        return np.hstack([*parts, genomes.hints])
