# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process does on a study, transaction after transaction, without reading the study anew each time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from ansible_collections.evolve.vm.plugins.plugin_utils.study import leases, schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.ledger import Ledger
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records, Store, StoreError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study

# A lease is renewed this often in its length, and news are looked for this often in seconds.
_RENEWALS = 4
_NO_LEASE_SECONDS = 60.0
_NEWS_SECONDS = 1.0

_sessions: dict[tuple[str, str], Session] = {}


def session(url: str, study: str) -> Session:
    """This process's work on a study."""
    if (url, study) not in _sessions:
        _sessions[url, study] = Session(url, study)
    return _sessions[url, study]


def open_sessions() -> list[Session]:
    """All studies this process works on."""
    return list(_sessions.values())


class Session:
    """Transactions on one study of one store."""

    def __init__(self, url: str, study: str) -> None:
        self.url = url
        self.name = study
        self._ledger = Ledger()
        self._renew_at = 0.0
        self._look_at = 0.0
        self._revision = -1
        self._silent_since: float | None = None
        self.silence_told = False  # whether people were told that the store does not answer

    @contextmanager
    def transaction(self, *, look: bool = False) -> Iterator[Study]:
        """The study; everything done with it is committed together at the end, or not at all. To `look` is not to wait
        for others, and to change nothing."""
        with self.records(look=look) as records:
            yield Study(records, self.name, ledger=self._ledger)

    @contextmanager
    def records(self, *, look: bool = False, create: bool = False) -> Iterator[Records]:
        """The records behind it. A store that is gone is made anew only to `create` the study."""
        store: Store | None = None
        try:
            store = self._open(create)
            with store.transaction(None if look else self.name) as records:
                yield records
                self._revision = records.revision or self._revision
            self._silent_since, self.silence_told = None, False
        except BaseException as error:
            # It may hold what was rolled back.
            self._ledger = Ledger()
            if isinstance(error, StoreError) and self._silent_since is None:
                self._silent_since = time.monotonic()
            raise
        finally:
            if store is not None:
                store.close()

    @property
    def silence_seconds(self) -> float:
        """For how long the store has not answered; 0.0 where it has."""
        return 0.0 if self._silent_since is None else time.monotonic() - self._silent_since

    def _open(self, create: bool = False) -> Store:
        if not create and not Store.exists(self.url):
            raise StoreError(
                f"there is no store {Store.shown(self.url)}; check evolve_home and evolve_store, or put it back",
                passing=True,
            )
        return Store(self.url)

    def renew_lease(self) -> None:
        """Renew this controller's lease where it is time. A store that does not answer is tried again in time."""
        present = time.monotonic()
        if present < self._renew_at:
            return
        controller = leases.Controller.present()
        try:
            with self.transaction() as study:
                length = leases.renew(study, controller)
        except StoreError:
            self._renew_at = present + _NEWS_SECONDS
            return
        self._renew_at = present + (_NO_LEASE_SECONDS if length is None else length / _RENEWALS)

    def has_news(self) -> bool:
        """Whether somebody else has changed the study since this process last did."""
        present = time.monotonic()
        if present < self._look_at:
            return False
        self._look_at = present + _NEWS_SECONDS
        try:
            with closing(self._open()) as store, store.transaction() as records:
                row = records.first(schema.studies, name=self.name)
        except StoreError:
            return False
        news = row is not None and row["revision"] != self._revision
        self._revision = row["revision"] if row is not None else -1
        return news

    def stop(self, *, give_back: bool) -> bool:
        """Have nothing more handed out to this controller; False where the store does not answer."""
        try:
            with self.transaction() as study:
                leases.stop(study, leases.Controller.present(), give_back=give_back)
        except StoreError:
            return False
        return True
