# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters: what one gene may be, how it is drawn, moved and checked.

Numeric parameters live on a grid (`step`) between `low` and `high`; `unit` coordinates in [0, 1] follow the scale
(linear or log), so that a move of a given size means the same everywhere on the range. Special values (such as -1 for
"automatic") stand outside the range and are drawn and mutated on their own.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import LARGEST, is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.expressions import Expression, ExpressionError, parse
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing, suggestion

if TYPE_CHECKING:
    from numpy.random import Generator

TYPES = ("int", "float", "choice", "bool")
_COMMON = {"type", "default", "when", "description", "unit"}
_KEYS = {
    "int": _COMMON | {"range", "step", "scale", "special"},
    "float": _COMMON | {"range", "step", "scale", "special"},
    "choice": _COMMON | {"values", "ordered"},
    "bool": _COMMON,
}
# Share of draws that fall on a special value, and of mutations that jump to one.
# Kind of the gene of a value that the parameter does not know (a machine's present one may be such).
UNKNOWN = -2
_SPECIAL_SHARE = 0.15


@dataclass(frozen=True)
class Parameter(ABC):
    """One thing that can vary. `when` (may be None) says in which configurations it is active."""

    name: str
    default: Any = None
    when: Expression | None = None
    description: str = ""
    unit: str = ""

    @property
    @abstractmethod
    def size(self) -> float:
        """Number of distinct values; infinity where there is no grid."""

    @abstractmethod
    def problem(self, value: Any) -> str:
        """Why `value` is not acceptable, or an empty string."""

    @abstractmethod
    def to_unit(self, value: Any) -> float:
        """Position of a value in [0, 1]; values outside the range (a machine's present one may be) are clipped."""

    @abstractmethod
    def from_unit(self, position: float) -> Any:
        """The value at a position in [0, 1]."""

    def nearest(self, value: Any, rng: Generator) -> Any:
        """The acceptable value nearest to `value`, which may be anything; a random one where nothing is near."""
        return self.from_unit(rng.random()) if self.problem(value) else value

    @abstractmethod
    def mutate(self, value: Any, rng: Generator, sigma: float) -> Any:
        """A different value near `value`; `sigma` is the typical distance in unit coordinates."""

    @abstractmethod
    def gene(self, value: Any) -> tuple[int, float]:
        """Kind and position of a value: as far from others of its kind as their positions (0 to 1), from the rest 1."""

    def values(self) -> list[Any]:
        """All values, in order. Only for parameters whose `size` is finite."""
        count = int(self.size)
        return [self.from_unit((i + 0.5) / count) for i in range(count)]


