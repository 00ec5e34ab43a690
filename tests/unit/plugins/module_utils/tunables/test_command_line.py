# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel command lines are read as the kernel reads them, and edited without touching the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.tunables.command_line import KERNEL, edited, value_of

LINE = (
    'root=/dev/vda  ro console=tty0 console=ttyS0,115200 dyndbg="file a.c +p; file b.c" "a b=c d" quiet -- single x=1'
)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("root", "/dev/vda"),
        ("ro", True),
        ("quiet", True),
        ("console", "ttyS0,115200"),
        ("dyndbg", "file a.c +p; file b.c"),
        ("a b", "c d"),
        ("single", False),
        ("x", False),
        ("dev", False),
        ("--", False),
    ],
)
def test_what_a_line_says(parameter, value):
    assert value_of(LINE, parameter) == value


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("p=1", 1),
        ("p=", ""),
        ("p=01", "01"),
        ("p=a=b", "a=b"),
        ("p", True),
        ("", False),
        ("pp=1", False),
        ("p=1 p", True),
    ],
)
def test_values_have_types(line, value):
    assert value_of(line, "p") == value
    assert type(value_of(line, "p")) is type(value)


def test_dashes_and_underscores_are_the_same_in_names():
    assert value_of("virtio-blk.queue_depth=64", "virtio_blk.queue-depth") == 64
    assert edited("virtio-blk.queue_depth=64 x", {"virtio_blk.queue_depth": 128}) == "virtio_blk.queue_depth=128 x"


@pytest.mark.parametrize(
    ("line", "target", "result"),
    [
        ("a=1  b c=2", {"a": 5}, "a=5  b c=2"),
        ("a=1  b c=2", {"b": False}, "a=1 c=2"),
        ("a=1  b c=2", {"a": False}, "b c=2"),
        ("  a=1  b", {"a": "default"}, "  b"),
        ("a=1 b", {"d": True, "e": "x y"}, 'a=1 b d e="x y"'),
        ("a=1 -- b", {"b": 2}, "a=1 b=2 -- b"),
        ("-- b", {"a": True}, "a -- b"),
        ("", {"a": True}, "a"),
        ("a ", {"b": True}, "a b "),
        ("a=1 x a=2 a=3", {"a": 4}, "a=1 x a=2 a=4"),
        ("a=1 x a=2 a=3", {"a": False}, "x"),
        ("a=1 x", {"a": 1}, "a=1 x"),
        ('a="x y" z', {"a": "x y"}, 'a="x y" z'),
        ("a", {"a": True}, "a"),
        ("a", {"a": 1}, "a=1"),
        ("a=1", {"a": True}, "a"),
        ("quiet", {"nosmt": False, "x": "default"}, "quiet"),
        ("a=1 b=2", {}, "a=1 b=2"),
    ],
)
def test_editing(line, target, result):
    assert edited(line, target) == result


WORDS = st.sampled_from(["ro", "quiet", "a=1", "a=2", "a-b=x", "b", 'c="x  y"', '"c d=e"', "--", "init=/x", "p=é"])
LINES = st.builds(
    lambda words, spaces, tail: "".join(space + word for word, space in zip(words, ["", *spaces], strict=False)) + tail,
    st.lists(WORDS, max_size=8),
    st.lists(st.sampled_from([" ", "  ", "\t"]), min_size=8, max_size=8),
    st.sampled_from(["", " "]),
)
VALUES = st.one_of(st.integers(-5, 99), st.just(True), st.sampled_from(["x", "x y", "a=b", "é"]))


@given(LINES, st.sampled_from(["a", "b", "new", "a_b", "m.p"]), VALUES)
def test_what_is_set_is_said_and_giving_back_gives_back_the_text(line, parameter, value):
    before = value_of(line, parameter)
    changed = edited(line, {parameter: value})
    assert value_of(changed, parameter) == value
    # But for how that name was spelled.
    assume("a-b" not in line)
    assert edited(changed, {parameter: before}) == line


@given(LINES, st.sampled_from(["a", "b", "c d"]))
def test_what_is_taken_away_is_not_said_and_the_rest_is_as_it_was(line, parameter):
    changed = edited(line, {parameter: False})
    assert value_of(changed, parameter) is False
    for other in {"ro", "quiet", "a", "b", "c", "init", "p"} - {parameter}:
        assert value_of(changed, other) == value_of(line, other)


@given(st.text(alphabet="ab=\" -\\'$x", max_size=30))
def test_any_line_is_taken_apart_without_loss(line):
    tokens, tail = KERNEL.split(line)
    assert "".join(token.space + token.raw for token in tokens) + tail == line


def test_the_command_line_of_this_machine():
    line = Path("/proc/cmdline").read_text()
    tokens, tail = KERNEL.split(line)
    assert "".join(token.space + token.raw for token in tokens) + tail == line
    assert edited(line, {"evolve_probe": 1}).replace(" evolve_probe=1", "") == line
