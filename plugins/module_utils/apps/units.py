# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the unit of a parameter to what an application counts in, and back, without losing anything on the way."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Mapping, Union

from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

Number = Union[int, float]

_KINDS: Mapping[str, Mapping[str, Fraction]] = {
    "size": {
        "B": Fraction(1),
        "KiB": Fraction(1024),
        "MiB": Fraction(1024**2),
        "GiB": Fraction(1024**3),
        "TiB": Fraction(1024**4),
    },
    "time": {
        "us": Fraction(1, 10**6),
        "ms": Fraction(1, 1000),
        "s": Fraction(1),
        "min": Fraction(60),
        "h": Fraction(3600),
        "d": Fraction(86400),
    },
    # A share is a part of one: 20 % of it is 0.2.
    "share": {"%": Fraction(1, 100), "share": Fraction(1)},
}
UNITS: Mapping[str, Fraction] = {unit: size for kind in _KINDS.values() for unit, size in kind.items()}
"""Unit -> how many bytes, seconds or wholes it is."""


class UnitError(Exception):
    """A value cannot be had in the unit asked for; the text says why, as a sentence without its end."""


def kind(unit: str) -> str:
    """What is measured in this unit: size, time or share; empty for no unit. Raises UnitError for others."""
    for name, units in _KINDS.items():
        if unit in units:
            return name
    if unit:
        raise UnitError(f"{unit} is not a unit known here ({', '.join(UNITS)}).{did_you_mean(unit, UNITS)}".rstrip("."))
    return ""


def exact(value: object) -> Fraction:
    """A number as it is written: 0.1 is one tenth. Raises UnitError for anything else."""
    if isinstance(value, bool):
        raise UnitError(f"found {str(value).lower()}, expected a number")
    if isinstance(value, Fraction):
        return value
    try:
        return Fraction(Decimal(str(value).strip()))
    except (InvalidOperation, ValueError, OverflowError):
        raise UnitError(f"found {value!r}, expected a number") from None


def convert(value: object, unit: str, to: str) -> Fraction:
    """`value`, which is in `unit`, in the unit `to`. Raises UnitError where one is a size and the other a time."""
    number = exact(value)
    if unit == to:
        return number
    if not unit or not to or kind(unit) != kind(to):
        raise UnitError(f"{_with_unit(value, unit)} cannot be said in {to or 'a bare number'}")
    return number * UNITS[unit] / UNITS[to]


def whole(value: object, unit: str, to: str, step: int = 1) -> int:
    """As `convert`, where the application counts in whole `to`, or in so many of them at a time.

    Raises UnitError, with the nearest values that can be had, where that cannot hold the value.
    """
    converted = convert(value, unit, to) / step
    if converted.denominator == 1:
        return int(converted) * step
    below = int(converted // 1)
    near = [_with_unit(number(convert(each * step, to, unit)), unit) for each in (below, below + 1)]
    counted = f"{to or '1'}" if step == 1 else f"{step} {to}".rstrip()
    raise UnitError(f"{_with_unit(value, unit)} is not a multiple of {counted}; the nearest are {' and '.join(near)}")


def number(value: Fraction) -> Number:
    """A plain number: an int where it is whole."""
    return int(value) if value.denominator == 1 else float(value)


def _with_unit(value: object, unit: str) -> str:
    return f"{value} {unit}".rstrip()
