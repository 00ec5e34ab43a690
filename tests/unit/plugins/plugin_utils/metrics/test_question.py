# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of metrics: how windows, times, tags and ages are written, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Window
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.question import iso_time, read_question

NOW_MS = 1_795_406_400_123  # 2026-11-23T04:00:00.123Z


def question(**options: object):
    faults: list[Fault] = []
    read = read_question(options, NOW_MS, faults)
    assert not faults
    return read


def faults(**options: object) -> dict[str, str]:
    found: list[Fault] = []
    assert read_question(options, NOW_MS, found) is None
    return {fault.where: fault.problem for fault in found}


def test_the_window_is_the_last_five_minutes_unless_said():
    read = question()
    assert read.window == Window(NOW_MS - 300_000, NOW_MS)
    assert (read.aggregation, read.tags, read.fresh_seconds, read.must_exist) == ("mean", (), None, False)


@pytest.mark.parametrize(
    ("options", "window"),
    [
        ({"window": "10min"}, Window(NOW_MS - 600_000, NOW_MS)),
        ({"window": 1.5}, Window(NOW_MS - 1500, NOW_MS)),
        ({"window": "90 s", "end": NOW_MS / 1000 - 5}, Window(NOW_MS - 95_000, NOW_MS - 5000)),
        ({"begin": "2026-11-23T03:59:00Z"}, Window(NOW_MS - 60_123, NOW_MS)),
        ({"begin": "2026-11-23T04:59:00+01:00"}, Window(NOW_MS - 60_123, NOW_MS)),
        ({"begin": "2026-11-23T03:59:00.123456Z"}, Window(NOW_MS - 60_000, NOW_MS)),
        ({"begin": datetime(2026, 11, 23, 3, 59, tzinfo=UTC)}, Window(NOW_MS - 60_123, NOW_MS)),
        ({"begin": str(NOW_MS / 1000 - 60)}, Window(NOW_MS - 60_000, NOW_MS)),
        ({"begin": 0, "end": 1}, Window(0, 1000)),
    ],
)
def test_a_window_is_a_length_or_a_begin(options, window):
    assert question(**options).window == window


@pytest.mark.parametrize(
    "given",
    ["soon", "2026-11-23T03:59:00", datetime(2026, 11, 23), "23.11.2026", -1, float("nan"), True, ["x"], "1e30", ""],
)
def test_a_time_that_is_none_or_has_no_zone_is_refused(given):
    assert "2026-11-23T04:00:00Z" in faults(begin=given)["begin"]
    assert "2026-11-23T04:00:00Z" in faults(end=given)["end"]


@pytest.mark.parametrize("given", ["soon", 0, -5, "0s", "5 parsecs", True, "1000000d"])
def test_a_length_that_is_none_is_refused(given):
    assert "window" in faults(window=given)
    assert "fresh_seconds" in faults(fresh_seconds=given)


def test_a_window_that_ends_before_it_begins_is_refused():
    assert faults(begin="2026-11-23T05:00:00Z") == {
        "begin": "2026-11-23T05:00:00.000Z is not before the end, 2026-11-23T04:00:00.123Z"
    }


def test_tags_are_texts_in_the_order_of_their_names():
    assert question(tags={"trial": 7, "host": "web"}).tags == (("host", "web"), ("trial", "7"))


def test_all_faults_are_told_at_once():
    assert set(
        faults(
            window="soon", begin="soon", end="soon", aggregation="men", fresh_seconds="soon", tags={"a": "", "b": []}
        )
    ) == {"window", "begin", "end", "aggregation", "fresh_seconds", "tags.a", "tags.b"}
    assert "Did you mean mean?" in faults(aggregation="men")["aggregation"]
    assert "tags" in faults(tags="host=web")


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (NOW_MS, "2026-11-23T04:00:00.123Z"), (1, "1970-01-01T00:00:00.001Z")],
)
def test_a_moment_is_written_to_the_millisecond(at_ms, text):
    assert iso_time(at_ms) == text
