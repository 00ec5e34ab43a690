# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was watched of a machine during a run: kept, sent to the user's database, and made into metrics.

Trouble with watching never loses a run: it is told, and what is not there is left out. Whether that matters is for the
goals to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.formula import AmbiguousSeriesError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.series import UnknownSeriesError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import Connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.factory import backend_for
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Window
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.reading import Found, read_agent, read_back, within
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.spool import SpoolError, spool_for
from ansible_collections.evolve.vm.plugins.plugin_utils.study.embedded import Embedded
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import StoreError

# A run waits no longer than this for a database; what is left is sent later.
_SENDING_SECONDS = 10.0


@dataclass(frozen=True)
class Place:
    """Where points go. store: URL of the study's; home: the folder of the spool; connection: the user's database."""

    store: str
    home: str
    connection: Connection | None


@dataclass
class Watched:
    """A run on a machine, watched. tags: of its points, `host` among them; fields: (probe, field) that were asked for.

    `problems` says what could not be done, and `source` where the numbers are from, for people.
    """

    tags: Mapping[str, str]
    window: Window
    fields: Sequence[tuple[str, str]]
    source: str = "the sampler"
    problems: list[str] = field(default_factory=list)

    def take_up(self, points: Sequence[Point], place: Place) -> Found:
        """Keep the sampler's points, and give those of the window: as the database has them, where there is one.

        StoreError where the study's store does not take them: what waits for that may do all this again.
        """
        try:
            Embedded(place.store).write(points)
        except BackendError as error:
            raise StoreError(str(error), passing=error.passing) from None
        if place.connection is not None and self._send(points, place.home, place.connection):
            backend = backend_for(place.connection)
            try:
                found = read_back(backend, self.fields, self.tags, self.window)
                self.source = backend.shown
                return found
            except BackendError as error:
                self.problems.append(str(error))
        return within(points, self.window)

    def of_agent(self, agent: str, place: Place, interval_seconds: float) -> Found:
        """What an agent in the machine has written to the user's database."""
        if place.connection is None:
            self.problems.append(f"{agent} writes to a database, and evolve_monitoring_database names none")
            return {}
        names = [name for dummy, name in self.fields]
        machine, interval_ms = self.tags["host"], round(1000 * interval_seconds)
        try:
            backend = backend_for(place.connection)
            found = read_agent(backend, place.connection.kind, agent, names, machine, self.window, interval_ms)
            self.source = f"{agent} in {backend.shown}"
            return found
        except (BackendError, UnknownSeriesError, AmbiguousSeriesError) as error:
            self.problems.append(str(error))
            return {}

    def _send(self, points: Sequence[Point], home: str, connection: Connection) -> bool:
        """Whether the database has all of the points."""
        try:
            spool = spool_for(home, connection)
            spool.add(points)
            sent = spool.send(backend_for(connection), seconds=_SENDING_SECONDS)
        except (SpoolError, BackendError) as error:
            self.problems.append(str(error))
            return False
        if sent.rejected:
            self.problems.append(f"the database will never take some points: {sent.rejected}")
        if sent.waiting:
            waiting = f"{sent.waiting} points wait on this controller and are sent later"
            self.problems.append(f"{sent.trouble}; {waiting}" if sent.trouble else waiting)
        return not sent.waiting and not sent.rejected


def send_rest(place: Place, seconds: float) -> tuple[int, str]:
    """Send what still waits in the spool; how many points wait after that, and why."""
    if place.connection is None:
        return 0, ""
    try:
        sent = spool_for(place.home, place.connection).send(
            backend_for(place.connection), seconds=seconds, at_once=True
        )
    except (SpoolError, BackendError) as error:
        return -1, str(error)
    return sent.waiting, sent.trouble or sent.rejected
