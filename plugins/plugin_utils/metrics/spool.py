# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points on their way to a database, kept on the controller until it has taken them.

A database that is down neither holds up a trial nor loses its points: they wait here, and are sent later in the order
they came in. They are removed once the database has said that it has them. A controller that is killed in between
sends them again, which does no harm: a point written twice is one point.
"""

from __future__ import annotations

import fcntl
import json
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import Backend, BackendError, RejectedError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import Connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point

_BATCH = 5000
_BUSY_SECONDS = 30.0
_TICK_SECONDS = 0.02
# After trouble the database is left alone for a while, longer each time.
_PAUSE_SECONDS = 15.0
_LONGEST_PAUSE_SECONDS = 600.0
# Of what a database refuses for good, this many notes are kept.
_NOTES = 100


class SpoolError(RuntimeError):
    """The spool itself cannot be written, such as on a full disk."""


class Sent(NamedTuple):
    """What came of sending. trouble: why points still wait, where some do; rejected: what the database refused."""

    points: int
    waiting: int
    trouble: str = ""
    rejected: str = ""


class Spool:
    """The points that wait for one database, in the SQLite file `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, points: Sequence[Point]) -> None:
        """Keep points; they are on disk when this returns."""
        if points:
            content = json.dumps(points, separators=(",", ":"))
            with self._open() as database:
                database.execute("INSERT INTO waiting (count, points) VALUES (?, ?)", (len(points), content))
                database.commit()

    @property
    def waiting(self) -> int:
        """How many points wait."""
        if not self._path.exists():
            return 0
        with self._open() as database:
            return _waiting(database)

    def send(self, backend: Backend, *, seconds: float, at_once: bool = False) -> Sent:
        """Send what waits, oldest first, for about so long at most.

        One process sends at a time, and others wait for it. Where the database was in trouble a moment ago it is left
        alone, unless it is to be tried `at_once`. Never raises for the database's trouble.
        """
        if not self._path.exists():
            return Sent(0, 0)
        end = time.monotonic() + seconds
        with self._open() as database, self._alone(end) as alone:
            pause = _pause(database)
            if not alone:
                return Sent(0, _waiting(database), "another process is sending")
            if not at_once and pause.until > time.time():
                return Sent(0, _waiting(database), pause.reason)
            return self._send(database, backend, end)

    def _send(self, database: sqlite3.Connection, backend: Backend, end: float) -> Sent:
        sent, trouble, rejected = 0, "", ""
        while True:
            last, points = _oldest(database)
            if not points:
                break
            try:
                backend.write(points)
            except RejectedError as error:
                rejected = str(error)
                with database:
                    _note(database, rejected, error.count or len(points))
            except BackendError as error:
                trouble = str(error)
                with database:
                    _set_pause(database, trouble)
                break
            with database:
                # Rows are added behind and taken away in front, so that those up to the last are the ones sent.
                database.execute("DELETE FROM waiting WHERE id <= ?", (last,))
                database.execute("DELETE FROM pause")
            sent += len(points)
            if time.monotonic() > end:
                trouble = "there was more than could be sent in the time"
                break
        waiting = _waiting(database)
        return Sent(sent, waiting, trouble if waiting else "", rejected)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as database:
                database.execute("PRAGMA synchronous = FULL")
                with database:
                    for statement in _TABLES:
                        database.execute(statement)
                yield database
        except (sqlite3.Error, OSError) as error:
            raise SpoolError(f"points for the database cannot be kept in {self._path}: {error}") from None

    @contextmanager
    def _alone(self, end: float) -> Iterator[bool]:
        """Whether nobody else is sending, which is waited for. The lock ends with the process, however that ends."""
        with open(f"{self._path}.lock", "a", encoding="ascii") as file:
            while not (locked := _locked(file)) and time.monotonic() < end:
                time.sleep(_TICK_SECONDS)
            yield locked


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def spool_for(home: str, connection: Connection) -> Spool:
    """The spool of a database: a file under evolve_home that is sent to no other one."""
    where = urlsplit(connection.url)
    name = "-".join(part for part in (connection.kind, where.netloc, where.path, connection.database) if part)
    return Spool(Path(home) / "spool" / f"{re.sub('[^A-Za-z0-9.-]+', '-', name)}.sqlite")


class _Pause(NamedTuple):
    until: float
    seconds: float
    reason: str


_TABLES = (
    "CREATE TABLE IF NOT EXISTS waiting (id INTEGER PRIMARY KEY AUTOINCREMENT, count INTEGER, points TEXT)",
    "CREATE TABLE IF NOT EXISTS pause (until REAL, seconds REAL, reason TEXT)",
    "CREATE TABLE IF NOT EXISTS rejected (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL, count INTEGER, reason TEXT)",
)


def _oldest(database: sqlite3.Connection) -> tuple[int, list[Point]]:
    """The points of the rows in front, up to a batch, and the last of these rows."""
    last = 0
    points: list[Point] = []
    for identifier, count, content in database.execute("SELECT id, count, points FROM waiting ORDER BY id"):
        if points and len(points) + count > _BATCH:
            break
        last = identifier
        points += [_point(*each) for each in json.loads(content)]
    return last, points


def _point(measurement: str, name: str, tags: list[list[str]], at_ms: int, value: float) -> Point:
    return Point(measurement, name, tuple((tag, text) for tag, text in tags), at_ms, value)


def _waiting(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT COALESCE(SUM(count), 0) FROM waiting").fetchone()[0])


def _pause(database: sqlite3.Connection) -> _Pause:
    row = database.execute("SELECT until, seconds, reason FROM pause").fetchone()
    # A clock that was set back must not make it endless.
    return _Pause(0.0, 0.0, "") if row is None or row[0] > time.time() + _LONGEST_PAUSE_SECONDS else _Pause(*row)


def _set_pause(database: sqlite3.Connection, reason: str) -> None:
    seconds = min(max(_PAUSE_SECONDS, 2 * _pause(database).seconds), _LONGEST_PAUSE_SECONDS)
    database.execute("DELETE FROM pause")
    database.execute("INSERT INTO pause VALUES (?, ?, ?)", (time.time() + seconds, seconds, reason))


def _note(database: sqlite3.Connection, reason: str, count: int) -> None:
    database.execute("INSERT INTO rejected (at, count, reason) VALUES (?, ?, ?)", (time.time(), count, reason))
    database.execute("DELETE FROM rejected WHERE id <= (SELECT MAX(id) FROM rejected) - ?", (_NOTES,))
