# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller as the kernel sees it: its processor time and memory while it runs. Reads Linux's /proc."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLE_SECONDS = 0.5
# Asking for the memory of all processes costs about a millisecond each.
_TOTAL_SECONDS = 15.0


@dataclass(frozen=True)
class Sample:
    """One look: processor seconds of the controller and of its workers that have ended, and its memory in MiB."""

    at: float
    cpu_seconds: float
    resident_mib: float


class Watch:
    """Looks at a process from time to time, in a thread of its own, until it has ended."""

    def __init__(self, pid: int) -> None:
        self.samples: list[Sample] = []
        self.total_mib = 0.0  # the most that it and its workers held together, what they share counted once
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        total_at = time.monotonic() + _TOTAL_SECONDS / 3
        while not self._ended.wait(_SAMPLE_SECONDS):
            try:
                self.samples.append(sample(self._pid))
            except OSError:
                return
            if time.monotonic() > total_at:
                self.total_mib = max(self.total_mib, total_mib(self._pid))
                total_at = time.monotonic() + _TOTAL_SECONDS


def sample(pid: int) -> Sample:
    """OSError where there is no such process."""
    # The name, in brackets, may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    resident = _field(Path(f"/proc/{pid}/status").read_text(), "VmRSS")
    return Sample(time.time(), sum(map(int, fields[11:15])) / _TICKS, resident)


def total_mib(pid: int) -> float:
    """The memory of a process and all its descendants, each shared page counted once."""
    total = 0.0
    for each in family(pid):
        try:
            total += _field(Path(f"/proc/{each}/smaps_rollup").read_text(), "Pss")
        except OSError:
            continue
    return total


def family(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from family(int(child))


def _field(text: str, name: str) -> float:
    """A size that /proc states in kB, in MiB; 0.0 where it is missing, as for a process that is ending."""
    found = [line.split()[1] for line in text.splitlines() if line.startswith(f"{name}:")]
    return int(found[0]) / 1024 if found else 0.0
