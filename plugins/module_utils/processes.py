# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel says of a process (proc(5), /proc/PID/stat)."""

from __future__ import annotations

from typing import NamedTuple


class Stat(NamedTuple):
    """started: in ticks since boot, which tells a process from a later one of the same number."""

    state: str
    parent: int
    group: int
    started: int


def stat_of(pid: int) -> Stat | None:
    """None where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # Behind the name, in which there may be anything.
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return Stat(fields[0], int(fields[1]), int(fields[2]), int(fields[19])) if len(fields) > 19 else None
