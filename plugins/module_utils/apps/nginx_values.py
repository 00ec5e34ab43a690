# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of nginx: as its files write them, and in the unit of a parameter."""

from __future__ import annotations

import re
from fractions import Fraction

from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import Setting
from ansible_collections.evolve.vm.plugins.module_utils.apps.units import UnitError, convert, kind, number, whole
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value

_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
# https://nginx.org/en/docs/syntax.html; a number alone is in seconds.
_TIMES = {"ms": 1, "s": 1000, "": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_TIMES.update({"M": 2_592_000_000, "y": 31_536_000_000})
_TIME_PART = r"(\d+)(ms|[smhdwMy]?)"


def written(value: Value, unit: str) -> str:
    """As nginx writes it. Raises UnitError where it cannot be written exactly."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if not unit or isinstance(value, str):
        return " ".join(str(value).split())
    if kind(unit) == "size":
        size = whole(value, unit, "B")
        letter = next(each for each in ("m", "k", "") if size % _SIZES[each] == 0)
        return f"{size // _SIZES[letter]}{letter}"
    if kind(unit) == "time":
        milliseconds = whole(value, unit, "ms")
        return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"
    raise UnitError(f"{value} {unit}: nginx has sizes and times, but nothing in {unit}")


def understood(text: str, setting: Setting, is_flag: bool) -> Value:
    """What nginx has written, in the setting's unit; as text where it is nothing that has a unit."""
    if is_flag and text in ("on", "off"):
        return text == "on"
    if kind(setting.unit) == "size":
        found = re.fullmatch(r"(\d+)([kmg]?)", text, re.IGNORECASE)
        if found:
            size = int(found.group(1)) * _SIZES[found.group(2).lower()]
            return number(convert(size, "B", setting.unit))
    elif kind(setting.unit) == "time":
        if re.fullmatch(rf"({_TIME_PART}\s*)+", text):
            parts = re.findall(_TIME_PART, text)
            milliseconds = sum(int(amount) * _TIMES[letter] for amount, letter in parts)
            return number(convert(Fraction(milliseconds), "ms", setting.unit))
    elif re.fullmatch(r"0|-?[1-9]\d*", text):
        return int(text)
    return text
