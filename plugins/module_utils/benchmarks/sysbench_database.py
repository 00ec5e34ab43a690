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
_SCRIPT = "evolve.lua"
# With sysbench itself, so that there is one way in, and no client to install. Its own `prepare` heeds no seed
# (akopytov/sysbench#524): the generators are seeded before. One thread, since the rows depend on which one draws them.
_SCRIPT_TEXT = """\
require("oltp_common")
local ffi = require("ffi")
ffi.cdef("void srandom(unsigned int seed); void sb_rand_thread_init(void);")
sysbench.cmdline.options.evolve_database = {"the database", ""}
sysbench.cmdline.options.evolve_seed = {"seed of the rows", 1}
function event()
end
local function query(statement)
   sysbench.sql.driver():connect():query(statement)
end
local function drop()
   query("DROP DATABASE IF EXISTS " .. sysbench.opt.evolve_database)
end
local function create()
   drop()
   query("CREATE DATABASE " .. sysbench.opt.evolve_database)
end
local function fill()
   ffi.C.srandom(sysbench.opt.evolve_seed)
   ffi.C.sb_rand_thread_init()
   cmd_prepare()
end
local function analyze()
   for number = 1, sysbench.opt.tables do
      query("ANALYZE TABLE sbtest" .. number)
   end
end
sysbench.cmdline.commands = {drop = {drop}, create = {create}, fill = {fill}, analyze = {analyze}}
"""


class Data(NamedTuple):
    """What is in the tables: equal Data are equal rows."""

    tables: int
    table_size: int
    seed: int

    @property
    def options(self) -> list[str]:
        """sysbench's options for them."""
        return [f"--tables={self.tables}", f"--table-size={self.table_size}", f"--evolve-seed={self.seed}"]


def _administer(shell: Shell, action: str, options: Sequence[str]) -> None:
    shell.write(_SCRIPT, _SCRIPT_TEXT)
    shell.run(["sysbench", f"./{_SCRIPT}", *options, action])


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

    @property
    def _half(self) -> str:
        return f"{self.name}_half"

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
            _administer(shell, "fill", [*self.options(shell, half), *data.options])

        self._server.template(shell, template, self._half, fill)
        self._server.restore(shell, name, template)

    def drop(self, shell: Shell, name: str) -> None:
        self._server.drop(shell, name, self._half)


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
        options = [*self.options(shell, name), *data.options]
        _administer(shell, "fill", options)
        # Before it is done in the background, in the middle of a run.
        _administer(shell, "analyze", options)

    def drop(self, shell: Shell, name: str) -> None:
        self._administer(shell, name, "drop")

    def _administer(self, shell: Shell, name: str, action: str) -> None:
        # From another database, because this one may not be there.
        _administer(shell, action, [*self.options(shell, "information_schema"), f"--evolve-database={name}"])


def database_of(section: Section) -> Database:
    """The database that the section `database` describes."""
    section.refuse_unknown(("driver", "host", "name", "port", "socket", "user"))
    name = section.text("name", DEFAULT_DATABASE, DATABASE_NAME)
    if section.choice("driver", DRIVERS[0], DRIVERS) == "mysql":
        return MySQLDatabase(section, name)
    return PostgreSQLDatabase(section, name)
