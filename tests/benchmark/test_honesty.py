# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A/A: where every configuration is equal, how often does a whole study claim that it found a better one?"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import numpy as np

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.verification import (
    block_order,
    interval,
    pairs_of,
    verdict,
)
from ansible_collections.evolve.vm.tests.benchmark.test_engine import space_of_the_simulation

STUDIES = 200
TRIALS = 60
NOISE = 0.03
BLOCKS = 4


def study(seed: int) -> tuple[str, float]:
    """The verdict of a study whose readings are nothing but noise, and the gain its search believed in."""
    noise = np.random.default_rng([seed, 3])
    evolution = Evolution(space_of_the_simulation(), seed)
    for dummy in range(TRIALS + 1):
        candidate = evolution.ask()[0]
        evolution.tell(candidate, NOISE * noise.normal())
    winner = evolution.recommend()
    if winner.number == 0:
        return "no_improvement", 0.0
    differences: list[float] = []
    for block in range(BLOCKS):
        differences += pairs_of(block_order(seed, block), (NOISE * noise.normal(size=4)).tolist())
    return verdict(interval(differences)), winner.estimate


def test_equal_configurations_are_not_called_better() -> None:
    with ProcessPoolExecutor() as processes:
        found = list(processes.map(study, range(1, STUDIES + 1), chunksize=5))
    verdicts = [outcome for outcome, dummy in found]
    print(
        f"\n\nVerdicts of {STUDIES} studies in which every configuration is equal ({NOISE:.0%} noise, {TRIALS} trials)"
    )
    for outcome in sorted(set(verdicts)):
        print(f"  {outcome:<16} {verdicts.count(outcome) / STUDIES:6.1%}")
    print(f"  gain the searches believed in: {np.mean([gain for dummy, gain in found]):+.2%} on average")
    # 2.5 % are expected; with 200 studies more than 5 % would be a 1-in-50 accident.
    assert verdicts.count("better") <= 0.05 * STUDIES
