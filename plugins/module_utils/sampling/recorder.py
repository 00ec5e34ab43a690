# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sampler has found out, on its way to the segments: samples, gaps, failures of probes, warnings.

Nothing is lost where it cannot be written for a while (a full disk): it waits in memory, up to a limit that is told.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager
from typing import Any, Iterator, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.sampling.clock import Clock
from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import METRICS
from ansible_collections.evolve.vm.plugins.module_utils.sampling.segments import Limits, Record, SegmentWriter

FIELDS = [metric.name for metric in METRICS]
_NUMBERS = {name: number for number, name in enumerate(FIELDS)}
# About 100 bytes each.
_MOST_WAITING = 200_000


class Recorder:
    """Takes records and writes them to the segments of a folder."""

    def __init__(self, folder: str, clock: Clock, limits: Limits | None = None) -> None:
        self._clock = clock
        self._waiting: deque[Record] = deque()
        self._under_way: dict[int, int] = {}
        self._questions = 0
        self._open_gaps: dict[str, Record] = {}
        self._dropped_since_ms: int | None = None
        self._writer = SegmentWriter(folder, self._heading, limits, clock.monotonic)
        self.trouble = ""
        """Why nothing can be written at present."""

    @property
    def removed_ms(self) -> int:
        """The time of the newest record that was removed."""
        return self._writer.removed_ms

    def sample(self, at_ms: int, host: str, probe: str, values: Mapping[str, float]) -> None:
        """What was measured at one moment; nothing where there is no value."""
        if values:
            pairs = [part for name, value in values.items() for part in (_NUMBERS[name], float(f"{value:.7g}"))]
            self._add((at_ms, [at_ms, host, probe, *pairs]))

    def failure(self, at_ms: int, host: str, probe: str, reason: str) -> None:
        """A probe that had gone well, or failed in another way, fails like this now."""
        self._add((at_ms, {"at_ms": at_ms, "failure": [host, probe, reason[:500]]}))

    def warning(self, text: str) -> None:
        """Something that a user should know."""
        at_ms = self._clock.now_ms()
        self._add((at_ms, {"at_ms": at_ms, "warning": text}))

    def gap(self, host: str, begin_ms: int, end_ms: int | None, reason: str) -> None:
        """There are no samples of a host (all, where it is empty) in this time; end_ms: None while it lasts."""
        at_ms = self._clock.now_ms()
        record = (at_ms, {"at_ms": at_ms, "gap": [host, begin_ms, end_ms, reason[:500]]})
        if end_ms is None:
            self._open_gaps[host] = record
        self._add(record)

    def open_gap(self, host: str, begin_ms: int, reason: str) -> None:
        """Samples of a host stop; said once."""
        if host not in self._open_gaps:
            self.gap(host, begin_ms, None, reason)

    def end_gap(self, host: str, end_ms: int) -> None:
        """Samples of a host are there again, if they were not."""
        record = self._open_gaps.pop(host, None)
        if record is not None:
            dummy, begin_ms, dummy, reason = record[1]["gap"]
            self.gap(host, begin_ms, end_ms, reason)

    def forget(self, host: str) -> None:
        """A host is not watched any more."""
        self.end_gap(host, self._clock.now_ms())

    @contextmanager
    def under_way(self, at_ms: int) -> Iterator[None]:
        """What is asked meanwhile will be recorded at this time, so that nobody may take later ones for complete."""
        self._questions += 1
        number = self._questions
        self._under_way[number] = at_ms
        try:
            yield
        finally:
            del self._under_way[number]

    def flush(self) -> None:
        """Write what is waiting, as far as that is possible."""
        if not self._waiting:
            return
        try:
            self._writer.write(list(self._waiting))
        except OSError as error:
            self.trouble = f"samples cannot be written: {os.strerror(error.errno) if error.errno else error}"
            return
        self._waiting.clear()
        if self._dropped_since_ms is not None:
            dropped, self._dropped_since_ms = self._dropped_since_ms, None
            self.gap("", dropped, self._clock.now_ms(), f"{self.trouble}, and too many were waiting")
        self.trouble = ""

    def complete_ms(self) -> int:
        """There will be no further record of a time up to this one."""
        moments = [self._clock.now_ms(), *self._under_way.values(), *(at_ms for at_ms, dummy in self._waiting)]
        return min(moments) - 1

    def close(self) -> None:
        """Write all there is, for the last time."""
        self.flush()
        self._writer.close()

    def _add(self, record: Record) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            lost = self._waiting.popleft()
            if self._dropped_since_ms is None:
                self._dropped_since_ms = lost[0]
        self._waiting.append(record)

    def _heading(self) -> list[Any]:
        """Fields are numbers in samples. Gaps that go on are told again, for the segment they began in is removed."""
        return [{"fields": FIELDS}, *(record for dummy, record in self._open_gaps.values())]
