# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When something is sampled, and the wall time of that moment.

Intervals follow the monotonic clock, which nobody can set. The wall time is that clock and an offset, which is read
again and again: a clock that is kept by NTP is followed, one that was set is followed and reported.
"""

from __future__ import annotations

import math
import time
from typing import Callable

_JUMP_SECONDS = 0.1


class Clock:
    """Seconds of the monotonic clock, and the wall time that belongs to them."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self.monotonic = monotonic
        self._wall = wall
        self._offset = self._read()

    def at_ms(self, moment: float) -> int:
        """Milliseconds since 1970 at a moment of the monotonic clock."""
        return round((moment + self._offset) * 1000.0)

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return self.at_ms(self.monotonic())

    def refresh(self) -> float:
        """Read the offset again; by how many seconds the wall clock was set since, 0 where it was not."""
        before, self._offset = self._offset, self._read()
        jump = self._offset - before
        return jump if abs(jump) > _JUMP_SECONDS else 0.0

    def _read(self) -> float:
        before = self.monotonic()
        wall = self._wall()
        return wall - (before + self.monotonic()) / 2


class Ticks:
    """Moments at equal distances, for good: none is later because the one before was."""

    def __init__(self, interval_seconds: float, clock: Clock) -> None:
        self.interval_seconds = interval_seconds
        # At whole intervals of the wall clock, as it is now: samplers on several hosts read at the same moments.
        self._base = clock.monotonic() - clock.now_ms() / 1000.0 % interval_seconds

    def after(self, moment: float, phase_seconds: float = 0.0) -> float:
        """The next of them later than `moment`, each moved by `phase_seconds`."""
        base = self._base + phase_seconds
        return base + (math.floor((moment - base) / self.interval_seconds + 1e-6) + 1) * self.interval_seconds

    def missed(self, before: float, now: float) -> int:
        """How many lie between two of them."""
        return max(0, round((now - before) / self.interval_seconds) - 1)
