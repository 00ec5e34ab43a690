# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""redis: a PING over a connection that is kept open. The password, if any, is that of REDISCLI_AUTH."""

from __future__ import annotations

import asyncio
import os
import time
from typing import ClassVar, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.interface import (
    HOST,
    Probe,
    ProbeFailed,
)

PASSWORD_VARIABLE = "REDISCLI_AUTH"
_LONGEST_ANSWER = 200


class Redis(Probe):
    """socket: a unix socket, instead of host and port. user: where it is not Redis's default user."""

    OPTIONS: ClassVar[Sequence[str]] = ("host", "port", "socket", "user")

    def __init__(self, section: Section, address: str) -> None:
        self._host = section.text("host", address, HOST)
        self._port = section.integer("port", 6379, minimum=1, maximum=65535)
        self._socket = section.text("socket", "", r"/.+")
        self._user = section.text("user", "", r"\S+")
        if self._socket and ("host" in section.content or "port" in section.content):
            section.fault("socket", "excludes host and port")
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self) -> float:
        try:
            # A connection that the server has closed meanwhile, idle ones for example, is no failure.
            if self._reader is None or self._reader.at_eof():
                await self._open()
            began = time.perf_counter()
            answer = await self._command("PING")
            took = (time.perf_counter() - began) * 1000.0
        except BaseException:
            # An answer that came too late would be taken for that to the next question.
            self.close()
            raise
        if answer != b"+PONG":
            self.close()
            raise ProbeFailed(f"it answers {_shown(answer)}, expected PONG")
        return took

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _open(self) -> None:
        self.close()
        if self._socket:
            self._reader, self._writer = await asyncio.open_unix_connection(self._socket)
        else:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        password = os.environ.get(PASSWORD_VARIABLE, "")
        if password:
            answer = await self._command("AUTH", *([self._user] if self._user else []), password)
            if answer != b"+OK":
                raise ProbeFailed(f"it does not accept the password of {PASSWORD_VARIABLE}: {_shown(answer)}")

    async def _command(self, *words: str) -> bytes:
        if self._reader is None or self._writer is None:
            raise ProbeFailed("the connection is closed")
        encoded = [word.encode() for word in words]
        parts = [b"*%d\r\n" % len(encoded), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)]
        self._writer.write(b"".join(parts))
        answer = await self._reader.readline()
        if not answer.endswith(b"\r\n"):
            raise ProbeFailed("it closed the connection")
        return answer[:-2]


def _shown(answer: bytes) -> str:
    return repr(answer[:_LONGEST_ANSWER].decode("utf-8", "replace"))
