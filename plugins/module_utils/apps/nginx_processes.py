# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a running nginx: its master, the workers that take requests, and since when."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.processes import stat_of


class Worker(NamedTuple):
    """A worker process. started: seconds of the clock that file times are told by."""

    pid: int
    started: float


def master(pid_file: str) -> int | None:
    """The process id of the nginx that has written this file; None where it does not run."""
    pid = _written(pid_file)
    return pid if pid is not None and _title(pid).startswith("nginx: master process") else None


def is_starting(pid_file: str) -> bool:
    """Whether an nginx has written this file and has no workers yet."""
    pid = _written(pid_file)
    return pid is not None and "nginx" in _title(pid) and not workers(pid)


def _written(pid_file: str) -> int | None:
    try:
        with open(pid_file, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


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
        stat = stat_of(int(entry))
        if stat is not None and stat.parent == master_pid and _title(int(entry)).strip() == title:
            found.append(Worker(int(entry), booted + stat.started / os.sysconf("SC_CLK_TCK")))
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
