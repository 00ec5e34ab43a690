# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a redis.conf: what it sets, and changes in place that can be undone to the byte. Pure.

# evolve.vm, in place of: maxmemory 100mb
# evolve.vm:
maxmemory 67108864
"""

from __future__ import annotations

import re
from typing import Iterable, Mapping, Sequence

_REPLACED = "# evolve.vm, in place of: "
_OURS = "# evolve.vm:\n"
# Behind a last line that had no end.
_OURS_AFTER_BROKEN = "# evolve.vm, having ended the line before:\n"
_MARKS = (_OURS, _OURS_AFTER_BROKEN)

# Each of their lines adds to what the others say.
_CUMULATIVE = {"save": 2, "client-output-buffer-limit": 4}
# Their words are words; those of others are one text, in quotes.
_WORDS = {*_CUMULATIVE, "bind", "oom-score-adj-values", "latency-tracking-info-percentiles"}


def words(line: str) -> list[str]:
    """A line as Redis takes it apart (sdssplitargs); empty for a comment, or what it would refuse."""
    text = line.strip()
    if not text or text.startswith("#"):
        return []
    found = re.findall(r'"((?:[^"\\]|\\.)*)"(?=\s|$)|\'((?:[^\'\\]|\\\')*)\'(?=\s|$)|([^\s"\']+)', text)
    return [_unescaped(double) if double else single.replace("\\'", "'") or bare for double, single, bare in found]


def name_of(line: str) -> str:
    """The directive of a line, in small letters; empty where there is none."""
    return next(iter(words(line)), "").lower()


def last_value(text: str, name: str) -> str | None:
    """What the last line of a directive says, with single spaces; None where there is none."""
    values = [words(line)[1:] for line in text.splitlines() if name_of(line) == name]
    return " ".join(values[-1]) if values else None


def lines_for(name: str, value: str) -> list[str]:
    """How a file says a value that CONFIG GET shows."""
    if name not in _WORDS:
        return [f"{name} {_quoted(value)}"]
    found = value.split()
    if not found:
        return [f'{name} ""']
    step = _CUMULATIVE.get(name, len(found))
    return [" ".join([name, *found[start : start + step]]) for start in range(0, len(found), step)]


def ours(text: str) -> dict[str, list[str]]:
    """Directive -> its lines that an earlier call has put there."""
    found: dict[str, list[str]] = {}
    lines = text.splitlines(keepends=True)
    for mark, line in zip(lines, lines[1:]):
        if mark in _MARKS:
            found.setdefault(name_of(line), []).append(line.rstrip("\n"))
    return found


def original(text: str) -> str:
    """The text without anything of ours, as it was before the first change."""
    kept: list[str] = []
    lines = iter(text.splitlines(keepends=True))
    for line in lines:
        if line in _MARKS:
            next(lines, "")
            if line == _OURS_AFTER_BROKEN and kept:
                kept[-1] = kept[-1][:-1]
        elif line.startswith(_REPLACED):
            kept.append(line[len(_REPLACED) :])
        else:
            kept.append(line)
    return "".join(kept)


def rendered(text: str, deviations: Mapping[str, Sequence[str]]) -> str:
    """An original text with other lines for some directives: in the place of theirs, or at the end."""
    lines = text.splitlines(keepends=True)
    last_include = max((number for number, line in enumerate(lines) if name_of(line) == "include"), default=-1)
    at_end: list[str] = []
    for name, new in deviations.items():
        places = [number for number, line in enumerate(lines) if name_of(line) == name]
        # What is included later would count more.
        in_place = bool(places) and places[-1] > last_include
        if in_place:
            lines[places[-1]] = _marked(new) + _REPLACED + lines[places[-1]]
        else:
            at_end += new
        for number in places[:-1] if in_place else places:
            lines[number] = _REPLACED + lines[number]
    return "".join(lines) + _at_end(lines, at_end)


def _at_end(lines: Sequence[str], new: Sequence[str]) -> str:
    if not new:
        return ""
    if lines and not lines[-1].endswith("\n"):
        return "\n" + _OURS_AFTER_BROKEN + new[0] + "\n" + _marked(new[1:])
    return _marked(new)


def _marked(lines: Iterable[str]) -> str:
    return "".join(f"{_OURS}{line}\n" for line in lines)


def _quoted(value: str) -> str:
    if re.fullmatch(r"[^\s\"'#\\]+", value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unescaped(text: str) -> str:
    codes = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "a": "\a"}

    def one(found: re.Match[str]) -> str:
        code = found.group(1)
        return chr(int(code[1:], 16)) if len(code) == 3 else codes.get(code, code)

    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", one, text)
