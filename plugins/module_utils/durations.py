# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long something takes, as people write it: 30, 30s, 5 min, 1h."""

from __future__ import annotations

import math
import re
from typing import Any

_SECONDS = {
    "ms": 0.001,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "days": 86400.0,
}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.ASCII)


def seconds_in(duration: Any) -> float:
    """The seconds in a number of seconds, or in a number with a unit. ValueError says what was found and expected."""
    found = _WRITTEN.fullmatch(str(duration).strip().lower())
    if isinstance(duration, bool) or found is None or (found[2] or "s") not in _SECONDS:
        raise ValueError(f"found {duration!r}, expected a duration such as 30s, 5min or 1h")
    seconds = float(found[1]) * _SECONDS[found[2] or "s"]
    if not math.isfinite(seconds):
        raise ValueError(f"found {duration!r}, which is too long")
    return seconds
