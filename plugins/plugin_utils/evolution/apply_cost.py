# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to bring a machine from one configuration to another, so that of two as promising the cheaper is tried.

All that changes is applied in one pass, so the costliest parameter decides: a machine that is restarted anyway takes
everything else along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

# Candidates are as promising as the best where they are expected to gain at least this share of what it is. A surrogate
# cannot tell such apart; a restart it can be told from.
_AS_PROMISING = 0.95


class ApplyCost:
    """costs: parameter -> what changing it costs, in any unit; parameters that are not named cost nothing.

    present: the configuration that the machine has; None where that is not known, and every candidate costs the same.
    """

    def __init__(self, costs: Mapping[str, float], present: Mapping[str, Any] | None) -> None:
        self._costs = costs
        self._present = present

    def of(self, values: Mapping[str, Any]) -> float:
        """What applying `values` costs; parameters that they do not name stay as they are."""
        if self._present is None:
            return 0.0
        return max(
            (
                cost
                for name, cost in self._costs.items()
                if name in values and (name not in self._present or self._present[name] != values[name])
            ),
            default=0.0,
        )

    def cheaper(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """`values` with what is costly left as it is on the machine: first the costliest only, then more and more."""
        if self._present is None:
            return []
        present = self._present
        costly = {name: cost for name, cost in self._costs.items() if name in present and name in values}
        changed = {name: cost for name, cost in costly.items() if self.of({name: values[name]})}
        return [
            {**values, **{name: present[name] for name, cost in changed.items() if cost >= level}}
            for level in sorted(set(changed.values()), reverse=True)
        ]

    def cheapest(self, gains: Array, candidates: Sequence[Mapping[str, Any]]) -> int:
        """The index of the cheapest of those that promise as much as the best; the best of equally cheap ones."""
        best = int(np.argmax(gains))
        if self._present is None or not self._costs or not gains[best] > 0.0:
            return best
        rivals = [int(index) for index in np.flatnonzero(gains >= _AS_PROMISING * gains[best])]
        return min(rivals, key=lambda index: (self.of(candidates[index]), -gains[index], index))
