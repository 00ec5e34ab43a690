# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often something is sampled: a number of seconds, or a text such as 30s, 5min or 1h."""

from __future__ import annotations

from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.durations import seconds_in

LEAST_SECONDS = 1.0
MOST_SECONDS = 3600.0


class IntervalError(ValueError):
    """It is no interval; the text says what was found and what is expected."""


def interval_seconds(given: Any) -> float:
    """The interval in seconds. Raises IntervalError."""
    try:
        seconds = seconds_in(given)
    except ValueError:
        seconds = 0.0
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise IntervalError(
            f"found {given!r}, expected 1 s to 60 min: a number of seconds, or a text such as 1s, 30s, 5min or 1h"
        )
    return seconds
