# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The format of a store: created in the present one, or brought to it by migrations.

A store says its format in the table `alembic_version`, as Alembic does; the first two formats did in `store_info`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import lacking, optional, sa
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.database import Database, StoreError
from ansible_collections.evolve.vm.plugins.plugin_utils.version import collection_version

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"


def bring_to_present(database: Database) -> None:
    """Create the tables, or change those of an earlier format; of several that come at once, one does and all wait.

    StoreError where the format is not known here, or where Alembic is needed and missing.
    """
    if database.identity() is not None:
        with database.transaction(None) as connection:
            if _format_of(connection) == schema.FORMAT:
                return
    with database.alteration() as connection:
        found = _format_of(connection)
        if found is None:
            _create(connection)
        elif found not in schema.FORMATS:
            raise StoreError(
                f"the store {database.shown} has format {found}; evolve.vm {collection_version()} knows formats up to "
                f"{schema.FORMAT}. Where a newer evolve.vm wrote it, install that one on this controller too; where "
                f"another application did, or to keep this version, name another evolve_store"
            )
        elif found != schema.FORMAT:
            if problem := lacking("alembic"):
                raise StoreError(
                    f"bringing the store {database.shown} from format {found} to {schema.FORMAT} {problem}"
                )
            migrate(connection, found)


def migrate(connection: Connection, found: str | None, wanted: str = schema.FORMAT) -> None:
    """Lead a store from one format to a later one; None is an empty database."""
    directory = optional("alembic.script").ScriptDirectory(str(MIGRATIONS))
    context = optional("alembic.migration").MigrationContext.configure(connection)
    operations = optional("alembic.operations").Operations(context)
    for step in reversed(list(directory.iterate_revisions(wanted, found or "base"))):
        step.module.upgrade(operations)
    context.stamp(directory, wanted)


def _format_of(connection: Connection) -> str | None:
    """The format a store says it has; None where there is no store."""
    inspector = sa.inspect(connection)
    if inspector.has_table(schema.alembic_version.name):
        return connection.execute(sa.select(schema.alembic_version)).scalar()
    if not inspector.has_table("store_info"):
        return None
    return "0002" if "stopped" in {column["name"] for column in inspector.get_columns("studies")} else "0001"


def _create(connection: Connection) -> None:
    schema.metadata.create_all(connection)
    schema.alembic_version.create(connection, checkfirst=True)
    connection.execute(sa.insert(schema.alembic_version).values(version_num=schema.FORMAT))
