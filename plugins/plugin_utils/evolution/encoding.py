# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Genomes: configurations as arrays, with one distance a parameter, which is all a surrogate sees of them.

A gene is a kind and a position. Two genes of one kind are as far apart as their positions (0 to 1 over the range); two
of different kinds (another choice, a special value, inactive) are a whole range apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array, Whole
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

# Kind of the gene of a parameter without a value.
INACTIVE = -1


@dataclass(frozen=True)
class Genomes:
    """n genomes of P genes: `positions` (n, P) in 0 to 1, `kinds` (n, P) whole numbers.

    `hints` (n, S) is what each of S earlier studies would have expected of them, in standard deviations.
    """

    positions: Array
    kinds: Whole
    hints: Array

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, rows: Sequence[int] | Whole) -> Genomes:
        """The genomes of these rows, in this order."""
        return Genomes(self.positions[rows], self.kinds[rows], self.hints[rows])

    @property
    def unhinted(self) -> Genomes:
        """The same without hints."""
        return replace(self, hints=self.hints[:, :0])

    def joined(self, other: Genomes) -> Genomes:
        """These and the other's, one after the other."""
        return Genomes(
            np.vstack([self.positions, other.positions]),
            np.vstack([self.kinds, other.kinds]),
            np.vstack([self.hints, other.hints]),
        )


def encode(space: SearchSpace, configurations: Sequence[Mapping[str, Any]]) -> Genomes:
    """The genomes of configurations; genes of parameters that a configuration lacks are inactive."""
    positions = np.zeros((len(configurations), len(space.parameters)))
    kinds = np.full(positions.shape, INACTIVE, dtype=np.int64)
    for column, (name, parameter) in enumerate(space.parameters.items()):
        known: dict[tuple[bool, Any], tuple[int, float]] = {}
        for row, values in enumerate(configurations):
            if name in values:
                key = (isinstance(values[name], bool), values[name])
                if key not in known:
                    known[key] = parameter.gene(values[name])
                kinds[row, column], positions[row, column] = known[key]
    return Genomes(positions, kinds, np.zeros((len(configurations), 0)))


def distances(these: Genomes, others: Genomes) -> Iterator[Array]:
    """The distance (n, m) of each gene in turn, in 0 to 1. One at a time, for all at once would not fit in memory."""
    for gene in range(these.positions.shape[1]):
        apart = np.abs(these.positions[:, gene, None] - others.positions[None, :, gene])
        apart[these.kinds[:, gene, None] != others.kinds[None, :, gene]] = 1.0
        yield apart
