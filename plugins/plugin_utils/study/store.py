# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store: a database with every study, trial and measurement.

What is decided within a transaction on a study (which configuration is next) rests on everything committed before,
whoever committed it; and what is committed is on disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import require
from ansible_collections.evolve.vm.plugins.plugin_utils.study.database import Sqlite, StoreError, database_at
from ansible_collections.evolve.vm.plugins.plugin_utils.study.formats import bring_to_present
from ansible_collections.evolve.vm.plugins.plugin_utils.study.records import Records, Row

__all__ = ["Records", "Row", "Store", "StoreError"]


class Store:
    """A database of studies. `url` is an SQLAlchemy URL; tables are created, or brought to the present format.

    That is looked at once in a process; from then on, opening makes no query unless the store is another one.
    """

    def __init__(self, url: str) -> None:
        require()
        self.url = url
        self._database = database_at(url)
        if self._database.checked is None or self._database.checked != self._database.identity():
            with self._database.explained():
                bring_to_present(self._database)
            self._database.checked = self._database.identity()

    @staticmethod
    def exists(url: str) -> bool:
        """Whether there is something at this URL; only of an SQLite file can it be told that there is nothing."""
        require()
        database = database_at(url)
        return not isinstance(database, Sqlite) or database.path.exists()

    @staticmethod
    def shown(url: str) -> str:
        """The URL as people may see it: without the password."""
        require()
        return database_at(url).shown

    def close(self) -> None:
        """Release the connections."""
        self._database.engine.dispose()

    @contextmanager
    def transaction(self, study: str | None = None) -> Iterator[Records]:
        """Everything done with the records is committed together at the end, or not at all.

        With the name of a study, one at a time works on it, also where it does not exist yet; see Records for what
        that counts. Without a name it is for looking.
        """
        with self._database.explained(), self._database.transaction(f"study {study}" if study else None) as connection:
            yield Records(connection, self._database, study)
