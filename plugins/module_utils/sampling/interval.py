# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often something is sampled: a number of seconds, or a text such as 30s, 5min or 1h."""

from __future__ import annotations

import math
import re
from typing import Any

LEAST_SECONDS = 1.0
MOST_SECONDS = 3600.0
_UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_TEXT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([a-z]*)")


class IntervalError(ValueError):
    """It is no interval; the text says what was found and what is expected."""


def interval_seconds(given: Any) -> float:
    """The interval in seconds. Raises IntervalError."""
    seconds = _seconds(given)
    if seconds is None or not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise IntervalError(
            f"found {given!r}, expected 1 s to 60 min: a number of seconds, or a text such as 1s, 30s, 5min or 1h"
        )
    return seconds


def _seconds(given: Any) -> float | None:
    if isinstance(given, str):
        found = _TEXT.fullmatch(given.strip().lower())
        if not found or found.group(2) not in _UNITS:
            return None
        return float(found.group(1)) * _UNITS[found.group(2)]
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        return None
    return float(given)
