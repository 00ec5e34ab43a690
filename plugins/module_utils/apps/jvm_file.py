# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of ours in a file that has others, or that is ours alone; what was before beside them. Pure.

# evolve.vm, begin: {"heap": {"is": "536870912", "was": "402653184"}}
-Xms512m
-Xmx512m
# evolve.vm, end
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Mapping, NamedTuple, Sequence

_BEGIN = "# evolve.vm, begin"
_END = "# evolve.vm, end\n"
_ALONE = " (the whole file)"
_BROKEN = " (with the end of the line before)"
_BLOCK = re.compile(
    rf"{re.escape(_BEGIN)}(?P<how>{re.escape(_ALONE)}|{re.escape(_BROKEN)}|): (?P<record>\{{.*\}})\n"
    rf"(?:.*\n)*?{re.escape(_END)}"
)


class Deviation(NamedTuple):
    """A setting of ours, in the JVM's own units, and what was in force before it."""

    value: str
    was: str


def deviations(content: bytes | None) -> dict[str, Deviation]:
    """Setting -> what an earlier call has put there."""
    found = _BLOCK.search(_text(content))
    record = json.loads(found["record"]) if found else {}
    return {name: Deviation(each["is"], each["was"]) for name, each in record.items()}


def original(content: bytes | None) -> bytes | None:
    """What the file held before the first change; None where it was not there."""
    text = _text(content)
    found = _BLOCK.search(text)
    if content is None or found is None:
        return content
    before, after = text[: found.start()], text[found.end() :]
    if found["how"] == _ALONE and not before and not after:
        return None
    if found["how"] == _BROKEN and before.endswith("\n"):
        before = before[:-1]
    return (before + after).encode("utf-8", "surrogateescape")


def rendered(content: bytes | None, ours: Mapping[str, Deviation], lines: Sequence[str]) -> bytes | None:
    """An original content with our lines at its end."""
    if not ours:
        return content
    text = _text(content)
    how = _ALONE if content is None else _BROKEN if text and not text.endswith("\n") else ""
    record = json.dumps({name: {"is": each.value, "was": each.was} for name, each in sorted(ours.items())})
    block = "".join(f"{line}\n" for line in (f"{_BEGIN}{how}: {record}", *lines)) + _END
    return (text + ("\n" if how == _BROKEN else "") + block).encode("utf-8", "surrogateescape")


def assignment(content: bytes | None, variable: str, options: Sequence[str]) -> str:
    """The line that adds options to a variable of a file for a shell or systemd (EnvironmentFile).

    It repeats what the last assignment says, for systemd knows no $VARIABLE. Raises ValueError where that goes over
    several lines.
    """
    pattern = rf"^[ \t]*(?P<export>export[ \t]+)?{re.escape(variable)}=(?P<value>.*)$"
    found = list(re.finditer(pattern, _text(content), re.MULTILINE))
    present, export = "", ""
    if found:
        export = "export " if found[-1]["export"] else ""
        present = _within_double_quotes(found[-1]["value"].rstrip("\r"))
    return f'{export}{variable}="{" ".join([*([present] if present else []), *options])}"'


def drop_in(variable: str, present: str, options: Sequence[str]) -> list[str]:
    """The lines of a systemd drop-in that has `options` behind what the variable holds without it."""
    value = " ".join([*([present] if present else []), *options])
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return [f"# without it: {present}", "[Service]", f'Environment="{variable}={escaped}"']


def _within_double_quotes(value: str) -> str:
    double = re.match(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$', value)
    if double:
        return double[1].strip()
    try:
        words = shlex.split(value, comments=True)
    except ValueError as error:
        raise ValueError(f"the value of the variable goes over several lines ({error})") from error
    return re.sub(r'([\\"$`])', r"\\\1", words[0]).strip() if words else ""


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "surrogateescape")
