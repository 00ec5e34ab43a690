# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of a search that goes on: of thousands of configurations only those of which something is new are
gathered again.
"""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evidence import Evidence, Key, gather
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Individual


class Gathered:
    """What `gather` makes of all individuals, kept up to date."""

    def __init__(self) -> None:
        self.keys: dict[int, Key] = {}
        self._individuals: dict[Key, dict[int, Individual]] = {}  # those with a configuration, by number
        self._evidence: dict[Key, Evidence] = {}  # in the order in which configurations were first handed out
        self._stirred: dict[Key, None] = {}
        self._last = -1
        self._in_order = True

    def add(self, key: Key, individual: Individual) -> None:
        """Take up an individual whose configuration has this key, in place of an earlier one of its number."""
        number = individual.candidate.number
        if number <= self._last and self.keys.get(number) != key:
            self._in_order = False
            self._take_out(number)
        self._last = max(self._last, number)
        self.keys[number] = key
        self._individuals.setdefault(key, {})[number] = individual
        self._stirred[key] = None

    def stir(self, number: int) -> None:
        """Something about the individual of this number is new."""
        self._stirred[self.keys[number]] = None

    def evidence(self) -> list[Evidence]:
        """The evidence of each distinct configuration, in the order they first were handed out.

        What was returned before stays as it was.
        """
        if not self._in_order:
            self._in_order = True
            self._evidence.clear()
            self._stirred = dict.fromkeys(sorted(self._individuals, key=lambda key: min(self._individuals[key])))
        for key in self._stirred:
            own = self._individuals[key]
            (self._evidence[key],) = gather([own[number] for number in sorted(own)], dict.fromkeys(own, key))
        self._stirred.clear()
        return list(self._evidence.values())

    def _take_out(self, number: int) -> None:
        known = self.keys.pop(number, None)
        if known is not None:
            del self._individuals[known][number]
            if not self._individuals[known]:
                del self._individuals[known]
