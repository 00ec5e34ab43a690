# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an application is restarted and reloaded, and what it says meanwhile: by systemd, or by commands."""

from __future__ import annotations

import os
import re
import time
from typing import Any, Mapping, Sequence, Union

from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import Completed, run, tail
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError

OPTIONS: Mapping[str, str] = {
    "driver": "str",
    "service": "str",
    "restart_command": "command",
    "reload_command": "command",
    "restart_timeout_seconds": "int",
    "health_command": "command",
    "health_timeout_seconds": "int",
}
"""What the user may say of every application. A command is a list of words, or a text that the shell takes apart."""

RESTART_TIMEOUT_SECONDS = 120
HEALTH_TIMEOUT_SECONDS = 60
_SYSTEMD = "/run/systemd/system"
_RELOAD_SECONDS = 30.0
_GRACE_SECONDS = 10.0
_LOG_BYTES = 20_000
_TROUBLE = re.compile(r"error|fatal|panic|emerg|crit|alert|hint:|detail:|fail|cannot|could not|out of", re.IGNORECASE)

Command = Union[str, Sequence[str]]


def words(command: Command) -> list[str]:
    """What to run for a command as users write it."""
    return ["sh", "-c", command] if isinstance(command, str) else [str(word) for word in command]


class Service:
    """What keeps one application running.

    options: those of the application. units: the systemd units it may be, the likeliest first; the option `service`
    stands instead of them all. restart, reload: commands for where there is no systemd, or it knows none of the units.
    log_file: where the application writes its log.

    For a restart the option `restart_command` counts first, then systemd, then `restart`; so with reload.
    """

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any],
        units: Sequence[str] = (),
        restart: Sequence[str] = (),
        reload: Sequence[str] = (),
        log_file: str = "",
    ) -> None:
        self._name = name
        self._restart_command = words(options.get("restart_command") or [])
        self._reload_command = words(options.get("reload_command") or [])
        self._timeout_seconds = float(options.get("restart_timeout_seconds") or RESTART_TIMEOUT_SECONDS)
        self._fallback_restart = list(restart)
        self._fallback_reload = list(reload)
        self._log_file = log_file
        self._log_start = _size(log_file)
        self._since = time.time()
        self.unit = self._find_unit(options.get("service") or "", units)

    def restart(self) -> None:
        """Stop it, if it runs, and start it. Raises AppError with its own words."""
        self._log_start, self._since = _size(self._log_file), time.time()
        if self._restart_command:
            self._run(self._restart_command)
        elif self.unit:
            # After some failures in a row systemd would refuse to start it again.
            run(["systemctl", "reset-failed", self.unit])
            self._run(["systemctl", "restart", self.unit])
        elif self._fallback_restart:
            self._run(self._fallback_restart)
        else:
            raise AppError(f"{self._name}: nothing is known to restart it by; say `service` or `restart_command`.")

    def reload(self) -> None:
        """Have it read its files again. Raises AppError with its own words."""
        self._log_start, self._since = _size(self._log_file), time.time()
        if self._reload_command:
            self._run(self._reload_command, _RELOAD_SECONDS)
        elif self.unit:
            self._run(["systemctl", "reload", self.unit], _RELOAD_SECONDS)
        elif self._fallback_reload:
            self._run(self._fallback_reload, _RELOAD_SECONDS)
        else:
            raise AppError(f"{self._name}: nothing is known to reload it by; say `service` or `reload_command`.")

    def last_words(self) -> str:
        """The last telling lines of its log, or of the journal, since the last restart or reload; empty without any."""
        said = _telling(_read_from(self._log_file, self._log_start))
        if not said and self.unit:
            command = ["journalctl", "-u", self.unit, "--since", f"@{int(self._since)}", "-n", "20", "-o", "cat", "-q"]
            try:
                said = _telling(run([*command, "--no-pager"]).output)
            except AppError:
                said = ""
        return said

    def stopped_on_purpose(self) -> bool:
        """Whether systemd says of it, while it does not run, that nobody has wanted it to."""
        if not self.unit:
            return False
        found = self._ask("ActiveState", "UnitFileState")
        # A stop on request leaves it inactive and successful; one that is enabled may just not have come up at boot.
        return found.get("ActiveState") == "inactive" and found.get("UnitFileState") in ("disabled", "masked")

    def _run(self, command: Sequence[str], timeout_seconds: float | None = None) -> Completed:
        # The application's own programs have the same limit, and more to say of it.
        done = run(command, timeout_seconds or self._timeout_seconds + _GRACE_SECONDS)
        if done.code:
            lines = [*done.said.splitlines(), *self.last_words().splitlines()]
            said = "\n".join(dict.fromkeys(lines))
            how = f"was killed by signal {-done.code}" if done.code < 0 else f"ended with exit code {done.code}"
            raise AppError(f"`{' '.join(command)}` {how}" + (f":\n{said}" if said else ""))
        return done

    def _find_unit(self, asked: str, units: Sequence[str]) -> str:
        if not os.path.isdir(_SYSTEMD):
            return ""
        for unit in [asked] if asked else units:
            name = unit if unit.endswith(".service") else f"{unit}.service"
            if self._ask("LoadState", unit=name).get("LoadState") in ("loaded", "masked"):
                return name
        if asked and not self._restart_command:
            raise AppError(f"{self._name}: systemd has no service {asked} (option `service`).")
        return ""

    def _ask(self, *properties: str, unit: str = "") -> dict[str, str]:
        done = run(["systemctl", "show", "--property", ",".join(properties), unit or self.unit])
        return dict(line.split("=", 1) for line in done.output.splitlines() if "=" in line)


def _telling(log: str) -> str:
    """The last lines that speak of trouble, or the last at all."""
    troubled = "\n".join(line for line in log.splitlines() if _TROUBLE.search(line))
    return tail(troubled or log)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size if path else 0
    except OSError:
        return 0


def _read_from(path: str, start: int) -> str:
    if not path:
        return ""
    try:
        with open(path, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            # A log that was begun anew meanwhile is read whole.
            file.seek(max(start if start <= end else 0, end - _LOG_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
