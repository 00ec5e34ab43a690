# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a running nginx: its master, the workers that take requests, and since when."""

from __future__ import annotations

import os
import time
from typing import NamedTuple


class Worker(NamedTuple):
    """A worker process. started: seconds of the clock that file times are told by."""

    pid: int
    started: float


def master(pid_file: str) -> int | None:
    """The process id of the nginx that has written this file; None where it does not run."""
    try:
        with open(pid_file, encoding="ascii") as file:
            pid = int(file.read())
    except (OSError, ValueError):
        return None
    return pid if _title(pid).startswith("nginx: master process") else None


def workers(master_pid: int) -> list[Worker]:
    """Those that take requests: neither those that only end what they have begun, nor helpers."""
    return _children(master_pid, "nginx: worker process")


def leaving(master_pid: int) -> list[Worker]:
    """Those that only end what they have begun."""
    return _children(master_pid, "nginx: worker process is shutting down")


def _children(master_pid: int, title: str) -> list[Worker]:
    found = []
    # The ticks of the system's clock since it was booted, against the clock of the files.
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        parent, ticks = _stat(int(entry))
        if parent == master_pid and _title(int(entry)).strip() == title:
            found.append(Worker(int(entry), booted + ticks / os.sysconf("SC_CLK_TCK")))
    return sorted(found)


def open_files_limit(pid: int) -> int | None:
    """How many files a process may have open; None for no limit, or where it is gone."""
    try:
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            words = next(line for line in file if line.startswith("Max open files")).split()
    except (OSError, StopIteration):
        return None
    return int(words[3]) if words[3].isdigit() else None


def _title(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read().replace("\0", " ")
    except OSError:
        return ""


def _stat(pid: int) -> tuple[int, int]:
    """Parent and start, in ticks since boot, of a process; (0, 0) where it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0, 0
    return (int(fields[1]), int(fields[19])) if len(fields) > 19 else (0, 0)
