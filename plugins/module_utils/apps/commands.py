# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a command that may start a daemon: bounded in time, whatever the daemon does with what it inherits."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import Mapping, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError

#: For what only asks.
QUERY_SECONDS = 15.0
_TAIL_LINES = 12


class Completed(NamedTuple):
    """A command that ended: its exit code (negative: the signal that killed it) and what it printed."""

    code: int
    output: str
    errors: str

    @property
    def said(self) -> str:
        """What it had to say for itself, at most its last lines."""
        return tail(f"{self.output}\n{self.errors}")


def run(
    command: Sequence[str],
    timeout_seconds: float = QUERY_SECONDS,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
) -> Completed:
    """Run a command to its end. environment: variables besides those there are, of which PG* and MYSQL* are left out.

    Its output goes to files, not pipes: a daemon that it leaves behind may keep them open as long as it likes. Raises
    AppError where the program does not start, or has not ended in time (it is killed then, with all its children).
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        given.write(stdin.encode())
        given.seek(0)
        try:
            process = subprocess.Popen(
                list(command),
                cwd="/",
                env={**_environment(), **(environment or {})},
                stdin=given,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise AppError(f"{command[0]} does not start: {reason}") from error
        try:
            code = process.wait(timeout_seconds)
        except BaseException as error:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            said = tail(_text(output) + _text(errors))
            raise AppError(
                f"`{' '.join(command)}` was killed after {timeout_seconds:g} s without an end"
                + (f"; it had said:\n{said}" if said else "")
            ) from None
        return Completed(code, _text(output), _text(errors))


def as_user(user: str, command: Sequence[str]) -> list[str]:
    """The command, run as another user where that is not who we are already. Only root can become somebody else."""
    import pwd

    try:
        wanted = pwd.getpwnam(user)
    except KeyError:
        raise AppError(f"this machine has no user {user}") from None
    if wanted.pw_uid == os.geteuid():
        return list(command)
    if os.geteuid() != 0:
        raise AppError(f"only root can run {command[0]} as {user}. Run the task with become.")
    return ["runuser", "-u", user, "--", *command]


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """The last lines that say something."""
    return "\n".join([line.rstrip() for line in text.splitlines() if line.strip()][-lines:])


def _environment() -> dict[str, str]:
    # A port or a password in the environment of whoever runs Ansible would lead to another server.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "MYSQL"))}
    path = kept.get("PATH", "")
    return {**kept, "PATH": f"{path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".lstrip(":")}


def _text(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]
    return str(file.read().decode("utf-8", "replace"))  # type: ignore[attr-defined]
