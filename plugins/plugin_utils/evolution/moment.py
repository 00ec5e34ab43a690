# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A search at the moment when something is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.apply_cost import ApplyCost
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evidence import Evidence, Key
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Individual
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.knowledge import Knowledge


@dataclass(frozen=True)
class Moment:
    """Everything handed out and told so far. What follows from it is worked out when it is first wanted."""

    number: int  # of the next candidate
    slot: str | None
    history: Sequence[Individual]
    evidence: Sequence[Evidence]
    learn: Callable[[Moment], Knowledge | None]
    apply_cost: ApplyCost

    @cached_property
    def knowledge(self) -> Knowledge | None:
        """What a surrogate makes of the evidence; None until something was measured."""
        return self.learn(self)

    @cached_property
    def taken(self) -> set[Key]:
        """Keys of all configurations handed out."""
        return {found.key for found in self.evidence}

    @property
    def repeats(self) -> int:
        """How many candidates measured a configuration again."""
        return sum(individual.candidate.repeat_of is not None for individual in self.history)

    @property
    def told(self) -> int:
        """How many evaluations have been told."""
        return sum(len(found.readings) + found.failed for found in self.evidence)

    @cached_property
    def _slots(self) -> set[str]:
        return {slot for found in self.evidence for slot in found.slots if slot is not None}

    def is_new_to_slot(self, found: Evidence) -> bool:
        """Whether a configuration has not run on this slot; true as well where it has run on all of them."""
        return self.slot not in found.slots or self._slots <= set(found.slots)
