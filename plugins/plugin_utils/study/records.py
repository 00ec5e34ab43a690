# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the store as plain dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import sa
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

Row = dict[str, Any]


class Records:
    """The rows of all tables, within one transaction.

    Where the transaction is on a study, `revision` counts the transactions on it up to this one, and every row of
    `trials` and `measurements` that is written carries it. Elsewhere it is 0, and those tables are only read.
    """

    def __init__(self, connection: Connection, database: Database, study: str | None = None) -> None:
        self._connection = connection
        self._database = database
        self._study = study
        self.revision = self._next_revision() if study is not None else 0

    def all(self, table: Table, *, order_by: str | None = None, **equal: Any) -> list[Row]:
        """Rows whose columns equal the values given, in the order of their keys or of another column."""
        return self._rows(table, _conditions(table, equal), order_by)

    def changed(self, table: Table, since: int, **equal: Any) -> list[Row]:
        """Such rows that were written in revision `since` or later."""
        return self._rows(table, [table.c.revision >= since, *_conditions(table, equal)])

    def first(self, table: Table, **equal: Any) -> Row | None:
        """One such row, or None."""
        rows = self.all(table, **equal)
        return rows[0] if rows else None

    def column(self, table: Table, name: str, **equal: Any) -> list[Any]:
        """One column of such rows."""
        query = sa.select(table.c[name]).where(*_conditions(table, equal)).order_by(*table.primary_key)
        return list(self._connection.execute(query).scalars())

    def count(self, table: Table, **equal: Any) -> int:
        """How many such rows there are."""
        query = sa.select(sa.func.count()).select_from(table).where(*_conditions(table, equal))
        return int(self._connection.execute(query).scalar_one())

    def insert(self, table: Table, **values: Any) -> Any:
        """Add a row; returns its primary key."""
        if table is schema.studies and values["name"] == self._study:
            values["revision"] = self.revision
        elif table in schema.STAMPED:
            values["revision"] = self._stamp(table, values["study"])
        key = self._connection.execute(sa.insert(table).values(**_storable(values))).inserted_primary_key
        return key[0] if key else None

    def update(self, table: Table, changes: Mapping[str, Any], **equal: Any) -> int:
        """Change the rows whose columns equal the values given; returns how many."""
        if table in schema.STAMPED:
            equal = {"study": self._study, **equal}
            changes = {**changes, "revision": self._stamp(table, equal["study"])}
        statement = sa.update(table).where(*_conditions(table, equal)).values(**_storable(changes))
        return int(self._connection.execute(statement).rowcount)

    def execute(self, statement: Any) -> Any:
        """The result of any other statement on tables without a revision."""
        return self._connection.execute(statement)

    def now(self) -> str:
        """The present by the store's clock, which all controllers of a study share."""
        return self._database.now(self._connection)

    def _rows(self, table: Table, conditions: Sequence[Any], order_by: str | None = None) -> list[Row]:
        order = table.primary_key if order_by is None else [table.c[order_by]]
        query = sa.select(table).where(*conditions).order_by(*order)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def _stamp(self, table: Table, study: str | None) -> int:
        """The revision of a row of this study; a programming error where the transaction is not on it."""
        if study is None or study != self._study:
            place = "on no study" if self._study is None else f"on study {self._study!r}"
            raise RuntimeError(f"a row of {table.name} of study {study!r} cannot be written in a transaction {place}")
        return self.revision

    def _next_revision(self) -> int:
        own, revision = schema.studies.c.name == self._study, schema.studies.c.revision
        self._connection.execute(sa.update(schema.studies).where(own).values(revision=revision + 1))
        return self._connection.execute(sa.select(revision).where(own)).scalar() or 1


def _storable(values: Mapping[str, Any]) -> Row:
    """A program's last words may hold a zero byte, which PostgreSQL takes in no text."""
    return {
        name: value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
        for name, value in values.items()
    }


def _conditions(table: Table, equal: Mapping[str, Any]) -> Sequence[Any]:
    return [table.c[name].in_(v) if isinstance(v, (list, tuple)) else table.c[name] == v for name, v in equal.items()]
