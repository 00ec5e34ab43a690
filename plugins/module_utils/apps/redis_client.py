# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talking to a Redis server with redis-cli, and starting one for a moment to hear what it makes of a configuration."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from typing import Iterator, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps import redis_file
from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import run, tail
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError

_START_SECONDS = 20.0
_COMMAND_SECONDS = 60.0
_TICK_SECONDS = 0.005

# What keeps a server for a moment apart from everything else. No port, so no two of them meet.
_APART = {
    "port": "0",
    "logfile": "",
    "pidfile": "",
    "daemonize": "no",
    "supervised": "no",
    "syslog-enabled": "no",
    "cluster-enabled": "no",
}
_LEFT_OUT = ("replicaof", "slaveof", "tls-port")


class Refused(AppError):
    """The server has answered with an error; the text is its own."""


class Client:
    """A server that is reached with the arguments given to redis-cli. The password is in no command line."""

    def __init__(self, command: Sequence[str], password: str) -> None:
        self._command = list(command)
        self._environment = {"REDISCLI_AUTH": password}

    def ask(self, *words: str) -> str:
        """The answer to a command, without the end of its last line. Raises Refused, AppError where nobody answers."""
        done = run([*self._command, *words], _COMMAND_SECONDS, environment=self._environment)
        answer = done.output[:-1] if done.output.endswith("\n") else done.output
        if done.code and not answer:
            raise AppError(f"Redis does not answer: {done.said}")
        if answer.split(" ", 1)[0] in ("ERR", "NOAUTH", "NOPERM", "WRONGPASS", "LOADING", "MISCONF", "DENIED"):
            raise Refused(answer.strip())
        return answer

    def settings(self, pattern: str = "*") -> dict[str, str]:
        """Name -> value of CONFIG GET."""
        lines = self.ask("CONFIG", "GET", pattern).split("\n")
        return dict(zip(lines[::2], lines[1::2]))

    def set(self, values: Mapping[str, str]) -> None:
        """Live; all or none from Redis 7.0 on, before that one by one. Raises Refused."""
        if not values:
            return
        try:
            self._set(values)
        except Refused as error:
            if len(values) == 1 or "wrong number of arguments" not in str(error).lower():
                raise
            for name, value in values.items():
                self._set({name: value})

    def _set(self, values: Mapping[str, str]) -> None:
        words = [word for pair in values.items() for word in pair]
        answer = self.ask("CONFIG", "SET", *words)
        if answer != "OK":
            raise Refused(answer.strip())


@contextmanager
def for_a_moment(
    program: str, cli: Sequence[str], text: str, more: Mapping[str, str] | None = None
) -> Iterator[Client]:
    """A server with the configuration `text` and the settings `more`, without port, data and replication.

    Redis has no way of testing a configuration but this. It is gone, with all it has written, when the block ends.
    Raises Refused with its own words where it does not start.
    """
    password = redis_file.last_value(text, "requirepass") or ""
    # As many lines as before: the words of the server tell their numbers.
    lines = ["\n" if redis_file.name_of(line) in _LEFT_OUT else line for line in text.splitlines(keepends=True)]
    with tempfile.TemporaryDirectory(prefix="evolve-redis-") as folder:
        path, address, log = (os.path.join(folder, name) for name in ("redis.conf", "socket", "log"))
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write("".join(lines))
        settings = {**_APART, "dir": folder, "unixsocket": address, **(more or {})}
        command = [program, path, *(word for name, value in settings.items() for word in (f"--{name}", value))]
        with open(log, "wb") as output:
            try:
                server = subprocess.Popen(
                    command, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
                )
            except OSError as error:
                raise AppError(f"{program} does not start: {error.strerror}") from error
        try:
            client = Client([*cli, "-s", address], password)
            _wait_for(server, address, log)
            yield client
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def refusal(said: str) -> str:
    """The part of what Redis prints that says why it does not start."""
    lines = said.splitlines()
    for number, line in enumerate(lines):
        if "FATAL CONFIG FILE ERROR" in line:
            return "\n".join(lines[number + 1 :]).strip()
    return tail(said)


def _wait_for(server: subprocess.Popen[bytes], address: str, log: str) -> None:
    patience = time.monotonic() + _START_SECONDS
    while not _accepts(address):
        if server.poll() is not None:
            with open(log, encoding="utf-8", errors="replace") as file:
                raise Refused(refusal(file.read()))
        if time.monotonic() > patience:
            raise AppError(f"a Redis server for a test has not started in {_START_SECONDS:g} s")
        time.sleep(_TICK_SECONDS)


def _accepts(address: str) -> bool:
    """Whether somebody listens: the file of a socket is there a moment before."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        return connection.connect_ex(address) == 0
