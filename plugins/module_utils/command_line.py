# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel command line as text: reading and setting single words of it, while all the others stay as they stand.

As the kernel reads it (lib/cmdline.c, next_arg): blanks between double quotes belong to the word, there is no escape,
in names dashes and underscores are the same, and everything behind the word -- is for init.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Union

BootValue = Union[bool, int, float, str]

ABSENT = "default"
"""The value that stands for no word at all, as false does."""

_WORD = re.compile(r'(?:"[^"]*"?|[^\s"])+')
_NAME = re.compile(r'[^\s"=]+\Z')
_WHOLE = re.compile(r"(?:0|-?[1-9][0-9]*)\Z")


class Word(NamedTuple):
    """One word for the kernel, and where in the line it stands."""

    name: str
    value: str | None
    """The text behind the equals sign without quotes; None of a bare word."""
    start: int
    end: int


def words(line: str) -> list[Word]:
    """The words meant for the kernel, in order."""
    found = []
    for match in _WORD.finditer(line):
        text = match.group()
        if text == "--":
            break
        # The quotes may stand around the whole word or around its value.
        bare = text[1:-1] if len(text) > 1 and text.startswith('"') and text.endswith('"') else text
        name, equals, value = bare.partition("=")
        if len(value) > 1 and value.startswith('"') and value.endswith('"'):
            value = value[1:-1]
        found.append(Word(_plain(name), value if equals else None, match.start(), match.end()))
    return found


def name_fault(name: str) -> str:
    """What is wrong with the name of a boot parameter; empty when nothing is."""
    return "" if _NAME.match(name) and name != "--" else "names no kernel parameter"


def value_fault(value: Any) -> str:
    """What is wrong with a value for a boot parameter; empty when nothing is."""
    if isinstance(value, (bool, int, float)):
        return ""
    if isinstance(value, str):
        if '"' in value or any(not each.isprintable() for each in value):
            return (
                f"found {value!r}, and a kernel command line can hold neither quotes nor control characters in a value"
            )
        return ""
    return f"found {value!r}, expected true, false, a number or a text"


def occurrences(line: str, name: str) -> int:
    """How many words of this name there are."""
    return sum(word.name == _plain(name) for word in words(line))


def read(line: str, name: str) -> BootValue:
    """The value in force: of several words the last one's; true for a bare word, false where there is none."""
    value: BootValue = False
    for word in words(line):
        if word.name == _plain(name):
            value = True if word.value is None else int(word.value) if _WHOLE.match(word.value) else word.value
    return value


def equal(first: BootValue, second: BootValue) -> bool:
    """Whether two values make the same word."""
    return _spelt("x", first) == _spelt("x", second)


def edit(line: str, name: str, value: BootValue) -> str:
    """`line` with this value; the identical line when it has it. Of several words of that name the last one changes.

    A new word comes last, but before those for init.
    """
    if equal(read(line, name), value):
        return line
    same = [word for word in words(line) if word.name == _plain(name)]
    spelt = _spelt(name, value)
    if not spelt:
        for word in reversed(same):
            line = _without(line, word)
        return line
    if same:
        # The name stays as its owner has spelt it.
        own = re.match(r'"?([^\s"=]+)', line[same[-1].start :])
        spelt = _spelt(own.group(1) if own else name, value)
        return line[: same[-1].start] + spelt + line[same[-1].end :]
    for match in _WORD.finditer(line):
        if match.group() == "--":
            return f"{line[: match.start()]}{spelt} {line[match.start() :]}"
    return f"{line.rstrip()} {spelt}" if line.strip() else spelt


def _without(line: str, word: Word) -> str:
    before, after = line[: word.start], line[word.end :]
    return before.rstrip() if not after.strip() else before + after.lstrip()


def _spelt(name: str, value: BootValue) -> str:
    if value is True:
        return name
    if value is False or value == ABSENT:
        return ""
    text = str(value)
    return f'{name}="{text}"' if re.search(r"\s", text) else f"{name}={text}"


def _plain(name: str) -> str:
    return name.replace("-", "_")
