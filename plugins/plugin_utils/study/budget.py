# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""evolve_budget: how much to search. Whichever bound is met first ends it.

The baseline and the verification are not counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing, suggestion

_WHERE = "evolve_budget"
_KEYS = ("trials", "hours", "threshold_percent")


@dataclass(frozen=True)
class Budget:
    """`hours` are hours of searching; `threshold_percent` is the least gain that is worth another trial."""

    trials: int
    hours: float | None = None
    threshold_percent: float | None = None

    @property
    def threshold(self) -> float | None:
        """The threshold in log units, as the engine's expected improvement."""
        return None if self.threshold_percent is None else math.log1p(self.threshold_percent / 100.0)

    def __str__(self) -> str:
        parts = [f"{self.trials} trials"]
        if self.hours is not None:
            parts.append(f"at most {self.hours:g} h")
        if self.threshold_percent is not None:
            parts.append(f"while one is expected to gain {self.threshold_percent:g} %")
        return ", ".join(parts)


def budget_faults(budget: Any) -> list[Fault]:
    """Everything that is wrong with the budget as the user wrote it."""
    if not isinstance(budget, Mapping) or "trials" not in budget:
        return [Fault(_WHERE, f"found {budget!r}, expected a mapping such as {{trials: 60}}")]
    faults = [
        Fault(f"{_WHERE}.{key}", f"unknown; accepted: {listing(_KEYS)}.{suggestion(str(key), _KEYS)}")
        for key in budget
        if key not in _KEYS
    ]
    trials, hours, threshold = (budget.get(key) for key in _KEYS)
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        faults.append(Fault(f"{_WHERE}.trials", f"found {trials!r}, expected a whole number of at least 1"))
    if hours is not None and (not is_number(hours) or hours <= 0):
        faults.append(Fault(f"{_WHERE}.hours", f"found {hours!r}, expected a number above 0, such as 4 or 0.5"))
    if threshold is not None and (not is_number(threshold) or not 0 < threshold <= 100):
        problem = f"found {threshold!r}, expected per cent above 0 and at most 100, such as 1"
        faults.append(Fault(f"{_WHERE}.threshold_percent", problem))
    return faults
