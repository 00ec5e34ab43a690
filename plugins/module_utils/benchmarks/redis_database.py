# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database of a Redis that a benchmark fills: never one with somebody else's keys in it, and empty in the end.

The password of the server comes from the environment (REDISCLI_AUTH), which redis-cli reads. The benchmark programs
take theirs on the command line only, where everybody can read it: they get a user of their own that exists meanwhile.
"""

from __future__ import annotations

import os
import re
import secrets

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import (
    BenchmarkError,
    InfrastructureError,
    last_lines,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import TARGET, Program, Shell

OPTIONS = ("host", "port", "socket", "user", "database", "clients", "threads", "pipeline", "payload_bytes", "keyspace")
CLIENT = Program("redis-cli", "redis-tools")
PASSWORD = "REDISCLI_AUTH"
#: Says that the keys beside it are ours, should a benchmark have been killed.
MARKER = "evolve.vm:benchmark"
_USER = "evolve-benchmark"
_RIGHTS = ("~*", "+@read", "+@write", "+select", "+ping", "-@dangerous")
_FILL = (
    "local value = string.rep('x', tonumber(ARGV[3])) "
    "for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do "
    "redis.call('SET', string.format(ARGV[4], number), value) end "
    "return 'filled'"
)
_FILLED_AT_ONCE = 10000
_BYTES_AT_ONCE = 32 * 1024**2


class RedisDatabase:
    """Where the server is, which of its databases is ours, and how it is loaded.

    `user`: who REDISCLI_AUTH is the password of; empty: the default user. `keyspace`: how many keys there are.
    """

    def __init__(self, section: Section) -> None:
        self.host = section.text("host", TARGET, r"\S+")
        self.port = section.integer("port", 6379, minimum=1, maximum=65535)
        self.socket = section.text("socket", "", r"/.+")
        self.user = section.text("user", "", r"\S+")
        # Nobody uses it unless told to: an application has 0, and a second one 1.
        self.database = section.integer("database", 9, minimum=0, maximum=1000000)
        self.clients = section.integer("clients", 50, minimum=1, maximum=10000)
        self.threads = section.integer("threads", 1, minimum=1, maximum=500)
        self.pipeline = section.integer("pipeline", 1, minimum=1, maximum=10000)
        self.payload_bytes = section.integer("payload_bytes", 32, minimum=1, maximum=64 * 1024**2)
        self.keyspace = section.integer("keyspace", 100000, minimum=1, maximum=10**9)
        self.login: list[str] = []
        self._is_ours = False
        for key in ("host", "port"):
            if self.socket and section.content.get(key) is not None:
                section.fault(key, "there is a `socket` as well; a server is reached by one of them")

    def claim(self, shell: Shell) -> None:
        """Take an empty database, or one that an earlier benchmark left. Raises InfrastructureError for any other."""
        count = self._ask(shell, "[0-9]+", "DBSIZE")
        if count not in ("", "0") and self._ask(shell, "[01]", "EXISTS", MARKER) != "1":
            raise InfrastructureError(
                f"database {self.database} of the Redis has {count} keys that are not ours; the benchmark empties the "
                "database that it uses. Set `database` to one that nobody else uses"
            )
        self._is_ours = True
        self.reset(shell)
        if os.environ.get(PASSWORD):
            password = secrets.token_hex(16)
            self._ask(shell, "OK", "ACL", "SETUSER", _USER, "reset", "on", f">{password}", *_RIGHTS)
            self.login = [_USER, password]

    def reset(self, shell: Shell) -> None:
        """Make it empty, but for the marker."""
        self._ask(shell, "OK", "FLUSHDB")
        self._ask(shell, "OK", "SET", MARKER, "1")

    def fill(self, shell: Shell, key: str, first: int) -> None:
        """Set each key of the keyspace; `key` is the format of their names, `first` the first number."""
        step = max(1, min(_FILLED_AT_ONCE, _BYTES_AT_ONCE // self.payload_bytes))
        end = first + self.keyspace
        for start in range(first, end, step):
            words = (str(start), str(min(start + step, end) - 1), str(self.payload_bytes), key)
            self._ask(shell, "filled", "EVAL", _FILL, "0", *words)

    def release(self, shell: Shell) -> None:
        """Leave it empty, if it was ours."""
        if self._is_ours:
            self._ask(shell, "OK", "FLUSHDB")
        if self.login:
            self._ask(shell, "[01]", "ACL", "DELUSER", _USER)

    def _ask(self, shell: Shell, expected: str, *words: str) -> str:
        """The server's answer to a command; empty in check mode."""
        where = ["-s", self.socket] if self.socket else ["-h", shell.addressed(self.host), "-p", str(self.port)]
        user = ["--user", self.user] if self.user else []
        answer = shell.run([CLIENT.name, *where, *user, "-n", str(self.database), *words]).strip()
        # redis-cli ends with 0 after an error of the server.
        if answer and not re.fullmatch(expected, answer):
            hint = f" Its password is taken from the environment, {PASSWORD}." if "AUTH" in answer else ""
            raise BenchmarkError(f"the Redis refuses {' '.join(words[:1])}.{hint}" + last_lines(answer))
        return answer
