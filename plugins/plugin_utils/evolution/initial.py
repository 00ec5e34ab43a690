# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The initial population: founders first, then a space-filling design."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import settle
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import Configuration, SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np


class Initial:
    """Configurations to begin with. Founders are made valid where they are not, and take the first places."""

    def __init__(
        self, space: SearchSpace, seed: int, population: int, founders: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._space = space
        self._seed = seed
        self._population = population
        self._founders = founders

    def next(self, taken: Collection[tuple[Any, ...]]) -> Configuration | None:
        """The first that was not handed out yet; None once all were."""
        return next((dict(values) for values in self._members if self._space.key(values) not in taken), None)

    @cached_property
    def _members(self) -> list[Configuration]:
        rng = np.random.default_rng([self._seed, 2])
        founders = [settle(self._space, founder, {}, rng) for founder in self._founders]
        return [*founders, *self._space.design(self._population, self._seed)]
