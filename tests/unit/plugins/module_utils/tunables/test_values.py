# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as the kernel shows them, and which can stand in place of which."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.tunables.values import (
    canonical,
    choices,
    chosen,
    kind_fault,
    same,
)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("60\n", 60),
        ("-1\n", -1),
        ("4096\t131072\t6291456\n", "4096 131072 6291456"),
        ("|/bin/core %p\n", "|/bin/core %p"),
        ("\n", ""),
        ("010", "010"),
        ("1_000", "1_000"),
    ],
)
def test_values_as_the_kernel_shows_them(content, value):
    assert canonical(content) == value
    assert type(canonical(content)) is type(value)


@pytest.mark.parametrize(
    ("content", "value", "listed"),
    [
        ("always [madvise] never\n", "madvise", ["always", "madvise", "never"]),
        ("[none] \n", "none", ["none"]),
        ("none\n", "none", []),
        ("[0] 1 2\n", 0, ["0", "1", "2"]),
        ("write back\n", "write back", []),
        ("[a] [b]\n", "[a] [b]", []),
        ("[]\n", "[]", []),
    ],
)
def test_files_that_list_choices(content, value, listed):
    assert chosen(content) == value
    assert choices(content) == listed


def test_true_is_not_one():
    assert same(1, 1)
    assert same(True, True)
    assert not same(True, 1)
    assert not same(0, False)


@pytest.mark.parametrize(
    ("present", "asked", "fault"),
    [
        (60, 10, ""),
        (60, "0x10", ""),
        (60, "high", "found 'high', expected a number, as the value in force is 60."),
        (60, "", "found '', expected a number, as the value in force is 60."),
        ("1 2 3", "4 5 6", ""),
        ("1 2 3", 5, "found 5, expected 3 numbers, as the value in force is 1 2 3."),
        ("1 2 3", "1 2 x", "found '1 2 x', expected 3 numbers, as the value in force is 1 2 3."),
        ("cubic", "bbr", ""),
        ("cubic", 1, ""),
        ("cubic", True, "found true, expected a whole number or text, as the value in force is cubic."),
    ],
)
def test_a_value_of_another_kind_than_the_one_in_force(present, asked, fault):
    assert kind_fault(present, asked) == fault
