# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sql: a query over a session of psql or mysql that is kept open, so that no program is started for each.

Passwords are those of the environment: PGPASSWORD or ~/.pgpass, MYSQL_PWD.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from contextlib import suppress
from typing import ClassVar, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.interface import (
    HOST,
    Probe,
    ProbeFailed,
    ProbeFault,
)

_DONE = "evolve.vm.done"
_LONGEST_REASON = 300
_LONGEST_LINE_BYTES = 2**20


class _Client(NamedTuple):
    """A client program, by its names; the package it is in; and what makes it print a line with _DONE and a number."""

    programs: tuple[str, ...]
    package: str
    # psql prints it by itself; mysql has to ask the server.
    mark: str


_CLIENTS = {
    "postgresql": _Client(("psql",), "postgresql-client", "\\echo {mark} :ERROR"),
    "mysql": _Client(("mariadb", "mysql"), "mariadb-client", "SELECT '{mark} false';"),
}


class Sql(Probe):
    """engine: postgresql, or mysql (and MariaDB). socket: of PostgreSQL the folder it is in, of MySQL the file."""

    OPTIONS: ClassVar[Sequence[str]] = ("engine", "query", "host", "port", "socket", "user", "database")

    def __init__(self, section: Section, address: str) -> None:
        if section.content.get("engine") is None:
            section.fault("engine", f"is missing; expected one of {', '.join(_CLIENTS)}.")
        self._engine = section.choice("engine", "postgresql", list(_CLIENTS))
        self._client = _CLIENTS[self._engine]
        self._query = section.text("query", "SELECT 1").strip().rstrip(";")
        self._host = section.text("host", address, HOST)
        self._port = section.integer("port", 5432 if self._engine == "postgresql" else 3306, minimum=1, maximum=65535)
        self._socket = section.text("socket", "", r"/.+")
        self._user = section.text("user", "", r"[^\s-].*")
        self._database = section.text("database", "", r"[^\s-].*")
        if self._socket and "host" in section.content:
            section.fault("socket", "excludes host")
        self._process: asyncio.subprocess.Process | None = None
        self._asked = 0

    def check(self) -> None:
        if self._program() is None:
            raise ProbeFault(
                f"engine: {self._engine} needs {' or '.join(self._client.programs)} where the sampler runs. Install "
                f"the package {self._client.package}"
            )

    async def ask(self) -> float:
        try:
            if self._process is None:
                await self._open()
            return await self._answered(f"{self._query};\n")
        except BaseException:
            # Out of step, or gone: the next question opens a new one.
            self.close()
            raise

    def close(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process = None

    async def _open(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command(),
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_LONGEST_LINE_BYTES,
            start_new_session=True,
        )
        await self._answered("")

    async def _answered(self, query: str) -> float:
        """Send a query and read its answer; the time until its last line was there, in ms."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ProbeFailed("there is no session")
        self._asked += 1
        mark = f"{_DONE}.{self._asked}"
        said: list[str] = []
        began = ended = time.perf_counter()
        with suppress(BrokenPipeError, ConnectionResetError):
            # The session is gone; what it has said stands in its output.
            process.stdin.write(f"{query}{self._client.mark.format(mark=mark)}\n".encode())
        while True:
            try:
                line = (await process.stdout.readline()).decode("utf-8", "replace")
            except ValueError:
                # A longer line than is worth reading.
                continue
            if not line:
                raise ProbeFailed(f"the session has ended: {_shown(said) or 'without a word'}")
            if line.startswith(mark):
                if line.split()[1:] == ["true"]:
                    raise ProbeFailed(_shown(said))
                # Without a row, this is the answer.
                return ((ended if said else time.perf_counter()) - began) * 1000.0
            ended = time.perf_counter()
            said = [*said[-4:], line.strip()]

    def _program(self) -> str | None:
        return next((name for name in self._client.programs if shutil.which(name)), None)

    def _command(self) -> list[str]:
        program = self._program() or self._client.programs[0]
        if self._engine == "postgresql":
            command = [program, "-X", "-A", "-t", "-q", "-n", "-w", "-h", self._socket or self._host]
            command += ["-p", str(self._port), *(["-U", self._user] if self._user else [])]
            return [*command, "-d", self._database or "postgres"]
        command = [program, "--no-defaults", "-N", "-B", "-n", "--skip-reconnect"]
        where = [f"--socket={self._socket}"] if self._socket else [f"--host={self._host}", f"--port={self._port}"]
        # Otherwise it takes the socket where the host is called localhost.
        protocol = "--protocol=SOCKET" if self._socket else "--protocol=TCP"
        command += [*where, protocol, *([f"--user={self._user}"] if self._user else [])]
        return [*command, *([f"--database={self._database}"] if self._database else [])]


def _shown(said: Sequence[str]) -> str:
    """What the program has said, in one line."""
    text = " ".join(line for line in said if line.strip("-"))
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]} ..."
