# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of remote write, taken apart by a decoder written after the specifications alone."""

from __future__ import annotations

import math
import random
import struct

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.remote_write import encoded


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def unpacked(block):
    """A snappy block (format_description.txt of google/snappy); copies are not expected."""
    length, at = varint(block, 0)
    content = b""
    while at < len(block):
        tag = block[at]
        at += 1
        assert tag & 3 == 0, "a copy"
        size = tag >> 2
        if size >= 60:
            count = size - 59
            size = int.from_bytes(block[at : at + count], "little")
            at += count
        content += block[at : at + size + 1]
        assert at + size + 1 <= len(block)
        at += size + 1
    assert len(content) == length
    return content


def fields(message):
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, at = varint(message, at)
        elif wire_type == 1:
            (value,) = struct.unpack_from("<d", message, at)
            at += 8
        else:
            assert wire_type == 2
            size, at = varint(message, at)
            value = message[at : at + size]
            assert len(value) == size
            at += size
        yield number, value


def decoded(body):
    found = []
    for number, series in fields(unpacked(body)):
        assert number == 1
        labels, points = [], []
        for part, content in fields(series):
            if part == 1:
                label = dict(fields(content))
                labels.append((label[1].decode(), label[2].decode()))
            else:
                sample = dict(fields(content))
                at_ms = sample[2] - (1 << 64) if sample[2] >= 1 << 63 else sample[2]
                points.append((at_ms, sample[1]))
        found.append((labels, points))
    return found


def test_a_body_written_out_by_hand():
    """Written out by hand, after the description of the encoding of protobuf."""
    body = encoded([({"__name__": "up", "a": "b"}, [(1000, 1.0)])])
    message = bytes.fromhex("0a26 0a0e 0a085f5f6e616d655f5f 12027570 0a06 0a0161 120162 120c 09000000000000f03f 10e807")
    assert unpacked(body) == message


def test_nothing_is_a_body():
    assert encoded([]) == b"\0"


@pytest.mark.parametrize("at_ms", [0, 1, 127, 128, 16383, 16384, 1795406508879, 2**63 - 1, -1, -(2**63)])
def test_times(at_ms):
    assert decoded(encoded([({"__name__": "m"}, [(at_ms, 0.0)])])) == [([("__name__", "m")], [(at_ms, 0.0)])]


def test_labels_are_sorted_and_hold_anything():
    labels = {"b": 'quote " back \\ line \n', "a": "ü € \U0001f600", "__name__": "m", "Z": "x" * 300}
    ((found, dummy),) = decoded(encoded([(labels, [(1, 2.0)])]))
    assert found == sorted(labels.items())


def test_numbers_keep_every_bit():
    values = [0.1 + 0.2, -0.0, 5e-324, math.inf, -math.inf, math.nan]
    ((dummy, points),) = decoded(encoded([({"__name__": "m"}, list(enumerate(values)))]))
    assert [struct.pack("<d", value) for at_ms, value in points] == [struct.pack("<d", value) for value in values]


@pytest.mark.parametrize("size", [1, 59, 60, 61, 255, 256, 65535, 65536, 65537, 200_000])
def test_bodies_of_any_size(size):
    labels = {"__name__": "m", "long": "x" * size}
    ((found, dummy),) = decoded(encoded([(labels, [(1, 2.0)])]))
    assert dict(found) == labels


def test_many_series():
    draw = random.Random(1)
    series = [
        ({"__name__": "m", "host": f"vm-{number}"}, [(draw.randrange(2**45), draw.random()) for dummy in range(50)])
        for number in range(100)
    ]
    found = decoded(encoded(series))
    assert [(dict(labels), points) for labels, points in found] == series
