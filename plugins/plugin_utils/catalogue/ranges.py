# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The range of a numeric parameter on a given machine: ends may be expressions over facts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.facts import FACTS, Facts, number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import LARGEST, is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.expressions import ExpressionError, parse
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import listing

# What is left of a number after arithmetic with fractions: 0.1 * 30 is 3.
_ROUNDING = 1e-9


class RangeError(ValueError):
    """A range that cannot be had on this machine; the text says why, for people."""


class NothingVariesError(RangeError):
    """On this machine the range holds a single value."""


@dataclass(frozen=True)
class Range:
    """Both ends as numbers, and where those that were not stated as numbers come from, for people."""

    low: float
    high: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class _End:
    value: float
    reason: str = ""


def is_range(specification: Mapping[str, Any]) -> bool:
    """Whether there is a range of two ends, be they numbers or expressions. What else there is the engine refuses."""
    ends = specification.get("range")
    return isinstance(ends, list) and len(ends) == 2 and all(is_number(end) or isinstance(end, str) for end in ends)


def facts_in(end: Any) -> frozenset[str]:
    """The facts that an end speaks of; none where it is no readable expression."""
    try:
        return parse(end).names if isinstance(end, str) else frozenset()
    except ExpressionError:
        return frozenset()


def resolve(
    specification: Mapping[str, Any], facts: Facts, minimum: Any = None, ceiling: tuple[str, float] | None = None
) -> Range:
    """The ends as numbers of the parameter's type and step: low ones rounded up, high ones down.

    minimum: what the application needs, a number or an expression. ceiling: what the machine can have, and its name.
    RangeError where nothing is left, or an end has no value.
    """
    low, high = (_end(end, facts) for end in specification["range"])
    step = _step(specification)
    reasons = [low.reason, high.reason]
    bottom, top = low.value, high.value
    if low.reason and step:
        bottom = _tidy(math.ceil(bottom / step - _ROUNDING) * step)
    if minimum is not None:
        least = _end(minimum, facts, "minimum")
        if least.value > bottom:
            bottom = (
                _tidy(bottom + math.ceil((least.value - bottom) / step - _ROUNDING) * step) if step else least.value
            )
            reasons[0] = least.reason or f"minimum {number(least.value)}"
    if ceiling is not None and ceiling[1] < top:
        top = ceiling[1]
        reasons[1] = f"{ceiling[0]} = {number(top)}"
    stated = tuple(reason for reason in reasons if reason)
    if stated and step:
        top = _tidy(bottom + math.floor((top - bottom) / step + _ROUNDING) * step)
    if stated and top < bottom:
        beyond = number(high.value if ceiling is None else min(high.value, ceiling[1]))
        raise RangeError(f"nothing is left from {number(bottom)} to {beyond} on this machine: {'; '.join(stated)}")
    if stated and top == bottom:
        raise NothingVariesError(f"nothing can vary on this machine, only {number(top)} is left: {'; '.join(stated)}")
    if specification.get("type") == "int" and all(float(end).is_integer() for end in (bottom, top)):
        bottom, top = int(bottom), int(top)
    return Range(bottom, top, stated)


def _step(specification: Mapping[str, Any]) -> float:
    step = specification.get("step", 1 if specification.get("type") == "int" else 0)
    return step if is_number(step) and step > 0 else 0


def _tidy(value: float) -> float:
    return float(f"{value:.12g}")


def _end(end: Any, facts: Facts, what: str = "an end of a range") -> _End:
    if is_number(end):
        return _End(end)
    if not isinstance(end, str):
        raise RangeError(f"found {end!r} as {what}, expected a number, or an expression over facts")
    try:
        expression = parse(end)
        if problem := _unknown(expression.names):
            raise RangeError(f"{end}: {problem}")
        if lacking := sorted(expression.names - facts.keys()):
            raise RangeError(
                f"{end}: {listing(lacking)} could not be found out on this machine; state {what} as a number"
            )
        value = expression.number(facts)
    except ExpressionError as error:
        raise RangeError(f"{end}: {error}") from None
    if abs(value) > LARGEST:
        raise RangeError(f"{end} = {value:g} is too large a number")
    used = [f"{name} = {number(facts[name])}" for name in sorted(expression.names)]
    if not used:
        return _End(value)
    # An end that is a fact and nothing else says its value already.
    whole = f"{end.strip()} = {number(value)}"
    return _End(value, whole if [whole] == used else f"{whole}, as {listing(used)}")


def _unknown(names: frozenset[str]) -> str:
    """What is wrong with the names that an end speaks of, if anything."""
    unknown = sorted(names - FACTS.keys())
    if not unknown:
        return ""
    hints = "".join(did_you_mean(name, FACTS) for name in unknown)
    return (
        f"a range may speak of facts only ({listing(FACTS)}), not of {listing(unknown)}.{hints} "
        "How parameters depend on each other is said by a constraint."
    )
