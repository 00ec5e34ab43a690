# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a number in what a user wrote."""

from __future__ import annotations

from typing import Any

# Whole numbers up to here are exact as floating-point numbers too.
LARGEST = 2**53


def is_number(value: Any) -> bool:
    """Whether `value` is an ordinary number: neither a boolean, nor infinite, nor too large to be exact."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST
