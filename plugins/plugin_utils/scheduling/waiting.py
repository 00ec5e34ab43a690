# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where those wait whose question has no answer yet."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

# Those who wait ask again at the latest after this time, whatever was heard.
_PATIENCE_SECONDS = 15.0


@dataclass
class _Waiting:
    who: Any
    until: float


class WaitingRoom:
    """Who waits, by reason. For one reason the first is let out alone: where it comes back, nobody else need ask.

    A reason that is somebody's own, such as a slot in quarantine, must read so.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._queues: dict[str, deque[_Waiting]] = {}
        self._stirred = False

    def __bool__(self) -> bool:
        return bool(self._queues)

    def holds(self, reason: str) -> bool:
        """Whether somebody waits for this reason."""
        return reason in self._queues

    def enter(self, who: Any, reason: str, seconds: float | None = None) -> None:
        """Wait until stirred, or for `seconds`, and never for long."""
        patience = _PATIENCE_SECONDS if seconds is None else min(max(seconds, 0.0), _PATIENCE_SECONDS)
        self._queues.setdefault(reason, deque()).append(_Waiting(who, self._clock() + patience))

    def stir(self) -> None:
        """Something has changed: questions may have answers now."""
        self._stirred = True

    def leave(self, room: int) -> Iterator[Any]:
        """Let out those who may ask again, at most `room`; whoever takes them tells by `enter` that it was in vain."""
        stirred, self._stirred = self._stirred, False
        for reason in list(self._queues):
            queue = self._queues[reason]
            while queue and room > 0 and (stirred or queue[0].until <= self._clock()):
                before = len(queue)
                room -= 1
                yield queue.popleft().who
                if len(queue) == before:
                    break
                stirred = True
            if not queue:
                del self._queues[reason]
