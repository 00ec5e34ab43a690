# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a MySQL or MariaDB server of this machine has its things, and how to speak with it and with its program."""

from __future__ import annotations

import glob
import json
import os
import pwd
import re
import shutil
import tempfile
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import Completed, run, tail
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError

OPTIONS: Mapping[str, str] = {
    "program": "path",
    "client": "path",
    "defaults_file": "path",
    "option_file": "path",
    "socket": "path",
    "user": "str",
    "client_defaults_file": "path",
    "log_file": "path",
}
FILE = "zz-evolve.cnf"  # the last of its folder
_PROGRAMS = ("mariadbd", "mysqld")
_CLIENTS = ("mariadb", "mysql")
_SERVER_USER = "mysql"
_PROGRAM_SECONDS = 30.0
_TABLE = "Variables (--variable-name=value)"
_NO_VALUE = ("(No default value)", "(No default)")
_READ_FROM = "Default options are read from the following files"
_INCLUDE = re.compile(r"^\s*!(include|includedir)\s+(.+?)\s*$")
_ERROR = re.compile(r"\[(?:ERROR|Error)\]\s+(?:\[[^\]]*\]\s*)*(?:Buffered error:\s*)?(?P<text>.*)$")
# Other errors are about the machine, or files that only a server opens.
_OF_OPTIONS = re.compile(r"option|variable|value|suffix|argument|ambiguous", re.IGNORECASE)
_ADJUSTED = re.compile(r"option '(?P<name>[^']+)': .*value '?(?P<value>\S+?)'? adjusted to '?(?P<made>[^'\s]+)")
# Nobody is there, not yet, or no longer.
_ABSENT = ("2002", "2003", "2006", "2013", "1053")


class Server:
    """One server. Raises AppError where its programs are not installed."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.program = _installed(options.get("program", ""), _PROGRAMS, "server")
        self._client = _installed(options.get("client", ""), _CLIENTS, "client")
        self._defaults_file = options.get("defaults_file", "")
        if self._defaults_file and not os.path.isfile(self._defaults_file):
            raise AppError(f"{self._defaults_file} does not exist (option defaults_file).")
        self._socket = options.get("socket", "")
        self._user = options.get("user", "")
        self._client_defaults = options.get("client_defaults_file", "")
        version = run([self.program, "--version"], _PROGRAM_SECONDS)
        if version.code:
            raise AppError(f"{self.program} --version fails: {version.said}")
        self.is_mariadb = "MariaDB" in version.output
        found = re.search(r"Ver (\S+)", version.output)
        self.version = found[1] if found else ""

    def options(self) -> dict[str, str | None]:
        """Variable, or other option -> the value a start would give it, as the program says; None where it has none."""
        return table(self._help(self._defaults()).output)

    def given(self) -> dict[str, str]:
        """Option -> value that the files give it, the last of all."""
        done = run([self.program, *self._defaults(), "--print-defaults"], _PROGRAM_SECONDS)
        # One line holds all, without quotes; a value may have spaces, and what comes next begins with two dashes.
        found = re.findall(r"(?:^|\s)--(?:loose[-_])?([A-Za-z][\w-]*)=(.*?)(?=\s--[A-Za-z]|\s*$)", done.output)
        return {name.replace("-", "_"): value for name, value in found}

    def refusals(self, defaults_file: str = "") -> list[str]:
        """Why the server does not accept its files, or this one alone, as it says it.

        That it would make another value of one counts against a file alone. In its own files it lives with that.
        """
        defaults = [f"--defaults-file={defaults_file}"] if defaults_file else self._defaults()
        if self.is_mariadb:
            done = self._help(defaults)  # which reads the options of all plugins, too
        else:
            done = run([self.program, *defaults, "--validate-config", *self._as_user()], _PROGRAM_SECONDS)
        said = refusals(done.errors, adjusted=bool(defaults_file))
        return said or ([done.said or f"{self.program} ended with exit code {done.code}"] if done.code else [])

    def refusals_of(self, lines: Mapping[str, str]) -> list[str]:
        """Why the server would not accept these, name -> value, or would make something else of them."""
        handle, path = tempfile.mkstemp(prefix="evolve-", suffix=".cnf")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write("[mysqld]\n")
                file.writelines(f"{name} = {value}\n" for name, value in lines.items())
            # The program reads it before it becomes another user.
            return self.refusals(path)
        finally:
            os.unlink(path)

    def folder(self) -> tuple[str, str]:
        """The last folder whose files it reads; empty where there is none, and the last file it reads."""
        mains = [self._defaults_file] if self._defaults_file else self._default_files()
        mains = [path for path in mains if os.path.isfile(path)]
        folders = [folder for path in mains for folder in _included_folders(path, set())]
        # A user's own file says nothing to a server.
        own = [path for path in mains if not os.path.basename(path).startswith(".")]
        if not folders and not own:
            raise AppError(
                f"{self.program} reads no file that is there ({', '.join(mains) or 'none'}). Say option_file."
            )
        return (folders[-1] if folders else ""), (own[-1] if own else "")

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a statement that gives one object in JSON each. Raises AppError."""
        return [json.loads(line) for line in self.execute([sql]).splitlines() if line.strip()]

    def execute(self, statements: Sequence[str]) -> str:
        """Execute the statements, up to the first that fails. Raises AppError in the server's own words."""
        done = self._run("".join(f"{statement};\n" for statement in statements))
        if done.code:
            raise AppError(f"the server answers: {tail(done.errors, 3)}")
        return done.output

    def answers(self) -> bool:
        """Whether it is up. Raises AppError where it is, but lets us not in: to start it would be no remedy."""
        done = self._run("SELECT 1;\n")
        if not done.code:
            return True
        code = re.search(r"ERROR (\d+)", done.errors)
        if code and code[1] not in _ABSENT:
            raise AppError(
                f"the server runs but does not let us in: {tail(done.errors, 3)}. "
                "See the options socket, user and client_defaults_file."
            )
        return False

    def _run(self, statements: str) -> Completed:
        # The first option, if any. A password is there, or in the usual file of the user, and on no command line.
        command = [self._client, *([f"--defaults-file={self._client_defaults}"] if self._client_defaults else [])]
        command += ["--batch", "--raw", "--skip-column-names", "--connect-timeout=5", "--default-character-set=utf8mb4"]
        command += [f"--socket={self._socket}"] if self._socket else []
        command += [f"--user={self._user}"] if self._user else []
        return run(command, stdin=statements, timeout_seconds=_PROGRAM_SECONDS)

    def _help(self, defaults: Sequence[str]) -> Completed:
        return run([self.program, *defaults, "--help", "--verbose", *self._as_user()], _PROGRAM_SECONDS)

    def _defaults(self) -> list[str]:
        return [f"--defaults-file={self._defaults_file}"] if self._defaults_file else []

    def _default_files(self) -> list[str]:
        lines = iter(self._help(["--no-defaults"]).output.splitlines())
        for line in lines:
            if line.startswith(_READ_FROM):
                return [os.path.expanduser(path) for path in next(lines, "").split()]
        return []

    def _as_user(self) -> list[str]:
        # It says nothing to root but that it ought not to run as root.
        try:
            pwd.getpwnam(_SERVER_USER)
        except KeyError:
            return []
        return [f"--user={_SERVER_USER}"] if os.geteuid() == 0 else []


