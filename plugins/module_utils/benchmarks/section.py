# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading one mapping of a definition, every fault collected instead of the first one raised."""

from __future__ import annotations

import math
import re
import shlex
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import Fault
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean


class Section:
    """A mapping of a definition. Each getter returns a usable value; what was wrong is added to `faults`."""

    def __init__(self, content: Any, where: str, faults: list[Fault]) -> None:
        self.where = where
        self.faults = faults
        if not isinstance(content, Mapping):
            self.fault(None, f"found {content!r}, expected a mapping of options")
            content = {}
        self.content: Mapping[str, Any] = content

    def fault(self, key: str | None, problem: str) -> None:
        """Add a fault of `key`, or of the whole section."""
        self.faults.append(Fault(f"{self.where}.{key}" if key else self.where, problem))

    def subsection(self, key: str) -> Section:
        """The mapping under `key`; empty if there is none."""
        content = self.content.get(key)
        return Section({} if content is None else content, f"{self.where}.{key}", self.faults)

    def integer(self, key: str, default: int, minimum: int, maximum: int = 2**31 - 1) -> int:
        """A whole number; "5" counts as 5, because Jinja templates give text."""
        value = self.content.get(key)
        if value is None:
            return default
        number = _whole(value)
        if number is None or not minimum <= number <= maximum:
            self.fault(key, f"found {value!r}, expected a whole number from {minimum} to {maximum}")
            return default
        return number

    def number(self, key: str, default: float, minimum: float, maximum: float) -> float:
        """A number; "0.5" counts as 0.5, because Jinja templates give text."""
        value = self.content.get(key)
        if value is None:
            return default
        number = _number(value)
        if number is None or not minimum <= number <= maximum:
            self.fault(key, f"found {value!r}, expected a number from {minimum:g} to {maximum:g}")
            return default
        return number

    def flag(self, key: str, default: bool) -> bool:
        """true or false; as text too, because Jinja templates give text."""
        value = self.content.get(key)
        if value is None:
            return default
        if isinstance(value, str) and value.lower() in ("true", "false", "yes", "no"):
            return value.lower() in ("true", "yes")
        if not isinstance(value, bool):
            self.fault(key, f"found {value!r}, expected true or false")
            return default
        return value

    def text(self, key: str, default: str, pattern: str = r".+") -> str:
        """A text of one line that matches `pattern` as a whole; a whole number counts as its digits."""
        value = self.content.get(key)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not re.fullmatch(pattern, value) or "\0" in value:
            expected = "a text of one line" if pattern == r".+" else f"a text that matches {pattern}"
            self.fault(key, f"found {value!r}, expected {expected}")
            return default
        return value

    def command(self, key: str, default: Sequence[str] = ()) -> list[str]:
        """A command: a list of words, or one text, which is split as a shell does it."""
        value = self.content.get(key)
        if value is None:
            return list(default)
        if isinstance(value, str):
            try:
                value = shlex.split(value)
            except ValueError as error:
                self.fault(key, f"found {value!r}, which is no command: {error}")
                return list(default)
        words = [str(word) for word in value] if isinstance(value, (list, tuple)) else []
        if not words or not all(isinstance(word, (str, int, float)) for word in value):
            self.fault(key, f"found {value!r}, expected a command: a text, or a list of words")
            return list(default)
        return words

    def choice(self, key: str, default: str, choices: Sequence[str]) -> str:
        """One word out of `choices`."""
        value = self.content.get(key)
        if value is None:
            return default
        if value not in choices:
            self.fault(key, f"found {value!r}, {_expected(value, choices)}")
            return default
        return str(value)

    def choices(self, key: str, default: Sequence[str], choices: Sequence[str]) -> list[str]:
        """A list of different words out of `choices`, at least one."""
        value = self.content.get(key)
        if value is None:
            return list(default)
        if not isinstance(value, (list, tuple)) or not value:
            self.fault(key, f"found {value!r}, expected a list of: {', '.join(choices)}")
            return list(default)
        wanted: list[str] = []
        for word in value:
            if word not in choices:
                self.fault(key, f"found {word!r}, {_expected(word, choices)}")
            elif word in wanted:
                self.fault(key, f"{word!r} is listed twice")
            else:
                wanted.append(str(word))
        return wanted

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Add a fault for each key that nobody asks for."""
        names = sorted(known)
        for key in self.content:
            if key not in names:
                self.fault(str(key), f"unknown option, {_expected(key, names)}")


def _expected(found: Any, choices: Sequence[str]) -> str:
    return f"expected one of {', '.join(choices)}.{did_you_mean(str(found), choices)}"


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", value):
            return None
        value = float(value)
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return None
