# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points kept in the study's store: what needs no server, and what is there when a server is not.

A row holds what is written at once of one series, so that a trial adds some twenty rows and not a thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import sa
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import Backend, BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Series, Window
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records, Store, StoreError

# Tags that have a column of their own.
_COLUMNS = ("host", "study")


class Embedded(Backend):
    """The store at an SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.shown = f"the study's store {Store.shown(url)}"

    def check(self) -> str:
        with self._records():
            return self.shown

    def write(self, points: Sequence[Point]) -> None:
        with self._records() as records:
            for (measurement, name, tags), group in groupby(sorted(points), key=lambda point: point[:3]):
                times = [[point.at_ms, point.value] for point in group]
                records.insert(
                    schema.samples,
                    measurement=measurement,
                    field=name,
                    **{name: dict(tags).get(name, "") for name in _COLUMNS},
                    tags=dict(tags),
                    begin_ms=times[0][0],
                    end_ms=times[-1][0],
                    points=times,
                )

    def read(self, selector: Selector, window: Window) -> list[Series]:
        wanted = dict(selector.tags)
        columns = schema.samples.c
        query = (
            sa.select(columns.tags, columns.points)
            .where(columns.measurement == selector.measurement, columns.field == selector.field)
            .where(columns.end_ms > window.begin_ms, columns.begin_ms <= window.end_ms)
            .order_by(columns.id)
        )
        for name in _COLUMNS:
            if name in wanted:
                query = query.where(columns[name] == wanted[name])
        found: dict[tuple[tuple[str, str], ...], dict[int, float]] = {}
        with self._records() as records:
            for tags, points in records.execute(query):
                if all(tags.get(name) == value for name, value in wanted.items()):
                    # What was written again takes the place of what was there.
                    series = found.setdefault(tuple(sorted(tags.items())), {})
                    series.update((at_ms, value) for at_ms, value in points if window.holds(at_ms))
        return [Series(dict(tags), sorted(found[tags].items())) for tags in sorted(found) if found[tags]]

    def forget(self, study: str, before_ms: int) -> int:
        """Remove what is wholly older of the points of a study; returns how many rows that were."""
        columns = schema.samples.c
        old = sa.delete(schema.samples).where(columns.study == study, columns.end_ms < before_ms)
        with self._records() as records:
            return int(records.execute(old).rowcount)

    @contextmanager
    def _records(self) -> Iterator[Records]:
        """The records of the store, which is not made anew where it is gone."""
        if not Store.exists(self._url):
            raise BackendError(f"there is no store {Store.shown(self._url)}", passing=True)
        try:
            store = Store(self._url)
            try:
                with store.transaction() as records:
                    yield records
            finally:
                store.close()
        except StoreError as error:
            raise BackendError(str(error), passing=error.passing) from None
