# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process of its own for a sampler, which outlives the task that starts it.

Everything is imported before: Ansible removes what it has sent as soon as the task is over. What the process prints,
which is only what nobody has foreseen, goes to the file `log`.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import time
import traceback
from contextlib import suppress

from ansible_collections.evolve.vm.plugins.module_utils.sampling.libvirt_source import SourceLost
from ansible_collections.evolve.vm.plugins.module_utils.sampling.sampler import Sampler, sample_until_told, source_of
from ansible_collections.evolve.vm.plugins.module_utils.sampling.settings import Settings, read_settings

SETTINGS = "settings.json"
_LOCK = "lock"
_LOG = "log"
_START_SECONDS = 60.0
_READY = b"ready"


class StartError(Exception):
    """The process has ended again; the text says why."""


def load_settings(folder: str) -> Settings:
    """What a sampler is told at present. Raises OSError."""
    with open(os.path.join(folder, SETTINGS), encoding="utf-8") as file:
        return read_settings(json.load(file))


def start(folder: str, interrupted_ms: int | None) -> None:
    """Start the process, and wait until it samples. Raises StartError.

    interrupted_ms: when a sampler before it was last seen, one that was killed.
    """
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        _become_sampler(folder, write_end, interrupted_ms)
    os.close(write_end)
    try:
        os.waitpid(child, 0)
        said = _all(read_end)
    finally:
        os.close(read_end)
    if said != _READY:
        raise StartError(
            said.decode("utf-8", "replace")
            or f"The sampler has not started. Look at {os.path.join(folder, _LOG)} for the reason."
        )


def _all(handle: int) -> bytes:
    said, end = b"", time.monotonic() + _START_SECONDS
    while select.select([handle], [], [], max(0.0, end - time.monotonic()))[0]:
        part = os.read(handle, 4096)
        if not part:
            return said
        said += part
    return b""


def _become_sampler(folder: str, answer: int, interrupted_ms: int | None) -> None:
    """In the child: leave the session, and let go of all that is the parent's. Does not return."""
    try:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            os.umask(0o077)
            os.chdir("/")
            _redirect(os.path.join(folder, _LOG), answer)
            _sample(folder, answer, interrupted_ms)
    except BaseException:
        traceback.print_exc()
    finally:
        # Neither the parent's clean-up, nor a thread that waits for libvirt, is ours to wait for.
        os._exit(0)


def _redirect(log: str, kept: int) -> None:
    """Have no file open but `kept`, and the standard streams lead nowhere, errors to the log."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != kept:
            with suppress(OSError):
                os.close(int(name))
    nowhere = os.open(os.devnull, os.O_RDWR)
    errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    for source, stream in ((nowhere, 0), (nowhere, 1), (errors, 2)):
        os.dup2(source, stream)
    for handle in (nowhere, errors):
        os.close(handle)


def _sample(folder: str, answer: int, interrupted_ms: int | None) -> None:
    # Held as long as the process lives, and freed by the kernel.
    lock = os.open(os.path.join(folder, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.write(answer, b"Another sampler of this name is running and does not say which process it is.")
        return
    try:
        settings = load_settings(folder)
        source = source_of(settings)
        if source is not None:
            source.open()
        sampler = Sampler(folder, settings, source)
        if interrupted_ms is not None:
            sampler.tell_interruption(interrupted_ms)
    except (OSError, ValueError, SourceLost) as error:
        os.write(answer, str(error).encode())
        return
    sampler.when_begun = lambda: _say_ready(answer)
    sample_until_told(sampler, lambda: load_settings(folder))


def _say_ready(answer: int) -> None:
    os.write(answer, _READY)
    os.close(answer)
