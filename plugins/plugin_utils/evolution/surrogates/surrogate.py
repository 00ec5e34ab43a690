# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface between the search and whatever model it learns with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array, Whole
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.encoding import Genomes
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.data import Data, Pending
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class Opinion:
    """What a belief holds of m configurations: `mean` and `variance` (m,) of their worth, noise and slots aside.

    `factors` (r, m) and `parts` are for the belief itself, which computes covariances from them.
    """

    genomes: Genomes
    configurations: Whole
    mean: Array
    variance: Array
    factors: Array = field(default_factory=lambda: np.empty((0, 0)))
    parts: tuple[Opinion, ...] = ()


class Belief(Protocol):
    """A model that has learnt from data."""

    @property
    def noise(self) -> float:
        """Standard deviation of one reading about the worth of its configuration."""

    @property
    def importance(self) -> Array:
        """How much each gene matters (P,): shares that add up to 1."""

    @property
    def reach(self) -> Array:
        """How far each gene may move (P,), in 0 to 1, before the worth of a configuration is another matter."""

    def expecting(self, pending: Pending) -> Belief:
        """The same belief once the pending evaluations have given what is expected of them: less doubt around them."""

    def of(self, genomes: Genomes, configurations: Whole) -> Opinion:
        """What it holds of configurations; `configurations` are their numbers in the data, NEW for others."""

    def covariance(self, these: Opinion, others: Opinion) -> Array:
        """Covariance (m, k) between the worth of configurations."""

    def left_out(self) -> tuple[Array, Array]:
        """Mean and variance of each row's target as predicted from the other rows: the measure of predictive skill."""


@dataclass(frozen=True)
class Surrogate:
    """A way to learn: `learn` gives the belief that data lead to, the same for equal data and generator.

    `capacity` is the number of configurations that it makes use of, `library` an optional one that it needs. `relearn`
    does the same from a former belief of its own, in less time.
    """

    learn: Callable[[Data, Generator], Belief]
    capacity: int
    library: str = ""
    relearn: Callable[[Data, Any, Generator], Belief] | None = None
