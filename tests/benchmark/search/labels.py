# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places for the labels of a figure, so that none covers another."""

from __future__ import annotations

import statistics


def spread(positions: list[float], gap: float) -> list[float]:
    """Positions in ascending order moved as little as needed to be `gap` apart."""
    blocks: list[list[float]] = []
    for position in positions:
        blocks.append([position])
        while len(blocks) > 1 and _top(blocks[-2], gap) + gap > _bottom(blocks[-1], gap):
            last = blocks.pop()
            blocks[-1] += last
    return [_bottom(block, gap) + gap * index for block in blocks for index in range(len(block))]


def _bottom(block: list[float], gap: float) -> float:
    return statistics.fmean(block) - gap * (len(block) - 1) / 2


def _top(block: list[float], gap: float) -> float:
    return _bottom(block, gap) + gap * (len(block) - 1)
