# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records in files that one process appends to while others read: a segment after another, the oldest removed in time.

A segment is called NUMBER.open while it grows, and NUMBER-NEWEST.jsonl afterwards, where NEWEST is the time of its
newest record in ms. Each line is a record in JSON; a last line without an end is being written, and is no record yet.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from typing import Any, Callable, Iterator, NamedTuple, Sequence, Tuple

_OPEN = ".open"
_CLOSED = ".jsonl"
_TRIES = 5

# The time in ms, and what becomes a line.
Record = Tuple[int, Any]


class Limits(NamedTuple):
    """When a segment is closed, and when it is removed."""

    segment_bytes: int = 2**20
    segment_seconds: float = 600.0
    kept_ms: int = 24 * 3600 * 1000
    kept_bytes: int = 128 * 2**20


class Segment(NamedTuple):
    """A file. newest_ms: None while it grows."""

    path: str
    number: int
    newest_ms: int | None


class SegmentWriter:
    """The one process that appends. heading: the lines that every segment begins with."""

    def __init__(
        self,
        folder: str,
        heading: Callable[[], list[Any]],
        limits: Limits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._heading = heading
        self._limits = limits or Limits()
        self._monotonic = monotonic
        self._handle: int | None = None
        self._path = ""
        self._begun = 0.0
        self._size = 0
        self._newest_ms = 0
        self.removed_ms = 0
        """The time of the newest record that was removed."""
        for segment in segments(folder):
            if segment.newest_ms is None:
                # Of a process that was killed.
                _close(segment.path, _newest(segment.path))

    def write(self, records: Sequence[Record]) -> None:
        """Append records, all or none. Raises OSError."""
        if not records:
            return
        if self._handle is None:
            self._begin()
        self._append([line for dummy, line in records])
        self._newest_ms = max(self._newest_ms, *(at_ms for at_ms, dummy in records))
        age = self._monotonic() - self._begun
        if self._size >= self._limits.segment_bytes or age >= self._limits.segment_seconds:
            self.close()
            self._remove_old()

    def close(self) -> None:
        """End the segment; the next record begins another."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
            _close(self._path, self._newest_ms)

    def _begin(self) -> None:
        number = 1 + max((segment.number for segment in segments(self._folder)), default=0)
        path = os.path.join(self._folder, f"{number:08d}{_OPEN}")
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._path, self._begun, self._size, self._newest_ms = path, self._monotonic(), 0, 0
        try:
            self._append(self._heading())
        except OSError:
            os.close(self._handle)
            self._handle = None
            os.unlink(path)
            raise

    def _append(self, lines: Sequence[Any]) -> None:
        if self._handle is None:
            raise OSError("no segment is open")
        data = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines).encode()
        written = 0
        try:
            while written < len(data):
                written += os.write(self._handle, data[written:])
        except OSError:
            # No half of a line stays, which the next would be appended to.
            os.ftruncate(self._handle, self._size)
            raise
        self._size += written

    def _remove_old(self) -> None:
        # Those that were closed, the newest of which always stays.
        closed = [(segment, _size(segment.path)) for segment in segments(self._folder) if segment.newest_ms is not None]
        total = sum(size for dummy, size in closed)
        for segment, size in closed[:-1]:
            newest = segment.newest_ms or 0
            if total <= self._limits.kept_bytes and newest >= self._newest_ms - self._limits.kept_ms:
                return
            os.unlink(segment.path)
            self.removed_ms = max(self.removed_ms, newest)
            total -= size


def segments(folder: str) -> list[Segment]:
    """The segments of a folder, in the order in which they were begun."""
    found = []
    for name in os.listdir(folder):
        stem, end = os.path.splitext(name)
        number, dummy, newest = stem.partition("-")
        if number.isdigit() and end == _OPEN:
            found.append(Segment(os.path.join(folder, name), int(number), None))
        elif number.isdigit() and newest.isdigit() and end == _CLOSED:
            found.append(Segment(os.path.join(folder, name), int(number), int(newest)))
    return sorted(found, key=lambda segment: segment.number)


def read_records(folder: str, since_ms: int) -> Iterator[list[Any]]:
    """The records of each segment that has any later than `since_ms`, and of the last, headings included."""
    done = -1
    for dummy in range(_TRIES):
        try:
            present = segments(folder)
            for segment in present:
                # What goes on is told in the heading of the last, however old that is.
                is_new = segment.newest_ms is None or segment.newest_ms > since_ms or segment == present[-1]
                if segment.number > done and is_new:
                    with open(segment.path, "rb") as file:
                        data = file.read()
                    done = segment.number
                    yield _records(data)
            return
        except FileNotFoundError:
            # Closed, and so called differently, or removed meanwhile.
            continue


def _records(data: bytes) -> list[Any]:
    found = []
    for line in data.split(b"\n")[:-1]:
        # A line that is damaged is passed over.
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def _newest(path: str) -> int:
    """The time of the newest record: each is a list that begins with it, or has it as `at_ms`."""
    with open(path, "rb") as file:
        records = _records(file.read())
    times = [record[0] for record in records if isinstance(record, list) and record]
    times += [record["at_ms"] for record in records if isinstance(record, dict) and "at_ms" in record]
    return max(times, default=0)


def _close(path: str, newest_ms: int) -> None:
    with suppress(FileNotFoundError):
        os.rename(path, f"{os.path.splitext(path)[0]}-{newest_ms}{_CLOSED}")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