@dataclass(frozen=True)
class NumericParameter(Parameter):
    """An int or float on [low, high]; `step` 0 means continuous."""

    low: float = 0.0
    high: float = 1.0
    step: float = 0.0
    log: bool = False
    integer: bool = False
    special: tuple[Any, ...] = ()

    @cached_property
    def _grid(self) -> int:
        """Number of grid points between low and high, 0 where continuous."""
        return math.floor((self.high - self.low) / self.step + 1e-9) + 1 if self.step else 0

    @property
    def size(self) -> float:
        return float(self._grid + len(self.special)) if self.step else math.inf

    def values(self) -> list[Any]:
        return [*self.special, *(self._typed(self.low + i * self.step) for i in range(self._grid))]

    def problem(self, value: Any) -> str:
        if value in self.special and not isinstance(value, bool):
            return ""
        if isinstance(value, bool) or not isinstance(value, int if self.integer else (int, float)):
            return f"found {value!r}, expected {'a whole number' if self.integer else 'a number'}"
        if not self.low <= value <= self.high:
            also = f", or one of {listing(self.special)}" if self.special else ""
            return f"found {value!r}, expected {self._typed(self.low)} to {self._typed(self.high)}{also}"
        if self.step and abs(value - (near := self._snap(value))) > 1e-9 * max(1.0, abs(value)):
            return f"found {value!r}, expected steps of {self.step:g} from {self._typed(self.low)}; nearest {near}"
        return ""

    def to_unit(self, value: Any) -> float:
        if not is_number(value):
            return 0.5
        start, end = self._ends
        clipped = min(max(float(value), self.low), self.high)
        position = (math.log(clipped) if self.log else clipped) - start
        return min(position / (end - start), 1.0)

    def gene(self, value: Any) -> tuple[int, float]:
        if not is_number(value):
            return UNKNOWN, 0.0
        if value in self.special:
            return 1 + self.special.index(value), 0.0
        ends = [math.log(end) for end in (self.low, self.high)] if self.log else [self.low, self.high]
        clipped = min(max(float(value), self.low), self.high)
        return 0, ((math.log(clipped) if self.log else clipped) - ends[0]) / (ends[1] - ends[0])

    @cached_property
    def _ends(self) -> tuple[float, float]:
        """What positions 0 and 1 stand for, as logarithms on a log scale.

        They lie half a step beyond the outermost grid points, so that these get as large a share as the others.
        """
        half = self.step / 2.0
        top = self.low + (self._grid - 1) * self.step if self.step else self.high
        if self.log:
            return 2.0 * math.log(self.low) - math.log(self.low + half), math.log(top + half)
        return self.low - half, top + half

    def from_unit(self, position: float) -> Any:
        # Stretched by the share of special values, so that uniform positions draw each of them now and then.
        if self.special:
            if position < _SPECIAL_SHARE:
                index = int(max(position, 0.0) / _SPECIAL_SHARE * len(self.special))
                return self.special[min(index, len(self.special) - 1)]
            position = (position - _SPECIAL_SHARE) / (1.0 - _SPECIAL_SHARE)
        return self.at(position)

    def at(self, position: float) -> Any:
        """The grid value at a position of the range itself, special values left aside."""
        start, end = self._ends
        value = start + min(max(position, 0.0), 1.0) * (end - start)
        return self._snap(math.exp(value) if self.log else value)

    def _snap(self, value: float) -> Any:
        if self.step:
            index = min(max(round((value - self.low) / self.step), 0), self._grid - 1)
            value = self.low + index * self.step
        return self._typed(value)

    def _typed(self, value: float) -> Any:
        # Twelve digits, so that 0.1 + 0.2 reads 0.3; the ends of the range may have more.
        rounded = round(value) if self.integer else float(f"{value:.12g}")
        return type(rounded)(min(max(rounded, self.low), self.high))

    def nearest(self, value: Any, rng: Generator) -> Any:
        if not self.problem(value):
            return value
        return self.at(self.to_unit(value)) if is_number(value) else self.from_unit(rng.random())

    def mutate(self, value: Any, rng: Generator, sigma: float) -> Any:
        if self.special:
            others = [s for s in self.special if s != value]
            if value in self.special and (not others or rng.random() < 0.5):
                return self.at(rng.random())
            if others and rng.random() < _SPECIAL_SHARE:
                return others[int(rng.integers(len(others)))]
        # Moves beyond an end of the range are reflected back into it.
        position = (self.to_unit(value) + rng.normal(0.0, sigma)) % 2.0
        moved = self.at(min(position, 2.0 - position))
        return moved if moved != value else self._neighbour(value, rng)

    def _neighbour(self, value: Any, rng: Generator) -> Any:
        """The next grid point up or down, for moves too small to leave the one they stand on."""
        if not self.step or self._grid < 2:
            return self.at(rng.random())
        index = round((min(max(float(value), self.low), self.high) - self.low) / self.step)
        candidates = [i for i in (index - 1, index + 1) if 0 <= i < self._grid]
        return self._typed(self.low + candidates[int(rng.integers(len(candidates)))] * self.step)


