# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rows of a long history say most about where to go next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Whole
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.data import Data
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

if TYPE_CHECKING:
    from numpy.random import Generator


def informative(data: Data, rows: int, rng: Generator) -> Whole:
    """At most `rows` row numbers, in order: half of them those with the best targets, the others drawn at random."""
    if len(data) <= rows:
        return np.arange(len(data))
    order = np.argsort(-data.targets, kind="stable")
    best, others = order[: rows // 2], order[rows // 2 :]
    drawn = rng.choice(others, size=rows - len(best), replace=False)
    return np.sort(np.concatenate([best, drawn]))
