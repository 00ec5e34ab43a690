# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One at a time changes or measures a machine.

A controller that was killed leaves behind what it had started on a target, for nobody there is told. Whoever comes next
waits until that has ended, and only then changes the machine: what is set last is what the living controller wants.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from contextlib import contextmanager
from typing import Iterator
from urllib.parse import quote

#: How long one waits for what went before: a benchmark, or a machine that shuts down and boots.
WAIT_SECONDS = 600.0
#: The lock of the machine that one runs on.
GUEST = "guest"
_FOLDERS = ("/run/lock", tempfile.gettempdir())
_POLL_SECONDS = 0.1


class MachineBusy(Exception):
    """Somebody else has been at work on the machine for too long."""


@contextmanager
def machine_lock(name: str, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock of this name on this host. The kernel frees it with the process. Raises MachineBusy."""
    handle, path = _open(f"evolve.vm-{quote(name, safe='')}.lock")
    try:
        patience = time.monotonic() + wait_seconds
        while not _locked(handle):
            if time.monotonic() > patience:
                raise MachineBusy(
                    f"{name}: another task has changed or measured this machine for {wait_seconds:.0f} seconds and is "
                    f"not done (it holds {path}; `fuser {path}` tells which process that is). Nothing was changed."
                )
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(handle)


def _open(name: str) -> tuple[int, str]:
    """Open the file, or make it in the first folder where that is possible. It stays, so that all lock the same."""
    problem = None
    for folder in _FOLDERS:
        path = os.path.join(folder, name)
        for flags in (0, os.O_CREAT | os.O_EXCL, 0):
            # Not to create is tried first: the kernel lets not even root open with O_CREAT what another user has made
            # in a folder for all (fs.protected_regular). Last again, where somebody else was quicker.
            try:
                return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o644), path
            except OSError as error:
                problem = error
    raise MachineBusy(f"{name}: the lock cannot be had in {' or '.join(_FOLDERS)}: {problem}. Nothing was changed.")


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
