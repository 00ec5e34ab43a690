# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of a remote write request: protobuf, compressed. Pure.

The protocol is Prometheus remote write 1.0 (https://prometheus.io/docs/specs/prw/remote_write_spec/):

    message WriteRequest { repeated TimeSeries timeseries = 1; }
    message TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; }
    message Label        { string name = 1; string value = 2; }
    message Sample       { double value = 1; int64 timestamp = 2; }  // milliseconds

It must be compressed as a snappy block. A block may consist of literals alone, which any decoder reads; our batches
are small, so nothing is gained by a library that makes them smaller.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
# Wire types of protobuf.
_VARINT = 0
_DOUBLE = 1
_LENGTH = 2
# The tag of a snappy literal whose length, less 1, follows in two bytes.
_LITERAL = 61 << 2
_LONGEST_LITERAL = 1 << 16


def encoded(series: Iterable[tuple[Mapping[str, str], Sequence[tuple[int, float]]]]) -> bytes:
    """The body for series: labels, `__name__` among them, and points (at_ms, value).

    Servers want the points of a series in the order of time, which is the caller's business. Labels are sorted here.
    """
    return _block(b"".join(_part(1, _time_series(labels, points)) for labels, points in series))


def _time_series(labels: Mapping[str, str], points: Sequence[tuple[int, float]]) -> bytes:
    named = (_part(1, name.encode()) + _part(2, value.encode()) for name, value in sorted(labels.items()))
    samples = (
        _key(1, _DOUBLE) + struct.pack("<d", value) + _key(2, _VARINT) + _varint(at_ms) for at_ms, value in points
    )
    return b"".join([*(_part(1, label) for label in named), *(_part(2, sample) for sample in samples)])


def _part(number: int, content: bytes) -> bytes:
    return _key(number, _LENGTH) + _varint(len(content)) + content


def _key(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number as the 64 bits of its two's complement."""
    number &= (1 << 64) - 1
    content = bytearray()
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    return bytes(content)


def _block(content: bytes) -> bytes:
    parts = [_varint(len(content))]
    for begin in range(0, len(content), _LONGEST_LITERAL):
        literal = content[begin : begin + _LONGEST_LITERAL]
        parts += [struct.pack("<BH", _LITERAL, len(literal) - 1), literal]
    return b"".join(parts)
