# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Percentiles by the nearest rank: always one of the values, and none is made up between two."""

from __future__ import annotations

import math


def nearest_rank(share: float, count: int) -> int:
    """Where in an ascending list of `count` values the smallest is that this share of them does not exceed."""
    # A share such as 0.95 is not exact as a floating-point number.
    return max(0, math.ceil(share * count - 1e-9) - 1)
