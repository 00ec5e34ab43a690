# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rows of a long history say most about where to go next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array, Whole
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

if TYPE_CHECKING:
    from numpy.random import Generator


def informative(targets: Array, rows: int, rng: Generator) -> Whole:
    """At most `rows` row numbers, in order: half of them those with the highest targets, the others drawn at random."""
    if len(targets) <= rows:
        return np.arange(len(targets))
    order = np.argsort(-targets, kind="stable")
    best, others = order[: rows // 2], order[rows // 2 :]
    drawn = rng.choice(others, size=rows - len(best), replace=False)
    return np.sort(np.concatenate([best, drawn]))