@dataclass(frozen=True)
class ChoiceParameter(Parameter):
    """One of `choices`; where they are `ordered`, mutation moves to neighbours."""

    choices: tuple[Any, ...] = ()
    ordered: bool = False

    @property
    def size(self) -> float:
        return float(len(self.choices))

    def _index(self, value: Any) -> int:
        """Position among the choices, -1 if absent."""
        # Types must agree as well: in Python True == 1, and YAML's unquoted "off" is False.
        matches = (value == c and isinstance(value, bool) == isinstance(c, bool) for c in self.choices)
        return next((index for index, match in enumerate(matches) if match), -1)

    def problem(self, value: Any) -> str:
        if self._index(value) >= 0:
            return ""
        hint = " (YAML reads unquoted on/off/yes/no as booleans: quote them)" if isinstance(value, bool) else ""
        return f"found {value!r}, expected one of {listing(map(repr, self.choices))}{hint}"

    def to_unit(self, value: Any) -> float:
        return (max(self._index(value), 0) + 0.5) / len(self.choices)

    def gene(self, value: Any) -> tuple[int, float]:
        index = self._index(value)
        if index < 0:
            return UNKNOWN, 0.0
        return (0, index / (len(self.choices) - 1)) if self.ordered else (index, 0.0)

    def from_unit(self, position: float) -> Any:
        return self.choices[min(max(int(position * len(self.choices)), 0), len(self.choices) - 1)]

    def mutate(self, value: Any, rng: Generator, sigma: float) -> Any:
        index = self._index(value)
        others = [i for i in range(len(self.choices)) if i != index]
        if self.ordered and index >= 0:
            reach = max(1, round(abs(rng.normal(0.0, sigma)) * len(self.choices)))
            others = [i for i in others if abs(i - index) <= reach]
        return self.choices[others[int(rng.integers(len(others)))]]


@dataclass(frozen=True)
class BoolParameter(Parameter):
    """True or false."""

    @property
    def size(self) -> float:
        return 2.0

    def problem(self, value: Any) -> str:
        return "" if isinstance(value, bool) else f"found {value!r}, expected true or false"

    def to_unit(self, value: Any) -> float:
        return 0.75 if value else 0.25

    def gene(self, value: Any) -> tuple[int, float]:
        return int(bool(value)), 0.0

    def from_unit(self, position: float) -> bool:
        return position >= 0.5

    def mutate(self, value: Any, rng: Generator, sigma: float) -> bool:
        return not value


def read(name: str, specification: Any, faults: list[Fault], when: Expression | None = None) -> Parameter | None:
    """The parameter a user described, or None with what is wrong added to `faults`; its condition was read before."""
    before = len(faults)
    if not isinstance(specification, Mapping):
        faults.append(Fault(name, f"found {specification!r}, expected a mapping such as {{type: int, range: [1, 8]}}"))
        return None
    kind = specification.get("type")
    if kind not in TYPES:
        faults.append(
            Fault(f"{name}.type", f"found {kind!r}, expected one of {listing(TYPES)}.{suggestion(str(kind), TYPES)}")
        )
        return None
    for key in specification:
        if key not in _KEYS[kind]:
            accepted = sorted(_KEYS[kind])
            faults.append(
                Fault(
                    f"{name}.{key}",
                    f"unknown key for type {kind}; accepted: {listing(accepted)}.{suggestion(str(key), accepted)}",
                )
            )
    common: dict[str, Any] = {
        "name": name,
        "when": when,
        "description": str(specification.get("description", "")),
        "unit": str(specification.get("unit", "")),
    }
    shape = len(faults)
    parameter: Parameter | None
    if kind == "bool":
        parameter = BoolParameter(**common)
    elif kind == "choice":
        parameter = _read_choice(name, specification, common, faults)
    else:
        parameter = _read_numeric(name, specification, common, faults)
    if parameter is not None and len(faults) == shape:
        parameter = _with_default(parameter, specification, faults)
    return parameter if len(faults) == before else None


def _with_default(parameter: Parameter, specification: Mapping[str, Any], faults: list[Fault]) -> Parameter:
    if "default" not in specification:
        return parameter
    default = specification["default"]
    if problem := parameter.problem(default):
        faults.append(Fault(f"{parameter.name}.default", problem))
    return replace(parameter, default=default)


def read_when(name: str, specification: Any, faults: list[Fault]) -> Expression | None:
    """The condition of a parameter, None where it states none or what it states cannot be read."""
    if not isinstance(specification, Mapping) or "when" not in specification:
        return None
    try:
        return parse(specification["when"])
    except ExpressionError as error:
        faults.append(Fault(f"{name}.when", str(error)))
        return None


