# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let out of the waiting room, and when."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.scheduling.waiting import WaitingRoom


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def room(clock: Clock) -> WaitingRoom:
    return WaitingRoom(clock)


def test_nobody_leaves_before_something_has_changed(room: WaitingRoom) -> None:
    room.enter("a", "busy")
    assert list(room.leave(10)) == []
    room.stir()
    assert list(room.leave(10)) == ["a"]
    assert not room


def test_whoever_waits_for_a_time_leaves_when_it_has_come(room: WaitingRoom, clock: Clock) -> None:
    room.enter("a", "quarantine of a", 5)
    clock.seconds = 4.9
    assert list(room.leave(10)) == []
    clock.seconds = 5.0
    assert list(room.leave(10)) == ["a"]


def test_nobody_waits_for_long_even_where_nothing_is_heard(room: WaitingRoom, clock: Clock) -> None:
    room.enter("a", "busy")
    clock.seconds = 60
    assert list(room.leave(10)) == ["a"]


def test_where_the_first_asks_in_vain_the_others_of_its_reason_stay(room: WaitingRoom) -> None:
    for who in ("a", "b", "c"):
        room.enter(who, "busy")
    room.enter("d", "other")
    room.stir()
    left = []
    for who in room.leave(10):
        left.append(who)
        if who == "a":
            room.enter(who, "busy")
    assert left == ["a", "d"]
    room.stir()
    assert list(room.leave(10)) == ["b", "c", "a"], "who asked in vain is last"


def test_no_more_leave_than_there_is_room(room: WaitingRoom) -> None:
    for who in range(5):
        room.enter(who, "busy")
    room.stir()
    assert list(room.leave(2)) == [0, 1]
    assert room.holds("busy")
    assert not room.holds("other")
