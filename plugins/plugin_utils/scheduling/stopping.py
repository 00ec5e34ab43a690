# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stopping on request: what runs is finished first, or, when asked again, not even that.

The workers' sessions are their own (ansible-core 2.19 sees to that itself), so that Ctrl-C reaches the controller alone
and what runs on the slots goes on.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

from ansible.release import __version__ as core_version

_WORKERS_STAY_IN_SESSION = tuple(int(part) for part in core_version.split(".")[:2]) < (2, 19)
_isolating = False


class Urgency(IntEnum):
    """How a stop was asked for."""

    NONE = 0
    GRACEFUL = 1  # finish what runs
    PROMPT = 2  # cut short what runs


class StopRequest:
    """What signals have asked for so far: SIGINT once GRACEFUL, twice PROMPT; SIGTERM PROMPT at once."""

    def __init__(self, tell: Callable[[Urgency], None]) -> None:
        """`tell` is called once for each urgency, from within the signal handler."""
        self.urgency = Urgency.NONE
        self._tell = tell

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Take up signals while it lasts. One more than PROMPT needs falls to whoever heeded them before."""
        global _isolating
        earlier: dict[int, Any] = {}

        def asked(number: int, frame: Any) -> None:
            if self.urgency is Urgency.PROMPT:
                earlier[number](number, frame)
                return
            again = number == signal.SIGTERM or self.urgency is Urgency.GRACEFUL
            self.urgency = Urgency.PROMPT if again else Urgency.GRACEFUL
            self._tell(self.urgency)

        for sign in (signal.SIGINT, signal.SIGTERM):
            earlier[sign] = signal.signal(sign, asked)
        _isolating = _WORKERS_STAY_IN_SESSION
        try:
            yield
        finally:
            _isolating = False
            for number, handler in earlier.items():
                signal.signal(number, handler)


def cut_short(workers: list[Any]) -> None:
    """End workers with everything they have started on this machine."""
    for worker in workers:
        if worker is not None and worker.is_alive():
            with contextlib.suppress(OSError):
                os.killpg(worker.pid, signal.SIGTERM)


def _isolate() -> None:
    if _isolating:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if _WORKERS_STAY_IN_SESSION:
    os.register_at_fork(after_in_child=_isolate)
