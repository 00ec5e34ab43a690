# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of our own beside those of an application: what deviates from them, and beside each line what it replaced.

    work_mem = '8MB'  # was "4096"

Pure: text in, text out. For applications that read `name = value` and take # for the beginning of a comment.
"""

from __future__ import annotations

import json
import re
from typing import Mapping, NamedTuple, Sequence

HEAD = (
    "# Written by evolve.vm, anew with every configuration that it applies.",
    "# was: what had been in force before the first of them. Giving that back removes the line, in the end the file.",
)
_LINE = re.compile(r"^(?P<name>[^\s=#\[]+) = (?P<text>.*?)  # was (?P<was>unknown|\".*\")$")


class Line(NamedTuple):
    """text: the value as it stands in the file. was: the value before, as the application shows it; None: unknown."""

    text: str
    was: str | None


def lines(content: bytes | None) -> dict[str, Line]:
    """Name -> line of a file that `rendered` has made; what others have added to it is not there."""
    found: dict[str, Line] = {}
    for text in (content or b"").decode("utf-8", "surrogateescape").splitlines():
        match = _LINE.match(text)
        if match:
            was = None if match["was"] == "unknown" else str(json.loads(match["was"]))
            found[match["name"]] = Line(match["text"], was)
    return found


def rendered(deviations: Mapping[str, Line], section: str = "") -> bytes | None:
    """The file; None where nothing deviates. section: a line to come before them, such as [mysqld]."""
    if not deviations:
        return None
    body = [
        f"{name} = {line.text}  # was {'unknown' if line.was is None else json.dumps(line.was)}"
        for name, line in sorted(deviations.items())
    ]
    text: Sequence[str] = [*HEAD, *([section] if section else []), *body, ""]
    return "\n".join(text).encode("utf-8", "surrogateescape")


def including(content: bytes, line: str, wanted: bool) -> bytes:
    """A file of the application with the line, which includes ours, at its end; or without it, as it was before."""
    # In a line of its own, for not every application takes a comment behind what it includes. Where the last line had
    # no end, ours says so, for the very bytes to come back.
    with_end = f"# Added by evolve.vm:\n{line}\n".encode()
    without = f"\n# Added by evolve.vm, after a line without an end:\n{line}\n".encode()
    for added in (without, with_end):
        if content.endswith(added):
            content = content[: -len(added)]
            break
    if not wanted:
        return content
    return content + (without if content and not content.endswith(b"\n") else with_end)
