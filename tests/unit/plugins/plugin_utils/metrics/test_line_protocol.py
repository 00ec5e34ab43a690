# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points as lines: what is escaped, what is kept together, and what can be on no line."""

from __future__ import annotations

import math

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.line_protocol import lines_of, single_fields
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, tagged

TAGS = tagged(host="web 1", study="a,b=c")


def written(*points: Point) -> list[str]:
    lines, refused = lines_of(points)
    assert not refused
    return [str(line) for line in lines]


def test_one_line_carries_all_fields_of_a_moment():
    assert written(
        Point("evolve_vm", "cpu", TAGS, 1000, 1.5),
        Point("evolve_vm", "memory", TAGS, 1000, 2.0),
        Point("evolve_vm", "cpu", TAGS, 1001, 3.0),
        Point("evolve_run", "cpu", TAGS, 1000, 4.0),
        Point("evolve_vm", "disk", TAGS, 1000, 5.0),
        Point("evolve_vm", "cpu", (), 1000, 6.0),
    ) == [
        r"evolve_vm,host=web\ 1,study=a\,b\=c cpu=1.5,memory=2.0,disk=5.0 1000",
        r"evolve_vm,host=web\ 1,study=a\,b\=c cpu=3.0 1001",
        r"evolve_run,host=web\ 1,study=a\,b\=c cpu=4.0 1000",
        "evolve_vm cpu=6.0 1000",
    ]


def test_whole_numbers_are_written_as_floats():
    assert written(Point("m", "v", (), 1, 7)) == ["m v=7.0 1"]


def test_of_two_values_of_a_moment_the_later_one_counts():
    assert written(Point("m", "v", (), 1, 1.0), Point("m", "v", (), 1, 2.0)) == ["m v=2.0 1"]


def test_names_are_escaped():
    assert written(Point("a b,c=d", 'x y,z="', (("k l,m=", "v"),), 1, 1.0)) == [
        r"a\ b\,c=d,k\ l\,m\==v " + r'x\ y\,z\="=1.0 1',
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(value):
    assert lines_of([Point("m", "v", (), 1, value)]) == ([], [f"v of m is {value}, which is no number"])


@pytest.mark.parametrize(
    "point",
    [
        Point("m", "v", (("host", "two\nlines"),), 1, 1.0),
        Point("m", "v", (("host", "end\\"),), 1, 1.0),
        Point("m", "v", (("host", "a\rb"),), 1, 1.0),
        Point("m", "v", (("host", ""),), 1, 1.0),
        Point("m", "v", (("end\\", "a"),), 1, 1.0),
        Point("", "v", (), 1, 1.0),
        Point("m", "", (), 1, 1.0),
        Point("#m", "v", (), 1, 1.0),
        Point("back\\slash", "v", (), 1, 1.0),
        Point("m", "ta\tb", (), 1, 1.0),
        Point("m", "v", (), 10**16, 1.0),
    ],
)
def test_what_can_be_on_no_line_is_refused_alone(point):
    good = Point("m", "v", (), 1, 1.0)
    lines, refused = lines_of([point, good])
    assert [str(line) for line in lines] == ["m v=1.0 1"]
    assert len(refused) == 1
    assert refused[0].isprintable()


def test_lines_can_be_taken_apart():
    lines, dummy = lines_of([Point("m", "a", (), 1, 1.0), Point("m", "b", (), 1, 2.0), Point("m", "a", (), 2, 3.0)])
    assert [str(line) for line in single_fields(lines)] == ["m a=1.0 1", "m b=2.0 1", "m a=3.0 2"]
