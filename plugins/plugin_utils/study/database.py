# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases a store may live in, and all in which they differ: SQLite, and PostgreSQL for several controllers."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, quote_plus

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import lacking, sa
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import now

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

# How long one waits for another's transaction, and how long a controller that vanished within one may hold it up.
LOCK_WAIT_SECONDS = 300
IDLE_SECONDS = 240
CONNECT_SECONDS = 15

_FORMS = "a file, as sqlite:////var/lib/evolve/store.sqlite, or postgresql+psycopg://user:password@host/database"
# What may be written, and the driver that is meant.
_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class StoreError(RuntimeError):
    """The store cannot be opened, read or written; the message says what to do. What is `passing` may end by itself."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class Database(ABC):
    """One database. Nothing stays open between transactions, because Ansible forks a worker for every task.

    `checked` is the identity of the store whose format was found to be the present one.
    """

    # What to do, by a sign in the error: its text in lower case, or the code (SQLSTATE) that a server gives.
    ADVICE: ClassVar[Mapping[str, str]]
    # Signs, as above, of what passes or is put right from outside while one waits.
    PASSING: ClassVar[tuple[str, ...]]

    def __init__(self, url: URL) -> None:
        self.url = url
        self.checked: object = None
        self.engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=self._connect_args())

    @property
    def shown(self) -> str:
        """The URL for people: without the password, and without options, which may hold one too."""
        return str(self.url.set(query={}).render_as_string(hide_password=True))

    @abstractmethod
    def identity(self) -> object:
        """What stays the same as long as this is the same store; None where there is nothing yet."""

    @abstractmethod
    def transaction(self, lock: str | None) -> Any:
        """A context manager that gives a connection and commits at its end. One at a time for each `lock`."""

    @abstractmethod
    def alteration(self) -> Any:
        """A transaction that may create and change tables; one at a time."""

    @abstractmethod
    def now(self, connection: Connection) -> str:
        """The present as `clock.now` writes it, the same for all controllers of a study."""

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the database's errors into StoreError: what happened, and what to do."""
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            self.checked = None  # whatever happened, the next opening looks again
            cause = getattr(error, "orig", None) or error
            reason = self._without_secrets(" ".join(str(cause).split()))
            told = f"{getattr(cause, 'sqlstate', None) or ''} {reason}".lower()
            advice = next((text for sign, text in self.ADVICE.items() if sign.lower() in told), "")
            passing = any(sign.lower() in told for sign in self.PASSING)
            message = f"the store {self.shown}: {reason}" + (f"; {advice}" if advice else "")
            raise StoreError(message, passing=passing) from None

    @abstractmethod
    def _connect_args(self) -> dict[str, Any]:
        """Options of the driver."""

    def _without_secrets(self, text: str) -> str:
        given = [self.url.password, *(self.url.query.get(name) for name in ("password", "sslpassword"))]
        for secret in (str(value) for value in given if value):
            for form in (secret, quote(secret, safe=""), quote_plus(secret)):
                text = text.replace(form, "***")
        return text


class Sqlite(Database):
    """A file, for controllers of one machine. A transaction takes the write lock of the whole store at its start."""

    ADVICE: ClassVar[Mapping[str, str]] = {
        "disk is full": "free space there and run again: everything committed before is kept",
        "unable to open": "check that the folder exists and may be written by this user",
        "readonly": "check that the file and its folder may be written by this user",
        "permission denied": "check that the file and its folder may be written by this user",
        "not a database": "it is not a store of evolve.vm; move the file away or name another evolve_store",
        "malformed": "the file is damaged; restore it from a backup or name another evolve_store",
        "database is locked": "another process holds it; wait for that to finish",
    }
    PASSING: ClassVar[tuple[str, ...]] = ("disk is full", "unable to open", "readonly", "locked", "disk i/o error")

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        sa.event.listen(self.engine, "connect", _prepare_sqlite)
        sa.event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    @property
    def path(self) -> Path:
        return Path(str(self.url.database))

    def identity(self) -> object:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @contextmanager
    def transaction(self, lock: str | None) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def alteration(self) -> Iterator[Connection]:
        """A table is changed by copying it, while others refer to it: that they still do is checked at the end."""
        self._make_folder()
        with self.engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")  # type: ignore[union-attr]
            with connection.begin():
                yield connection
                if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
                    raise StoreError(
                        f"the store {self.shown} refers to rows that it does not hold: {broken}; it is left as it was"
                    )

    def now(self, connection: Connection) -> str:
        return now()

    def _connect_args(self) -> dict[str, Any]:
        return {"timeout": LOCK_WAIT_SECONDS}

    def _make_folder(self) -> None:
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot create the folder {folder} for the store: {error.strerror}") from None


