# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hypervisors can hold: no candidate over-commits one of them.

On each hypervisor the slots may be given `overcommit` times what it has, less what its other machines have; and never
less than the slots had together before the study. A slot that is idle still has the size that it was last given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row

DEFAULT_OVERCOMMIT = {"vcpus": 4.0, "memory": 1.0}
# Parameter -> key of evolve_overcommit, column of a hypervisor.
_SIZES = {"vm.vcpus": ("vcpus", "vcpus"), "vm.memory_mib": ("memory", "memory_mib")}
_WHERE = "evolve_overcommit"


def read_overcommit(given: Any, faults: list[Fault]) -> dict[str, float]:
    """What the user said, completed; faults are added to the list."""
    if not isinstance(given, Mapping):
        faults.append(Fault(_WHERE, f"found {given!r}, expected a mapping such as {DEFAULT_OVERCOMMIT}"))
        return dict(DEFAULT_OVERCOMMIT)
    for key, value in given.items():
        if key not in DEFAULT_OVERCOMMIT:
            hint = suggestion(str(key), list(DEFAULT_OVERCOMMIT))
            faults.append(Fault(f"{_WHERE}.{key}", f"unknown; accepted: {listing(DEFAULT_OVERCOMMIT)}.{hint}"))
        elif not is_number(value) or value <= 0:
            faults.append(Fault(f"{_WHERE}.{key}", f"found {value!r}, expected a number above 0, such as 1 or 1.5"))
    return {**DEFAULT_OVERCOMMIT, **given}


def size_limits(
    overcommit: Mapping[str, float], hypervisors: Sequence[Row], slots: Sequence[Row], baseline: Mapping[str, Any]
) -> list[str]:
    """Constraints that a configuration must meet to fit anywhere, with all other slots on their baseline."""
    known = {row["name"]: row for row in hypervisors}
    if any(slot["hypervisor"] not in known for slot in slots):
        return []
    limits = []
    for parameter in _SIZES:
        if parameter not in baseline:
            continue
        rooms = [
            _limit(parameter, overcommit, row, slots, baseline) - (_count(row, slots) - 1) * int(baseline[parameter])
            for row in hypervisors
            if row[_SIZES[parameter][1]] is not None and _count(row, slots)
        ]
        if rooms:
            limits.append(f"{parameter} <= {max(rooms)}")
    return limits


def lacks_room(
    configuration: Mapping[str, Any],
    slot: Row,
    overcommit: Mapping[str, float],
    hypervisors: Sequence[Row],
    slots: Sequence[Row],
    baseline: Mapping[str, Any],
) -> str | None:
    """Why a slot's hypervisor cannot hold a configuration beside what its other slots have now, or None."""
    row = next((row for row in hypervisors if row["name"] == slot["hypervisor"]), None)
    if row is None:
        return None
    for parameter, (dummy, column) in _SIZES.items():
        wanted = configuration.get(parameter)
        if wanted is None or parameter not in baseline or row[column] is None:
            continue
        others = sum(
            int((other["applied"] or baseline).get(parameter) or baseline[parameter])
            for other in slots
            if other["hypervisor"] == row["name"] and other["host"] != slot["host"]
        )
        limit = _limit(parameter, overcommit, row, slots, baseline)
        if others + int(wanted) > limit:
            return f"{row['name']} has room for {limit - others} of {parameter}, not for {wanted}"
    return None


def is_larger(configuration: Mapping[str, Any] | None, baseline: Mapping[str, Any]) -> bool:
    """Whether a machine of this configuration takes more than on the baseline."""
    return any(
        int((configuration or {}).get(parameter) or 0) > int(baseline.get(parameter) or 0) for parameter in _SIZES
    )


def _limit(
    parameter: str, overcommit: Mapping[str, float], row: Row, slots: Sequence[Row], baseline: Mapping[str, Any]
) -> int:
    key, column = _SIZES[parameter]
    allowed = int(overcommit[key] * row[column]) - int(row[f"other_{column}"])
    return max(allowed, _count(row, slots) * int(baseline[parameter]))


def _count(row: Row, slots: Sequence[Row]) -> int:
    return sum(slot["hypervisor"] == row["name"] for slot in slots)
