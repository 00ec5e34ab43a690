# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sampler says of itself in a file of fixed size, which it overwrites in place: that works on a full disk, too.

It tells the process by its id and start, because a later process may have the same id.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.processes import stat_of

_NAME = "status"
_BYTES = 4096
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
RUNNING = "running"


class Status(NamedTuple):
    """pid, started, boot_id: which process. state: RUNNING, or why it ended.

    complete_ms: there will be no further record of a time up to this one. removed_ms: those up to this one were removed
    because of their age or number. settings: identifies what it was told. trouble: why records are not written.
    """

    pid: int
    started: int
    boot_id: str
    state: str
    complete_ms: int
    removed_ms: int = 0
    settings: str = ""
    trouble: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether that process is running."""
        found = stat_of(self.pid) if self.boot_id == boot_id() else None
        return found is not None and found.started == self.started and found.state not in "ZX"


def boot_id() -> str:
    """Identifies the present run of this machine's kernel."""
    try:
        with open(_BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def read_status(folder: str) -> Status | None:
    """What the sampler of this folder has said last; None where there was none."""
    for attempt in range(3):
        try:
            with open(os.path.join(folder, _NAME), "rb") as file:
                content: dict[str, Any] = json.loads(file.read().decode())
            return Status(**content)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            # In the middle of being overwritten.
            time.sleep(0.01 * (attempt + 1))
    return None


class StatusFile:
    """The file, for the process that it is about."""

    def __init__(self, folder: str) -> None:
        self._handle = os.open(
            os.path.join(folder, _NAME), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )

    def write(self, status: Mapping[str, Any]) -> None:
        """Overwrite it. Raises OSError, at the first time only where the disk is full."""
        os.pwrite(self._handle, json.dumps(dict(status)).encode().ljust(_BYTES), 0)
