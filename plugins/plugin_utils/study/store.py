# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store: a database with every study, trial and measurement.

SQLite by default. A transaction takes the write lock at its start, so what is decided within one (which configuration
is next) rests on everything committed before, and what is committed is on disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import require, sa
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

Row = dict[str, Any]

_LOCK_WAIT_SECONDS = 60
_ADVICE = {
    "disk is full": "free space there and run again: everything committed before is kept",
    "unable to open": "check that the folder exists and may be written by this user",
    "readonly": "check that the file and its folder may be written by this user",
    "permission denied": "check that the file and its folder may be written by this user",
    "not a database": "it is not a store of evolve.vm; move the file away or name another evolve_store",
    "malformed": "the file is damaged; restore it from a backup or name another evolve_store",
    "database is locked": "another process holds it; wait for that to finish",
}


class StoreError(RuntimeError):
    """The store cannot be opened, read or written; the message says what to do."""


class Store:
    """A database of studies. `url` is an SQLAlchemy URL; tables are created, or brought to the present format."""

    def __init__(self, url: str) -> None:
        require()
        self.url = url
        with self._explained():
            self._engine = sa.create_engine(url, **_options(url))
        if self._engine.dialect.name == "sqlite":
            _make_transactions_immediate(self._engine)
            if self._engine.url.database:
                self._make_folder(Path(self._engine.url.database).parent)
        with self._explained():
            schema.metadata.create_all(self._engine)
        self._check_version()

    @staticmethod
    def exists(url: str) -> bool:
        """Whether there is something at this URL; only of an SQLite file can it be told that there is nothing."""
        require()
        try:
            address = sa.engine.make_url(url)
        except sa.exc.ArgumentError:
            return True  # opening it says what is wrong
        return address.get_backend_name() != "sqlite" or not address.database or Path(address.database).exists()

    def close(self) -> None:
        """Release the connections."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Records]:
        """Everything done with the records is committed together at the end, or not at all."""
        with self._explained(), self._engine.begin() as connection:
            yield Records(connection)

    def _check_version(self) -> None:
        """Mark a new store with its format, and bring one of an earlier format to the present one."""
        with self.transaction() as records:
            row = records.first(schema.store_info)
            if row is None:
                records.insert(schema.store_info, schema_version=schema.VERSION)
                return
            found = row["schema_version"]
            while found in schema.MIGRATIONS:
                for statement in schema.MIGRATIONS[found]:
                    records.execute(statement)
                found += 1
            if found != schema.VERSION:
                raise StoreError(
                    f"the store {self._shown()} has format {found}, this version of evolve.vm reads formats up to "
                    f"{schema.VERSION}: use the version that wrote it, or name another evolve_store"
                )
            if found != row["schema_version"]:
                records.update(schema.store_info, {"schema_version": found})

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot create the folder {folder} for the store: {error.strerror}") from None

    def _shown(self) -> str:
        """The URL without its password."""
        return str(self._engine.url.render_as_string(hide_password=True))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error)
            advice = next((text for sign, text in _ADVICE.items() if sign in reason.lower()), "")
            shown = self._shown() if hasattr(self, "_engine") else "named by evolve_store"
            raise StoreError(f"the store {shown}: {reason}" + (f"; {advice}" if advice else "")) from None


class Records:
    """Rows as plain dicts, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, table: Table, *, order_by: str | None = None, **equal: Any) -> list[Row]:
        """Rows whose columns equal the values given."""
        query = sa.select(table).where(*_conditions(table, equal))
        if order_by is not None:
            query = query.order_by(table.c[order_by])
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def first(self, table: Table, **equal: Any) -> Row | None:
        """One such row, or None."""
        rows = self.all(table, **equal)
        return rows[0] if rows else None

    def count(self, table: Table, **equal: Any) -> int:
        """How many such rows there are."""
        query = sa.select(sa.func.count()).select_from(table).where(*_conditions(table, equal))
        return int(self._connection.execute(query).scalar_one())

    def insert(self, table: Table, **values: Any) -> Any:
        """Add a row; returns its primary key."""
        key = self._connection.execute(sa.insert(table).values(**values)).inserted_primary_key
        return key[0] if key else None

    def update(self, table: Table, changes: Mapping[str, Any], **equal: Any) -> int:
        """Change the rows whose columns equal the values given; returns how many."""
        statement = sa.update(table).where(*_conditions(table, equal)).values(**changes)
        return int(self._connection.execute(statement).rowcount)

    def execute(self, statement: str) -> None:
        """Run a statement of SQL as it is, such as one that changes a table."""
        self._connection.exec_driver_sql(statement)


def _conditions(table: Table, equal: Mapping[str, Any]) -> Sequence[Any]:
    return [table.c[name].in_(v) if isinstance(v, (list, tuple)) else table.c[name] == v for name, v in equal.items()]


def _options(url: str) -> dict[str, Any]:
    return {"connect_args": {"timeout": _LOCK_WAIT_SECONDS}} if url.startswith("sqlite") else {}


def _make_transactions_immediate(engine: Any) -> None:
    """SQLite: take the write lock when a transaction begins, sync each commit (SQLAlchemy's pysqlite recipe)."""

    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")

    def begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    sa.event.listen(engine, "connect", connected)
    sa.event.listen(engine, "begin", begun)
