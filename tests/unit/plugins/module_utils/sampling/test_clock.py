# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When ticks come and what time they are, on clocks of the test's own."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.sampling.clock import Clock, Ticks


class Time:
    """A machine's two clocks."""

    def __init__(self):
        self.monotonic, self.offset = 1000.25, 1_700_000_000.0

    def clock(self):
        return Clock(lambda: self.monotonic, lambda: self.monotonic + self.offset)


def test_ticks_keep_their_distance_and_lie_on_whole_intervals_of_the_wall_clock():
    time = Time()
    clock = time.clock()
    ticks = Ticks(5.0, clock)
    first = ticks.after(time.monotonic)
    assert clock.at_ms(first) % 5000 == 0
    assert 0 < first - time.monotonic <= 5
    # One that is late is followed by the next, not moved.
    assert ticks.after(first + 0.3) == pytest.approx(first + 5)
    assert ticks.after(first + 12) == pytest.approx(first + 15)
    assert ticks.missed(first, first + 15) == 2
    assert ticks.missed(first, first + 5) == 0
    assert ticks.after(first, 1.0) == pytest.approx(first + 1)


def test_a_million_ticks_do_not_drift():
    ticks = Ticks(1.0, Time().clock())
    moment = first = ticks.after(1000.25)
    for dummy in range(1_000_000):
        moment = ticks.after(moment)
    assert moment - first == pytest.approx(1_000_000, abs=1e-6)


@pytest.mark.parametrize("seconds", [3600.0, -3600.0, 0.5])
def test_a_clock_that_was_set_moves_no_tick_and_is_told(seconds):
    time = Time()
    clock = time.clock()
    ticks = Ticks(5.0, clock)
    before, stamp = ticks.after(time.monotonic), clock.at_ms(1000.25)
    time.offset += seconds
    assert clock.refresh() == pytest.approx(seconds, abs=1e-3)
    assert clock.refresh() == 0
    assert ticks.after(time.monotonic) == before
    assert clock.at_ms(1000.25) == pytest.approx(stamp + seconds * 1000, abs=1)


def test_a_clock_that_is_kept_is_followed_without_a_word():
    time = Time()
    clock = time.clock()
    for dummy in range(100):
        time.offset += 0.01
        assert clock.refresh() == 0
    assert clock.at_ms(0.0) == round((time.offset) * 1000)
