# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which configuration to deploy, by everything that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.knowledge import Knowledge
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np


@dataclass(frozen=True)
class Recommendation:
    """The configuration to deploy. `estimate` is the fitness expected of it, in log units over the baseline."""

    number: int
    values: dict[str, Any]
    estimate: float


def recommend(knowledge: Knowledge) -> Recommendation | None:
    """The measured configuration expected to be worth most among the sound ones.

    Among those within the limits where all of these are unstable; None where no measured one holds the limits.
    """
    feasible = np.array([found.feasible for found in knowledge.measured])
    eligible = knowledge.sound if knowledge.sound.any() else feasible
    if not eligible.any():
        return None
    expected = np.where(eligible, knowledge.of_measured().mean, -np.inf)
    best = int(np.argmax(expected))
    candidate = knowledge.measured[best].candidate
    return Recommendation(candidate.number, dict(candidate.values), knowledge.scale.fitness(float(expected[best])))
