# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder a benchmark works in: one benchmark at a time, nothing left behind, not even by one that was killed."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from contextlib import suppress

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import InfrastructureError

# Left free beside the benchmark's files, so that the measured machine never stands on a full disk.
_SPARE_MIB = 32
_FILES = "files"


class Workspace:
    """`with Workspace(directory) as workspace:` gives an empty folder `workspace.path` and removes it in the end.

    Raises InfrastructureError if the folder cannot be had, belongs to someone else, or another benchmark is using it.
    """

    def __init__(self, directory: str) -> None:
        self.directory = os.path.abspath(directory)
        self.path = os.path.join(self.directory, _FILES)
        self._made = False
        self._lock = -1

    def __enter__(self) -> Workspace:
        try:
            self._open()
            shutil.rmtree(self.path, ignore_errors=True)
            os.mkdir(self.path, 0o700)
        except OSError as error:
            self._close()
            raise InfrastructureError(
                f"the benchmark's folder {self.directory} cannot be used: {error.strerror or error}. "
                "Set `directory` to a folder in which it may create files"
            ) from error
        except InfrastructureError:
            self._close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._close()

    def require_space(self, mib: int) -> None:
        """Raise InfrastructureError unless the folder's disk can take this many MiB and some more."""
        space = os.statvfs(self.path)
        free_mib = space.f_bavail * space.f_frsize // 1024**2
        if free_mib < mib + _SPARE_MIB:
            raise InfrastructureError(
                f"the disk of {self.directory} has {free_mib} MiB free; the benchmark's files take {mib} MiB and "
                f"{_SPARE_MIB} MiB must stay free. Lower total_size_mib or set `directory` to a folder on another disk"
            )

    def _open(self) -> None:
        try:
            os.mkdir(self.directory, 0o700)
            self._made = True
        except FileExistsError:
            pass
        found = os.lstat(self.directory)
        # The default lies in a folder where everybody may write: never follow what somebody else put there.
        if not stat.S_ISDIR(found.st_mode):
            raise InfrastructureError(f"{self.directory} is not a folder. Remove it or set `directory` to another one")
        if found.st_uid != os.geteuid():
            raise InfrastructureError(
                f"{self.directory} belongs to user id {found.st_uid}, not to {os.geteuid()} who runs the benchmark. "
                "Remove it or set `directory` to another one"
            )
        self._lock = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            self._made = False
            raise InfrastructureError(
                f"another benchmark is running on this machine: {self.directory} is in use. Two at once would measure "
                "each other; wait for it to end"
            ) from error

    def _close(self) -> None:
        if self._made:
            with suppress(OSError):
                os.rmdir(self.directory)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