def _read_choice(
    name: str, specification: Mapping[str, Any], common: dict[str, Any], faults: list[Fault]
) -> Parameter | None:
    values = specification.get("values")
    if not isinstance(values, (list, tuple)) or len(values) < 2:
        faults.append(Fault(f"{name}.values", f"found {values!r}, expected a list of at least two values"))
        return None
    scalars = [v for v in values if isinstance(v, (str, bool)) or is_number(v)]
    if len(scalars) < len(values):
        others = [v for v in values if v not in scalars]
        faults.append(
            Fault(f"{name}.values", f"found {listing(map(repr, others))}, expected texts, numbers and booleans only")
        )
    if repeated := _repeated(scalars):
        faults.append(Fault(f"{name}.values", f"stated more than once: {listing(repeated)}"))
    ordered = specification.get("ordered", False)
    if not isinstance(ordered, bool):
        faults.append(Fault(f"{name}.ordered", f"found {ordered!r}, expected true or false"))
    return ChoiceParameter(**common, choices=tuple(scalars), ordered=bool(ordered))


def _repeated(values: list[Any]) -> list[Any]:
    keys = [(isinstance(value, bool), value) for value in values]
    return [value for index, value in enumerate(values) if keys[index] in keys[:index]]


def _read_numeric(
    name: str, specification: Mapping[str, Any], common: dict[str, Any], faults: list[Fault]
) -> Parameter | None:
    integer = specification["type"] == "int"
    bounds = specification.get("range")
    if not isinstance(bounds, (list, tuple)) or len(bounds) != 2 or not all(is_number(b) for b in bounds):
        faults.append(
            Fault(f"{name}.range", f"found {bounds!r}, expected two numbers [low, high] of at most {LARGEST}")
        )
        return None
    low, high = bounds
    if integer and not all(float(b).is_integer() for b in bounds):
        faults.append(Fault(f"{name}.range", f"found [{low}, {high}], expected whole numbers for type int"))
    if low > high:
        faults.append(
            Fault(f"{name}.range", f"found [{low}, {high}]: the low end is above the high end; write [{high}, {low}]?")
        )
    elif low == high:
        faults.append(
            Fault(f"{name}.range", f"found [{low}, {high}]: nothing can vary; remove the parameter or widen the range")
        )
    scale = specification.get("scale", "linear")
    if scale not in ("linear", "log"):
        faults.append(Fault(f"{name}.scale", f"found {scale!r}, expected linear or log"))
    elif scale == "log" and low <= 0:
        faults.append(
            Fault(f"{name}.scale", f"log needs a range above 0, found a low end of {low}; state 0 as a special value?")
        )
    step = specification.get("step", 1 if integer else 0)
    if not is_number(step) or step < 0 or ("step" in specification and step == 0):
        faults.append(Fault(f"{name}.step", f"found {step!r}, expected a number above 0"))
    elif low < high and step > (high - low) * (1 + 1e-9):
        faults.append(Fault(f"{name}.step", f"found {step!r}, expected at most {high - low:g}, the width of the range"))
    elif integer and not float(step).is_integer():
        faults.append(Fault(f"{name}.step", f"found {step!r}, expected a whole number for type int"))
    special = _read_special(f"{name}.special", specification.get("special", []), bounds, integer, faults)
    return NumericParameter(
        **common,
        low=float(low),
        high=float(high),
        step=float(step) if is_number(step) else 0.0,
        log=scale == "log",
        integer=integer,
        special=tuple(special),
    )


def _read_special(where: str, special: Any, bounds: Any, integer: bool, faults: list[Fault]) -> list[Any]:
    if not isinstance(special, (list, tuple)) or not all(is_number(s) for s in special):
        faults.append(Fault(where, f"found {special!r}, expected a list of numbers outside the range, such as [-1]"))
        return []
    if integer and not all(float(s).is_integer() for s in special):
        faults.append(Fault(where, f"found {special!r}, expected whole numbers for type int"))
    if inside := [s for s in special if bounds[0] <= s <= bounds[1]]:
        faults.append(Fault(where, f"{listing(inside)} lie within the range already"))
    if repeated := _repeated(list(special)):
        faults.append(Fault(where, f"stated more than once: {listing(repeated)}"))
    return [int(s) if integer else s for s in special]
