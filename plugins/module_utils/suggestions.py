# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hints for names that do not exist: "did you mean"."""

from __future__ import annotations

import difflib
from typing import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean a or b?` (with a leading space) for names close to `word`; empty when none is close."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    # Long names with a common beginning all look alike: keep those nearly as close as the closest.
    best = [each for each in close if _likeness(word, each) > _likeness(word, close[0]) - 0.1]
    best = best or [each for each in names if word in each][:3]
    return f" Did you mean {' or '.join(best)}?" if best else ""


def _likeness(first: str, second: str) -> float:
    return difflib.SequenceMatcher(None, first, second).ratio()
