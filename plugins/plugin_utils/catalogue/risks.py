# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a parameter can cost beyond speed, and how single values that cost it are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.ranges import is_range
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number

RISKS = {
    "durability": "what was acknowledged as written can be lost in a crash",
    "security": "a protection is given up",
    "availability": "the machine or its service can stop, hang or refuse work that it would have done",
}


def same(value: Any, other: Any) -> bool:
    """Whether two values are the same to a user: true is not 1, but 1 is 1.0."""
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def without(specification: Mapping[str, Any], value: Any) -> dict[str, Any] | None:
    """The specification with one value left out, itself where it does not hold it; None where that cannot be done."""
    kind = specification.get("type")
    rest = dict(specification)
    if kind == "bool":
        return None if isinstance(value, bool) else rest
    if kind == "choice":
        values = specification.get("values")
        if not isinstance(values, list):
            return rest
        rest["values"] = [other for other in values if not same(value, other)]
        if "default" in rest and same(rest["default"], value):
            del rest["default"]
        return rest if len(rest["values"]) >= 2 or len(rest["values"]) == len(values) else None
    return _without_number(rest, value)


def _without_number(rest: dict[str, Any], value: Any) -> dict[str, Any] | None:
    if isinstance(rest.get("special"), list):
        rest["special"] = [other for other in rest["special"] if not same(value, other)]
        if not rest["special"]:
            del rest["special"]
    if not is_range(rest) or not all(map(is_number, rest["range"])):
        return rest
    low, high = rest["range"]
    if not is_number(value) or not low <= value <= high:
        return rest
    step = rest.get("step", 1 if rest["type"] == "int" else 0)
    if not is_number(step):
        return rest
    if value == low and step:
        rest["range"] = [low + step, high]
    elif value == high and step:
        rest["range"] = [low, high - step]
    else:
        return None
    return rest if rest["range"][0] < rest["range"][1] else None
