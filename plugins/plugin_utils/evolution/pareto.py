# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which points are not beaten on every goal by another: the Pareto set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def pareto_set(values: ArrayLike, signs: Sequence[int]) -> NDArray[np.bool_]:
    """Which rows of `values` (one row a point, one column a goal) no other row dominates.

    `signs` gives each column's direction: +1 where more is better, -1 where less is. One row dominates another where it
    is at least as good in every column and better in one; so rows that are equal stand or fall together. ValueError
    where a value is not finite or the shapes do not agree.
    """
    points = np.asarray(values, dtype=float)
    if points.size == 0:
        return np.zeros(len(points), dtype=bool)
    if points.ndim != 2 or points.shape[1] != len(signs):
        raise ValueError(f"expected a table with a column for each of {len(signs)} goals, found shape {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("every value must be finite")
    points = points * np.asarray(signs, dtype=float)
    # In the order of a dictionary, best first: whatever dominates a point stands before it.
    left = np.lexsort(-points.T[::-1])
    found = []
    while left.size:
        best, rest = points[left[0]], points[left]
        found.append(left[0])
        equal = (rest == best).all(axis=1)
        found.extend(left[equal][1:])
        left = left[~equal & (rest > best).any(axis=1)]
    mask = np.zeros(len(points), dtype=bool)
    mask[found] = True
    return mask