def table(text: str) -> dict[str, str | None]:
    """The values in the output of --help --verbose, by name as the server writes it."""
    dummy, found, rest = text.partition(_TABLE)
    values: dict[str, str | None] = {}
    for line in rest.splitlines()[3:] if found else []:
        if not line.strip():
            break
        name, dummy, value = line.partition(" ")
        values[name.replace("-", "_")] = None if value.strip() in _NO_VALUE else value.strip()
    return values


def refusals(text: str, adjusted: bool = False) -> list[str]:
    """What the server says against its options, one sentence each, without its remarks on the machine."""
    said: list[str] = []
    for line in text.splitlines():
        error, other = _ERROR.search(line), _ADJUSTED.search(line)
        if other and adjusted:
            said.append(f"{other['name']}: it would make {other['made']} of {other['value']}")
        elif error and _OF_OPTIONS.search(error["text"]):
            said.append(error["text"].strip().rstrip("."))
    return list(dict.fromkeys(said))


def _included_folders(path: str, seen: set[str]) -> Iterator[str]:
    """Folders included by an option file, or by one that it includes, in the order in which they are read."""
    real = os.path.realpath(path)
    if real in seen:
        return
    seen.add(real)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        match = _INCLUDE.match(line)
        if match and match[1] == "include":
            yield from _included_folders(match[2], seen)
        elif match and os.path.isdir(match[2]):
            yield match[2].rstrip("/")


def _installed(given: str, names: Sequence[str], what: str) -> str:
    if given:
        if not os.access(given, os.X_OK):
            raise AppError(f"{given} is no program that can be run.")
        return given
    for name in names:
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/usr/libexec:/usr/local/bin")
        if found:
            return found
    raise AppError(f"the {what} of MySQL or MariaDB is not installed: found no {' or '.join(names)}.")


def init_script() -> list[str]:
    """What restarts the server of a distribution where there is no systemd; empty without one."""
    found = [path for path in glob.glob("/etc/init.d/*") if os.path.basename(path) in ("mariadb", "mysql", "mysqld")]
    return [found[0], "restart"] if found else []
