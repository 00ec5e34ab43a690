# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intervals, as users write them."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.sampling.interval import IntervalError, interval_seconds


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (1, 1),
        (2.5, 2.5),
        ("1s", 1),
        ("30s", 30),
        ("5min", 300),
        ("5 m", 300),
        ("1h", 3600),
        ("60min", 3600),
        ("15", 15),
    ],
)
def test_intervals(given, seconds):
    assert interval_seconds(given) == seconds


@pytest.mark.parametrize(
    "given", [0, 0.9, 3601, "61min", "2h", "1d", "", "s", "-5s", True, None, [1], float("nan"), "1e3"]
)
def test_what_is_none_is_told(given):
    with pytest.raises(IntervalError, match="expected 1 s to 60 min") as caught:
        interval_seconds(given)
    assert repr(given) in str(caught.value)