class Postgresql(Database):
    """A server, for controllers on many machines. A transaction with a `lock` waits for others with the same one
    only; one without sees the store as it was at a single moment."""

    ADVICE: ClassVar[Mapping[str, str]] = {
        "password authentication failed": "check user and password in evolve_store",
        "no password supplied": "name the password in evolve_store, in PGPASSWORD or in ~/.pgpass",
        "no pg_hba.conf entry": "the server must admit this user from this host: add a line to its pg_hba.conf",
        "connection refused": "check host and port in evolve_store, and that the server is running and listens there",
        "failed to resolve host": "check the host in evolve_store",
        "timeout expired": "check host and port in evolve_store, and that no firewall stands between",
        "role": "check the user in evolve_store, or create it there with: createuser",
        "42501": "the user in evolve_store needs the right to create and change tables there: let it own the database, "
        "or GRANT USAGE, CREATE ON SCHEMA public",
        "55P03": f"another controller has held it for {LOCK_WAIT_SECONDS} seconds; see who does in pg_stat_activity, "
        "and run again",
        "25P03": f"this controller stood still for {IDLE_SECONDS} seconds, so the server undid what it had begun; "
        "run again",
        "53300": "the server has no connection left: raise its max_connections, or run with fewer forks",
        "too many clients": "the server has no connection left: raise its max_connections, or run with fewer forks",
        "53100": "free space on the server and run again: everything committed before is kept",
        "25006": "the server takes no writes at present, as a standby does not; name the primary in evolve_store",
        "57P01": "the server was shut down; run again when it is back: everything committed before is kept",
        "server closed the connection": "the server went away; run again when it is back: everything committed before "
        "is kept",
        "does not exist": "check the database in evolve_store, or create it there with: createdb",
    }
    # A server that is not reached, starts, stops, is full, is a standby for the moment, or takes too long.
    PASSING: ClassVar[tuple[str, ...]] = (
        *("connection refused", "connection reset", "connection timeout", "timeout expired"),
        *("failed to resolve host", "no route to host", "network is unreachable", "server closed the connection"),
        *("connection is lost", "connection is closed", "could not receive data", "could not send data"),
        *("eof detected", "starting up", "shutting down", "recovery mode", "too many clients"),
        *("57P01", "57P02", "57P03", "57P05", "53100", "53200", "53300", "55P03", "25P03", "25006", "40001", "40P01"),
    )

    def identity(self) -> object:
        return self.shown

    @contextmanager
    def transaction(self, lock: str | None) -> Iterator[Connection]:
        # With a lock each statement must see what was committed while it was waited for.
        level = "READ COMMITTED" if lock else "REPEATABLE READ"
        with self.engine.connect().execution_options(isolation_level=level) as connection, connection.begin():
            if lock:
                connection.exec_driver_sql(
                    f"SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s';"
                    f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s';"
                    f"SELECT pg_advisory_xact_lock({_lock_number(lock)})"
                )
            yield connection

    def alteration(self) -> Any:
        return self.transaction("format")

    def now(self, connection: Connection) -> str:
        present = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"+00:00\"')"
        return str(connection.exec_driver_sql(f"SELECT {present}").scalar_one())

    def _connect_args(self) -> dict[str, Any]:
        return {} if "connect_timeout" in self.url.query else {"connect_timeout": CONNECT_SECONDS}


@cache
def database_at(address: str) -> Database:
    """The database that an SQLAlchemy URL names, one object a process; nothing is opened yet."""
    url = parsed(address)
    if url.get_backend_name() == "sqlite":
        return Sqlite(url)
    problem = lacking("psycopg")
    if problem:
        raise StoreError(f"evolve_store: a store in PostgreSQL {problem}")
    return Postgresql(url)


def parsed(address: str) -> URL:
    """The URL, with the driver named. StoreError, which does not repeat it, where it is none that can hold a store."""
    try:
        url = sa.make_url(address)
        misread = "@" in (url.database or "")  # the end of a password that was not written by codes
    except (sa.exc.ArgumentError, ValueError):
        misread = True
    if misread:
        raise StoreError(
            f"evolve_store is not the address of a database. Expected {_FORMS}. In a user or password, write special "
            f"characters such as @ : / # % by their codes (%40 %3A %2F %23 %25)"
        )
    if url.drivername not in _DRIVERS:
        raise StoreError(f"evolve_store names {url.drivername}, which no store can live in. Expected {_FORMS}")
    url = url.set(drivername=_DRIVERS[url.drivername])
    if not url.database or url.database == ":memory:":
        what = "file" if url.drivername == "sqlite" else "database"
        raise StoreError(f"evolve_store names no {what}. Expected {_FORMS}")
    return url


def _prepare_sqlite(connection: Any, dummy: Any) -> None:
    """Leave transactions to us (SQLAlchemy's pysqlite recipe), and sync each commit to disk."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _lock_number(name: str) -> int:
    """The advisory lock of this name, among all that applications of the database may take."""
    return int.from_bytes(hashlib.blake2b(f"evolve.vm {name}".encode(), digest_size=8).digest(), signed=True)
