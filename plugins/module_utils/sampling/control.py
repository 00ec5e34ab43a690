# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting, asking and stopping the sampler of a name: what the module does. One does so at a time."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import tempfile
import time
from contextlib import contextmanager, suppress
from typing import Any, Callable, Collection, Iterator
from urllib.parse import quote

from ansible_collections.evolve.vm.plugins.module_utils.sampling import daemon
from ansible_collections.evolve.vm.plugins.module_utils.sampling.collecting import Collected, collect
from ansible_collections.evolve.vm.plugins.module_utils.sampling.sampler import RENEWED, STOPPED
from ansible_collections.evolve.vm.plugins.module_utils.sampling.settings import Settings
from ansible_collections.evolve.vm.plugins.module_utils.sampling.status import RUNNING, Status, read_status
from ansible_collections.evolve.vm.plugins.module_utils.synced_files import replace_text

_GUARD = "guard"
_PATIENCE_SECONDS = 90.0
_CHANGE_SECONDS = 30.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.02


class SamplerError(Exception):
    """The sampler cannot be had; the text says what to do."""


def usual_directory() -> str:
    """Where samplers keep their files: of root in /run, of others where only they can write."""
    if os.geteuid() == 0:
        return "/run/evolve.vm/sampling"
    own = os.environ.get("XDG_RUNTIME_DIR") or os.path.join(tempfile.gettempdir(), f"evolve.vm-{os.geteuid()}")
    return os.path.join(own, "evolve.vm", "sampling")


class Control:
    """The sampler of one name on this machine. Methods raise SamplerError, and OSError for its folder."""

    def __init__(self, directory: str, name: str) -> None:
        self._name = name
        if not name:
            raise SamplerError("name is empty; expected a name such as that of the study.")
        self.folder = os.path.join(directory, quote(name, safe="").replace(".", "%2E"))

    def start(self, settings: Settings, check_mode: bool) -> bool:
        """Have one run with these settings; whether anything changed. One that runs is not interrupted."""
        status = read_status(self.folder)
        if check_mode:
            return status is None or not status.is_alive or status.settings != settings.identity
        with self._guarded():
            status = read_status(self.folder)
            if status is not None and status.is_alive:
                return self._change(settings, status)
            self._renew()
            self._write(settings)
            try:
                daemon.start(self.folder, _interrupted_ms(status))
            except daemon.StartError as error:
                raise SamplerError(str(error)) from error
            return True

    def collect(self, since_ms: int | None, hosts: Collection[str], renew: bool) -> tuple[Collected, bool]:
        """What has been sampled since then, and whether a sampler is running. renew: whether it shall go on."""
        status = read_status(self.folder)
        since = since_ms or 0
        if status is None:
            reason = "there is no sampler of this name: it was not started, or this machine was restarted since"
            gaps = [{"host": "", "begin_ms": since_ms, "end_ms": None, "reason": reason}] if since_ms else []
            return Collected([], gaps, [], [], since, False), False
        alive = status.is_alive
        if alive and renew:
            self._renew()
        found = collect(self.folder, since, status.complete_ms if alive else None, hosts)
        gaps, warnings = list(found.gaps), list(found.warnings)
        if since_ms is not None and since_ms < status.removed_ms:
            reason = "samples were removed because of their age or number"
            gaps.insert(0, {"host": "", "begin_ms": since_ms, "end_ms": status.removed_ms, "reason": reason})
        if not alive and status.state != STOPPED:
            reason = "the sampler was killed" if status.state == RUNNING else f"the sampler has ended: {status.state}"
            gaps.append({"host": "", "begin_ms": status.complete_ms, "end_ms": None, "reason": reason})
        elif alive and status.trouble:
            warnings.append(f"The sampler {self._name} keeps what it has in memory: {status.trouble}.")
        return found._replace(gaps=gaps, warnings=warnings), alive

    def stop(self, check_mode: bool) -> bool:
        """End it, if it runs; whether it did."""
        status = read_status(self.folder)
        if status is None or not status.is_alive or check_mode:
            return status is not None and status.is_alive
        with self._guarded():
            self._signal(status, signal.SIGTERM)
            if not _comes_true(lambda: not status.is_alive, _STOP_SECONDS):
                self._signal(status, signal.SIGKILL)
                if not _comes_true(lambda: not status.is_alive, _STOP_SECONDS):
                    raise SamplerError(f"The sampler {self._name} (process {status.pid}) does not end.")
        return True

    def remove(self) -> None:
        """Remove what an ended sampler has left."""
        if os.path.isdir(self.folder):
            with self._guarded():
                shutil.rmtree(self.folder)

    def _change(self, settings: Settings, status: Status) -> bool:
        self._renew()
        if status.settings == settings.identity:
            return False
        self._write(settings)
        self._signal(status, signal.SIGHUP)

        def has_changed() -> bool:
            now = read_status(self.folder)
            return now is not None and (now.settings == settings.identity or not now.is_alive)

        if not _comes_true(has_changed, _CHANGE_SECONDS):
            raise SamplerError(
                f"The sampler {self._name} (process {status.pid}) does not take over its new settings. Stop it with "
                "state=stopped and start it again."
            )
        return True

    def _write(self, settings: Settings) -> None:
        replace_text(os.path.join(self.folder, daemon.SETTINGS), json.dumps(settings.content), 0o600)

    def _renew(self) -> None:
        with open(os.path.join(self.folder, RENEWED), "a", encoding="ascii"):
            pass
        os.utime(os.path.join(self.folder, RENEWED))

    def _signal(self, status: Status, number: int) -> None:
        try:
            os.kill(status.pid, number)
        except ProcessLookupError:
            return
        except PermissionError:
            raise SamplerError(
                f"The sampler {self._name} (process {status.pid}) was started by another user. Run the task as that "
                "user."
            ) from None

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Nobody else starts, changes or stops it meanwhile."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            for path in (self.folder, os.path.dirname(self.folder)):
                if os.stat(path).st_uid not in (os.geteuid(), 0):
                    raise SamplerError(f"{path} belongs to another user. Name another directory.")
            path = os.path.join(self.folder, _GUARD)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                if _locked(handle, end) and _is_still(path, handle):
                    yield
                    return
            finally:
                os.close(handle)
            if time.monotonic() > end:
                raise SamplerError(
                    f"Another task has been starting or stopping the sampler {self._name} for {_PATIENCE_SECONDS:g} s "
                    f"(it holds {path})."
                )


def _interrupted_ms(status: Status | None) -> int | None:
    """When a sampler that was killed was last at work."""
    return status.complete_ms if status is not None and status.state == RUNNING else None


def _locked(handle: int, end: float) -> bool:
    def lock() -> bool:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    return _comes_true(lock, end - time.monotonic())


def _is_still(path: str, handle: int) -> bool:
    """Whether the file was not removed while it was waited for."""
    try:
        return os.stat(path).st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


def _comes_true(is_true: Callable[[], Any], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True
