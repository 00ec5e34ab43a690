# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of a Java service: which it is, and what it was started with."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Iterator

from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import run
from ansible_collections.evolve.vm.plugins.module_utils.processes import stat_of

VARIABLES = ("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")
"""What a java takes options from: the first two count less than its command line, the last more."""

_SIGQUIT_CAUGHT = 1 << 2


class Process:
    """A running java."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @property
    def java(self) -> str:
        """The path of its program."""
        return os.path.realpath(f"/proc/{self.pid}/exe")

    @property
    def command_line(self) -> list[str]:
        return _read(f"/proc/{self.pid}/cmdline").split("\0")[:-1]

    @property
    def options(self) -> list[str]:
        """Those words of the command line that are for the virtual machine; files of options with their full paths."""
        words = []
        for word in self.command_line[1:]:
            if word.startswith("@") and len(word) > 1:
                words.append("@" + os.path.join(os.path.realpath(f"/proc/{self.pid}/cwd"), word[1:]))
            elif word.startswith(("-X", "-server", "-client")):
                words.append(word)
        return words

    @property
    def words(self) -> list[str]:
        """All options that reach it, the last counting most; those of files as far as they are older than it is."""
        words = [word for name in VARIABLES[:2] for word in self.variables.get(name, "").split()]
        for word in self.options:
            if not word.startswith("@"):
                words.append(word)
            elif os.path.exists(word[1:]) and os.stat(word[1:]).st_mtime <= self.started:
                lines = [line for line in _read(word[1:]).splitlines() if not line.lstrip().startswith("#")]
                words += " ".join(lines).split()
        return words + self.variables.get(VARIABLES[2], "").split()

    @property
    def variables(self) -> dict[str, str]:
        """Those of its environment that hold options."""
        pairs = (pair.partition("=") for pair in _read(f"/proc/{self.pid}/environ").split("\0"))
        return {name: value for name, dummy, value in pairs if name in VARIABLES}

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        stat = stat_of(self.pid)
        ticks = 0 if stat is None else stat.started
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")

    @property
    def started(self) -> float:
        """When it began, by the clock that file times are told by."""
        return time.time() - self.seconds

    @property
    def listens_to_tools(self) -> bool:
        """Whether it can be asked by jcmd: before it has set up its signals, the asking would kill it."""
        lines = _read(f"/proc/{self.pid}/status").splitlines()
        caught = [int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")]
        return bool(caught and caught[0] & _SIGQUIT_CAUGHT)


def by_pid_file(path: str) -> Process | None:
    """The java, or that below the process, whose id the file holds."""
    with suppress(ValueError):
        return _java_of(int(_read(path)))
    return None


def by_unit(unit: str) -> Process | None:
    """The java of a service of systemd."""
    said = run(["systemctl", "show", "--property", "MainPID", "--value", unit]).output.strip()
    return _java_of(int(said)) if said.isdigit() and said != "0" else None


def by_words(words: str) -> list[Process]:
    """Every java whose command line holds these words."""
    return [found for found in map(Process, _pids()) if _is_java(found.pid) and words in " ".join(found.command_line)]


def _java_of(pid: int) -> Process | None:
    """The process, or the first java below it: services are often started by a script."""
    waiting = [pid]
    parents = {each: _parent(each) for each in _pids()}
    while waiting:
        each = waiting.pop(0)
        if _is_java(each):
            return Process(each)
        waiting += [child for child, parent in parents.items() if parent == each]
    return None


def _is_java(pid: int) -> bool:
    with suppress(OSError):
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")).split(" ")[0] == "java"
    return False


def _pids() -> Iterator[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdigit())


def _parent(pid: int) -> int:
    stat = stat_of(pid)
    return 0 if stat is None else stat.parent


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
