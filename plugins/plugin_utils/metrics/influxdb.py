# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""InfluxDB 1, 2 and 3: read through InfluxQL, which all of them understand, written through what each has.

Tried on a real server: 1.6.7. Of 2 and 3 none was at hand; they are tested with answers that others recorded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import MEASUREMENT
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import Backend, BackendError, RejectedError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import Connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.http import Answer, HttpClient
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.influxdb_library import LibraryWriter
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.influxql import (
    AnswerError,
    IncompleteError,
    QueryError,
    read_series,
    select,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.line_protocol import Line, lines_of, single_fields
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Series, Window

_MOST_POINTS = 5000
_SHOWN_CHARACTERS = 300
_CHUNK_POINTS = 10_000
# A body without a point: whether it may be written is checked all the same.
_NOTHING = b"# evolve.vm\n"
# What versions say to it that do check, but want a point.
_WANTS_POINTS = ("requires points", "write was empty", "no data")
_DROPPED = re.compile(r"dropped=(\d+)")
_MISSING = re.compile(
    r"database not found|database '[^']*' not found|bucket .*not found|organization .*not found", re.DOTALL
)
_MISSING_POLICY = "retention policy not found"


class _Writer(Protocol):
    """Takes line protocol; gives an answer that is not one of those for which http.py has an exception."""

    def send(self, body: bytes) -> Answer: ...


class InfluxDb(Backend):
    """A database of InfluxDB 1, or a bucket of 2 or 3.

    A bucket is read under the name of its database and retention policy (DBRP): `name`, or `name/policy`.
    """

    def __init__(self, connection: Connection) -> None:
        self.shown = f"InfluxDB at {connection.url}"
        self._connection = connection
        self._http = HttpClient(connection, self.shown)
        self._database, dummy, self._policy = connection.database.partition("/")
        self._writer: _Writer = (
            _PlainWriter(self._http, self._place())
            if connection.version == 1
            else LibraryWriter(connection, self.shown, self._http.scrubbed)
        )

    def check(self) -> str:
        version = self._version()
        self.read(Selector(MEASUREMENT, "value"), Window(0, 1))
        answer = self._sent(_NOTHING)
        said = _said(answer)
        if answer.status >= 300 and not any(text in said for text in _WANTS_POINTS):
            raise self._failure(answer)
        return f"InfluxDB {version}, database {self._connection.database}"

    def write(self, points: Sequence[Point]) -> None:
        lines, refused = lines_of(points)
        reasons, count = refused[:1], len(refused)
        certain = True
        for batch in _batches(lines):
            rejected = self._write(batch)
            if rejected is not None:
                reasons.append(str(rejected))
                certain = certain and rejected.count is not None
                count += rejected.count or 0
        if reasons:
            number = str(count) if certain else "some"
            raise RejectedError(
                f"{self.shown} will never take {number} of {len(points)} points: {'; '.join(reasons[:3])}",
                count if certain else None,
            )

    def read(self, selector: Selector, window: Window) -> list[Series]:
        try:
            text = select(selector, window)
        except QueryError as error:
            raise BackendError(f"{self.shown}: {error}") from None
        query = [
            *self._place(),
            ("q", text),
            ("epoch", "ms"),
            # Otherwise a server may cut its answer short (max-row-limit).
            ("chunked", "true"),
            ("chunk_size", str(_CHUNK_POINTS)),
        ]
        answer = self._asked("GET", "/query", query)
        if answer.status != 200:
            raise self._failure(answer)
        # InfluxDB 3 may say nothing at all where there is nothing.
        if self._connection.version == 3 and not answer.body.strip():
            return []
        try:
            return read_series(answer.body.decode(), selector.field)
        except QueryError as error:
            raise self._failed(str(error)) from None
        except (AnswerError, IncompleteError, UnicodeDecodeError) as error:
            raise BackendError(
                f"{self.shown} gives an answer that cannot be used: {error}. It begins: {self._http.shortened(answer)}",
                passing=isinstance(error, IncompleteError),
            ) from None

    def _place(self) -> list[tuple[str, str]]:
        """The database, and the retention policy where one is named, as parameters of a request."""
        return [("db", self._database), *([("rp", self._policy)] if self._policy else [])]

    def _version(self) -> str:
        """The version that answers. BackendError where it cannot be written to in the way of the configured one."""
        answer = self._asked("GET", "/ping", [])
        version = answer.headers.get("x-influxdb-version", "").removeprefix("v")
        if answer.status >= 300 or not version:
            raise BackendError(
                f"{self.shown} does not answer as InfluxDB does (HTTP {answer.status} to /ping). Expected the address "
                f"of its HTTP interface, by default port 8086 (InfluxDB 3: 8181)"
            )
        if version.startswith(("0.", "1.")) and self._connection.version != 1:
            raise BackendError(
                f"{self.shown} is version {version}, which cannot be written to as version "
                f"{self._connection.version}. Set `version: 1`"
            )
        return version

    def _write(self, lines: Sequence[Line]) -> RejectedError | None:
        """Write what fits in one request; what was rejected of it."""
        answer = self._sent("".join(f"{line}\n" for line in lines).encode())
        if answer.status < 300:
            return None
        if answer.status == 413 and len(lines) > 1:
            middle = len(lines) // 2
            halves = [self._write(lines[:middle]), self._write(lines[middle:])]
            return _joined([each for each in halves if each is not None])
        dropped = _dropped(answer)
        if dropped is None:
            raise self._failure(answer)
        if any(len(line.fields) > 1 for line in lines):
            # A line is dropped as a whole: so that only what is at fault is lost, and can be counted.
            return self._write(single_fields(lines))
        return RejectedError(self._shown_reason(answer), dropped or None)

    def _sent(self, body: bytes) -> Answer:
        try:
            return self._writer.send(body)
        except BackendError as error:
            raise self._told(error) from None

    def _asked(self, method: str, path: str, query: Sequence[tuple[str, str]]) -> Answer:
        try:
            return self._http.request(method, path, query=query, headers={"Accept": "application/json"})
        except BackendError as error:
            raise self._told(error) from None

    def _told(self, error: BackendError) -> BackendError:
        """Some versions answer that something is missing as if it were trouble of their own."""
        text = str(error)
        return self._failed(text) if _MISSING.search(text) or _MISSING_POLICY in text else error

    def _failure(self, answer: Answer) -> BackendError:
        if answer.status == 413:
            return BackendError(f"{self.shown} takes no request of this size (HTTP 413), not even for one line")
        said = self._shown_reason(answer)
        if answer.status == 404 and "page not found" in said:
            return BackendError(
                f"{self.shown} has no such interface (HTTP 404: {said}). Look at `url`, and at `version`, which is "
                f"{self._connection.version}"
            )
        return self._failed(said, answer.status)

    def _shown_reason(self, answer: Answer) -> str:
        return self._http.scrubbed(" ".join(_said(answer).split()))[:_SHOWN_CHARACTERS]

    def _failed(self, said: str, status: int = 200) -> BackendError:
        """What an error in the database's words is called here."""
        said = self._http.scrubbed(said)
        name = self._connection.database
        if _MISSING_POLICY in said:
            return BackendError(
                f"{self.shown}: database {self._database} has no retention policy {self._policy!r} ({said}). Create "
                f"it, or give `database: {self._database}` alone, for its default one"
            )
        if _MISSING.search(said):
            return BackendError(f"{self.shown} has no {_KINDS[self._connection.version].format(name=name)} ({said})")
        return BackendError(f"{self.shown} refuses{f' with HTTP {status}' if status != 200 else ''}: {said}")


_KINDS = {
    1: "database {name}. Create it as an administrator with: influx -execute 'CREATE DATABASE \"{name}\"'",
    2: (
        "bucket {name} that can be used, or no mapping of it to a database. Create it with: influx bucket create "
        "--name '{name}', and map it for reading with: influx v1 dbrp create --bucket-id ... --db '{name}' --rp default"
    ),
    3: "database {name}. Create it with: influxdb3 create database '{name}'",
}


class _PlainWriter:
    """The write interface of InfluxDB 1."""

    def __init__(self, client: HttpClient, place: Sequence[tuple[str, str]]) -> None:
        self._client = client
        self._query = [*place, ("precision", "ms")]

    def send(self, body: bytes) -> Answer:
        return self._client.request(
            "POST", "/write", query=self._query, body=body, headers={"Content-Type": "text/plain; charset=utf-8"}
        )


def _batches(lines: Sequence[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    count = 0
    for line in lines:
        if batch and count + len(line.fields) > _MOST_POINTS:
            yield batch
            batch, count = [], 0
        batch.append(line)
        count += len(line.fields)
    if batch:
        yield batch


def _said(answer: Answer) -> str:
    """The error that an answer explains, in the forms of all versions."""
    try:
        content = json.loads(answer.body)
    except ValueError:
        return answer.text
    if not isinstance(content, dict):
        return answer.text
    said = [str(content[name]) for name in ("error", "message") if content.get(name)]
    data = content.get("data")
    lines = data if isinstance(data, list) else [data]
    said += [str(each["error_message"]) for each in lines if isinstance(each, dict) and each.get("error_message")][:3]
    return ": ".join(said) or answer.text


def _dropped(answer: Answer) -> int | None:
    """How many lines were dropped of what was taken in part; 0 for an unknown number, None where all was refused."""
    said = _said(answer)
    if "partial write" not in said and "field type conflict" not in said:
        return None
    if found := _DROPPED.search(said):
        return int(found[1])
    try:
        data = json.loads(answer.body).get("data")
    except (ValueError, AttributeError):
        return 0
    return len(data) if isinstance(data, list) else 0


def _joined(errors: Sequence[RejectedError]) -> RejectedError | None:
    if not errors:
        return None
    counts = [error.count for error in errors]
    return RejectedError(
        "; ".join(str(error) for error in errors),
        None if None in counts else sum(count for count in counts if count is not None),
    )
