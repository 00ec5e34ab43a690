# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases that sysbench's tests oltp_* work in, by driver: how to reach them, fill them and remove them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.postgresql import (
    DATABASE_NAME,
    DEFAULT_DATABASE,
    PSQL,
    USER_NAME,
    PostgreSQL,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import LOOPBACK
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Program, Shell

DRIVERS = ("pgsql", "mysql")
# All tests fill their tables in the same way.
_FILLING_TEST = "oltp_read_write"
_SCRIPT = "database.lua"
# With sysbench itself, so that there is one way in, and no client to install.
_MYSQL_SCRIPT = """\
sysbench.cmdline.options = {evolve_database = {"the database", ""}, tables = {"number of tables", 0}}
local function connection()
   return sysbench.sql.driver():connect()
end
local function drop()
   connection():query("DROP DATABASE IF EXISTS " .. sysbench.opt.evolve_database)
end
local function create()
   drop()
   connection():query("CREATE DATABASE " .. sysbench.opt.evolve_database)
end
local function analyze()
   local open = connection()
   for number = 1, sysbench.opt.tables do
      open:query("ANALYZE TABLE " .. sysbench.opt.evolve_database .. ".sbtest" .. number)
   end
end
sysbench.cmdline.commands = {drop = {drop}, create = {create}, analyze = {analyze}}
"""


class Data(NamedTuple):
    """What is in the tables: equal Data are equal rows."""

    tables: int
    table_size: int
    seed: int

    def command(self, options: Sequence[str]) -> list[str]:
        """The command that makes and fills them; with one thread, since the rows depend on which thread draws them."""
        return [
            "sysbench",
            _FILLING_TEST,
            *options,
            f"--tables={self.tables}",
            f"--table-size={self.table_size}",
            f"--rand-seed={self.seed}",
            "--threads=1",
            "prepare",
        ]


class Database(ABC):
    """A server and the beginning of the names of what is made there."""

    name: str
    programs: Sequence[Program] = ()

    @abstractmethod
    def options(self, shell: Shell, name: str) -> list[str]:
        """sysbench's options for the database of this name."""

    @abstractmethod
    def restore(self, shell: Shell, name: str, data: Data) -> None:
        """Make the database again, with these data."""

    @abstractmethod
    def drop(self, shell: Shell, name: str) -> None:
        """Remove it."""


class PostgreSQLDatabase(Database):
    """The data are made once, in a template database that stays, and copied."""

    programs = (PSQL,)

    def __init__(self, section: Section, name: str) -> None:
        self.name = name
        self._server = PostgreSQL.from_section(section, "socket")

    def options(self, shell: Shell, name: str) -> list[str]:
        return [
            "--db-driver=pgsql",
            f"--pgsql-host={self._server.address(shell)}",
            f"--pgsql-port={self._server.port}",
            f"--pgsql-user={self._server.user}",
            f"--pgsql-db={name}",
        ]

    def restore(self, shell: Shell, name: str, data: Data) -> None:
        template = f"{self.name}_template_{data.tables}x{data.table_size}_{data.seed}"

        def fill(half: str) -> None:
            shell.run(data.command(self.options(shell, half)))

        self._server.template(shell, template, f"{self.name}_half", fill)
        self._server.restore(shell, name, template)

    def drop(self, shell: Shell, name: str) -> None:
        self._server.drop(shell, name)


class MySQLDatabase(Database):
    """The data are made anew each time: there is nothing to copy a database with."""

    def __init__(self, section: Section, name: str) -> None:
        self.name = name
        self._host = section.text("host", "", r"[^\s/,]+")
        self._port = section.integer("port", 3306, minimum=1, maximum=65535)
        self._socket = section.text("socket", "", r"/[^\n,]*")
        self._user = section.text("user", "", USER_NAME)
        if self._host and self._socket:
            section.fault("socket", "host is set as well, and only one of them can be")

    def options(self, shell: Shell, name: str) -> list[str]:
        if self._host or (shell.target != LOOPBACK and not self._socket):
            where = [f"--mysql-host={shell.addressed(self._host) or shell.target}", f"--mysql-port={self._port}"]
        else:
            where = [f"--mysql-socket={self._socket}"] if self._socket else []
        return ["--db-driver=mysql", *where, f"--mysql-user={self._user}", f"--mysql-db={name}"]

    def restore(self, shell: Shell, name: str, data: Data) -> None:
        self._administer(shell, name, "create")
        shell.run(data.command(self.options(shell, name)))
        # Before it is done in the background, in the middle of a run.
        self._administer(shell, name, "analyze", f"--tables={data.tables}")

    def drop(self, shell: Shell, name: str) -> None:
        self._administer(shell, name, "drop")

    def _administer(self, shell: Shell, name: str, action: str, *options: str) -> None:
        shell.write(_SCRIPT, _MYSQL_SCRIPT)
        connecting = self.options(shell, "information_schema")
        shell.run(["sysbench", f"./{_SCRIPT}", *connecting, f"--evolve-database={name}", *options, action])


def database_of(section: Section) -> Database:
    """The database that the section `database` describes."""
    section.refuse_unknown(("driver", "host", "name", "port", "socket", "user"))
    name = section.text("name", DEFAULT_DATABASE, DATABASE_NAME)
    if section.choice("driver", DRIVERS[0], DRIVERS) == "mysql":
        return MySQLDatabase(section, name)
    return PostgreSQLDatabase(section, name)
