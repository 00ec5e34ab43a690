# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading JSON that a tool printed: strictly, and without any other error than BenchmarkError. Pure."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, last_lines

#: Longer numbers are none: 2**64 has 20 digits, and tools write a dozen decimals.
_LONGEST_NUMBER = 40
#: Stands for the value of a key that an object has twice: whoever wants to read it is refused.
_TWICE = object()


class Document:
    """A JSON object inside of what `tool` printed. `where` is the path to it, for messages: end.sum_received."""

    def __init__(self, content: dict[str, Any], tool: str, where: str = "") -> None:
        self.content = content
        self.tool = tool
        self.where = where

    def refuse(self, problem: str) -> NoReturn:
        """Raise the error for something that is wrong in this object."""
        raise BenchmarkError(f"{self.tool}'s output is not what it should be: {self.where or 'it'} {problem}")

    def path(self, key: str) -> str:
        """The path to a key."""
        return f"{self.where}.{key}" if self.where else key

    def object(self, key: str) -> Document:
        """The object under a key."""
        found = self.content.get(key)
        if not isinstance(found, dict):
            self.refuse(f"has {_shown(found)} for {key!r}, expected an object")
        return Document(found, self.tool, self.path(key))

    def objects(self, key: str) -> list[Document]:
        """The objects in the list under a key, at least one."""
        found = self.content.get(key)
        if not isinstance(found, list) or not found or not all(isinstance(entry, dict) for entry in found):
            self.refuse(f"has {_shown(found)} for {key!r}, expected a list of objects")
        return [Document(entry, self.tool, f"{self.path(key)}[{number}]") for number, entry in enumerate(found)]

    def number(self, key: str) -> float:
        """The number of at least 0 under a key."""
        found = self.content.get(key)
        if isinstance(found, bool) or not isinstance(found, (int, float)) or found < 0:
            self.refuse(f"has {_shown(found)} for {key!r}, expected a number of at least 0")
        return float(found)

    def positive(self, key: str) -> float:
        """The number above 0 under a key."""
        number = self.number(key)
        if number == 0:
            raise BenchmarkError(f"{self.tool} measured nothing: {self.path(key)} is 0")
        return number

    def text(self, key: str) -> str:
        """The text under a key."""
        found = self.content.get(key)
        if not isinstance(found, str):
            self.refuse(f"has {_shown(found)} for {key!r}, expected a text")
        return found

    def same(self, printed: float, computed: float, what: str, tolerance: float = 0.01, rounding: float = 0.0) -> None:
        """Raise the error for an output that says two things, unless these two numbers are about the same."""
        if abs(printed - computed) > rounding + tolerance * max(abs(printed), abs(computed)):
            where = self.where or "it"
            raise BenchmarkError(
                f"{self.tool}'s output contradicts itself: {where} has {printed:g} where {what} is {computed:g}"
            )


def document(output: str, tool: str) -> Document:
    """The one JSON object that begins a line of an output; tools may print remarks before and after it.

    Raises BenchmarkError for none and for two of them, and for numbers that are none.
    """
    starts = [match.start() for match in re.finditer(r"^\{", output, re.MULTILINE)]
    if len(starts) != 1:
        found = f"{len(starts)} JSON objects" if starts else "no JSON object"
        raise BenchmarkError(f"{tool} printed {found}, expected one." + last_lines(output))
    try:
        content, dummy = _DECODER.raw_decode(output, starts[0])
    except (ValueError, RecursionError) as error:
        reason = "too deep" if isinstance(error, RecursionError) else str(error)
        raise BenchmarkError(f"{tool} printed JSON that is torn or wrong: {reason}." + last_lines(output)) from None
    return Document(content, tool)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        # Not an error of the whole: iperf3 up to 3.13 repeats the sizes of buffers for each stream.
        found[key] = _TWICE if key in found else value
    return found


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _decimal(text: str) -> float:
    number = float(text) if len(text) <= _LONGEST_NUMBER else math.inf
    if not math.isfinite(number):
        raise ValueError(f"{text[:_LONGEST_NUMBER]} is no number")
    return number


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _shown(found: Any) -> str:
    return "nothing" if found is None else "two values" if found is _TWICE else repr(found)[:60]


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_whole, parse_float=_decimal, parse_constant=_constant, strict=False
)
