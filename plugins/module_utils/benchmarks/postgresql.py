# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server as benchmarks use it: data made once in a template database, and copied before each measurement.

Passwords come from PGPASSWORD or ~/.pgpass, as everywhere with PostgreSQL, and never from a definition.
"""

from __future__ import annotations

import re
from typing import Callable, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.process import require_good
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import LOOPBACK
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Program, Shell

#: Databases of benchmarks are dropped and made again: their names tell them from those that somebody needs.
DATABASE_NAME = r"evolve_[a-z0-9_]{1,17}"
DEFAULT_DATABASE = "evolve_bench"
USER_NAME = r"[A-Za-z_][A-Za-z0-9_.@-]{0,62}"
PSQL = Program("psql", "postgresql-client")
DEFAULT_SOCKET_DIRECTORY = "/var/run/postgresql"
_HAS_STRATEGIES = 150000
_WRONG_USER = re.compile(r"Peer authentication failed|role \"[^\"]*\" does not exist")
_USER = (
    "\nThrough its socket a server usually lets in users who have the same name in the operating system. On "
    "that machine, as the user postgres, once: createuser --createdb root. Or set `host` and `user`, and PGPASSWORD "
    "in the environment of the task"
)


class PostgreSQL(NamedTuple):
    """How to reach a server. The user may create databases; more it need not.

    host: empty for the socket in `socket_directory` where the benchmark runs on the measured machine, else that
    machine's address. user: empty for the one who runs the benchmark.
    """

    host: str
    port: int
    socket_directory: str
    user: str

    @classmethod
    def from_section(cls, section: Section, socket: str) -> PostgreSQL:
        """As the options host, port, user, and the one called `socket`, say it."""
        if section.content.get("host") is not None and section.content.get(socket) is not None:
            section.fault(socket, "host is set as well, and only one of them can be")
        return cls(
            section.text("host", "", r"[^\s/]+"),
            section.integer("port", 5432, minimum=1, maximum=65535),
            section.text(socket, DEFAULT_SOCKET_DIRECTORY, r"/[^\n]*"),
            section.text("user", "", USER_NAME),
        )

    def address(self, shell: Shell) -> str:
        """The server's address, or the folder of its socket."""
        if self.host:
            return shell.addressed(self.host)
        return self.socket_directory if shell.target == LOOPBACK else shell.target

    def options(self, shell: Shell) -> list[str]:
        """The options of PostgreSQL's own programs. With a host they also keep Debian's wrapper from choosing one."""
        user = [f"--username={self.user}"] if self.user else []
        return [f"--host={self.address(shell)}", f"--port={self.port}", *user]

    def template(self, shell: Shell, name: str, half: str, fill: Callable[[str], None]) -> None:
        """Make the template database `name` unless it is there; `fill` fills the empty database of the name it gets.

        It gets its name, `half` before, when it is whole; from then on nobody can connect to it.
        """
        if self._sql(shell, "postgres", f"SELECT datname FROM pg_database WHERE datname = '{name}'").strip() == name:
            return
        self.drop(shell, half)
        self._sql(shell, "postgres", f"CREATE DATABASE {half}")
        fill(half)
        # What autovacuum would do some time or other, in the copies, is done now.
        self._sql(shell, half, "VACUUM (FREEZE, ANALYZE)")
        self._sql(
            shell,
            "postgres",
            f"ALTER DATABASE {half} WITH ALLOW_CONNECTIONS false",
            f"ALTER DATABASE {half} RENAME TO {name}",
        )

    def restore(self, shell: Shell, name: str, template: str) -> None:
        """Make the database `name` again, as a copy of the template."""
        self.drop(shell, name)
        found = re.search(r"^([0-9]{5,7})$", self._sql(shell, "postgres", "SHOW server_version_num"), re.MULTILINE)
        # Copying files begins and ends with a checkpoint, which a plain user could not ask for, and leaves little in
        # shared_buffers. Before version 15 there is no other way.
        strategy = "" if found and int(found.group(1)) < _HAS_STRATEGIES else " STRATEGY file_copy"
        self._sql(shell, "postgres", f'CREATE DATABASE {name} TEMPLATE "{template}"{strategy}')

    def drop(self, shell: Shell, *names: str) -> None:
        """Remove databases, also with sessions in them that a killed benchmark has left."""
        among = ", ".join(f"'{name}'" for name in names)
        self._sql(
            shell,
            "postgres",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({among})",
            *(f"DROP DATABASE IF EXISTS {name}" for name in names),
        )

    def _sql(self, shell: Shell, database: str, *statements: str) -> str:
        command = ["psql", "--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align"]
        command += ["--set=ON_ERROR_STOP=1", *self.options(shell), f"--dbname={database}"]
        command += [f"--command={statement}" for statement in statements]
        done = shell.attempt(command)
        try:
            return require_good(command, done)
        except BenchmarkError as error:
            if not _WRONG_USER.search(done.errors):
                raise
            raise BenchmarkError(f"{error}{_USER}") from error
