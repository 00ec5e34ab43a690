# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of parameters and of applications."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.apps.units import UnitError, convert, exact, kind, number, whole


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (1, "MiB", "KiB", 1024),
        (0.1, "s", "ms", 100),
        (1, "h", "min", 60),
        (250, "us", "ms", Fraction(1, 4)),
        (2.5, "%", "share", Fraction(1, 40)),
        ("16", "GiB", "B", 16 * 1024**3),
        (7, "", "", 7),
    ],
)
def test_converts_exactly(value, unit, to, expected):
    assert convert(value, unit, to) == expected


@pytest.mark.parametrize(("value", "unit", "to"), [(1, "MiB", "s"), (1, "", "MiB"), (1, "ms", ""), ("many", "s", "ms")])
def test_refuses_what_cannot_be_converted(value, unit, to):
    with pytest.raises(UnitError):
        convert(value, unit, to)


def test_unknown_unit_has_a_suggestion():
    with pytest.raises(UnitError, match=r"Mib is not a unit known here .* Did you mean MiB"):
        kind("Mib")


def test_value_between_two_that_can_be_had_names_both():
    assert whole(32, "MiB", "KiB", 8) == 32 * 1024
    with pytest.raises(UnitError, match=r"^12 KiB is not a multiple of 8 KiB; the nearest are 8 KiB and 16 KiB$"):
        whole(12, "KiB", "KiB", 8)
    with pytest.raises(UnitError, match=r"^0\.25 ms is not a multiple of ms; the nearest are 0 ms and 1 ms$"):
        whole(0.25, "ms", "ms")


def test_truth_is_no_number():
    with pytest.raises(UnitError, match="found true, expected a number"):
        exact(True)


def test_whole_numbers_are_ints():
    assert (number(Fraction(4)), number(Fraction(1, 4))) == (4, 0.25)
    assert isinstance(number(Fraction(4)), int)
