# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ansible-playbook at work that can be watched, interrupted and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

_POLL_SECONDS = 0.005
_END_SECONDS = 300.0


class RunningController:
    """One that was started. `lines` is what it has printed so far, each with the seconds since its start."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.started = time.monotonic()
        self.lines: list[tuple[float, str]] = []
        self.on_line: Callable[[str], None] | None = None
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> RunningController:
        return self

    def __exit__(self, *dummy: object) -> None:
        if self.running:
            self.kill(tree=True)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def output(self) -> str:
        """All it has printed, with white space folded."""
        return " ".join(" ".join(line for dummy, line in self.lines).split())

    def wait_for(self, happened: str | Callable[[], bool], seconds: float = _END_SECONDS) -> bool:
        """Wait until it has printed something, or until something is so; False where it ended or took too long."""
        until = time.monotonic() + seconds
        seen = (lambda: happened in self.output) if isinstance(happened, str) else happened
        while not seen():
            if not self.running or time.monotonic() > until:
                self._reader.join(1)
                return seen()
            time.sleep(_POLL_SECONDS)
        return True

    def end(self, seconds: float = _END_SECONDS) -> int:
        """Wait for its end; returns its exit code."""
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def interrupt(self) -> None:
        """What Ctrl-C in a terminal does: SIGINT to its whole process group."""
        os.killpg(self.pid, signal.SIGINT)

    def kill(self, *, tree: bool) -> list[int]:
        """SIGKILL to the controller alone, or to everything it started as well; returns its workers and what they
        started. Shared connections (ControlPersist) are none of these: they are there to outlast it."""
        offspring = [pid for pid in descendants(self.pid) if _command(pid) != "ssh"]
        os.kill(self.pid, signal.SIGKILL)
        for pid in offspring if tree else ():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        return offspring

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if self.on_line is not None:
                self.on_line(line)
            self.lines.append((self.seconds, line))


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those have, and so on."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: list[int] = []
    front = [pid]
    while front:
        front = [child for parent in front for child in children.get(parent, ())]
        found += front
    return found


def alive(pids: list[int], seconds: float = 0.0) -> list[int]:
    """Those that still live after at most so many seconds."""
    until = time.monotonic() + seconds
    while (left := [pid for pid in pids if _lives(pid)]) and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)
    return left


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
