# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers end with their controller, so that none changes a slot that the next controller has put back already.

A worker whose controller was killed would go on with its task. The kernel tells it (Linux, PR_SET_PDEATHSIG), and it
ends with everything it has started on this machine. What runs on a target by then holds the target's lock
(module_utils/machine_lock.py).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_controller = os.getpid()
_agreed = False


def workers_end_with_controller() -> None:
    """See to it for all workers from now on. Called where the actions are loaded, which is in the controller."""
    global _agreed
    if not _agreed:
        _agreed = True
        os.register_at_fork(before=_about_to_fork, after_in_child=_forked)


def _prctl() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)


# Looked up once, before there are workers.
_set_option = _prctl()


def _about_to_fork() -> None:
    global _controller
    _controller = os.getpid()


def _forked() -> None:
    if _set_option is None:
        return
    signal.signal(signal.SIGTERM, _end)
    _set_option(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != _controller:
        _end()


def _end(*dummy: Any) -> None:
    """End this process, and its group where that is its own."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
