# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How good and how quick the engine is, as ratios side by side in one run: `make bench` prints the tables."""

from __future__ import annotations

import math
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import percent
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.baseline import BASELINE
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.surface import metrics, start_fault

STUDY = Path(__file__).resolve().parents[2] / "inventories" / "simulation" / "group_vars" / "evolve_slots.yml"
METRIC = "fileio_operations_per_second"
NOISE = 0.03
SEEDS = 20
TRIALS = 60


def space_of_the_simulation() -> SearchSpace:
    study = yaml.safe_load(STUDY.read_text())
    return SearchSpace.from_mapping(study["evolve_parameters"], study["evolve_constraints"])


def truth(values: dict[str, Any]) -> float:
    """Noise-free fitness of a configuration of the simulation, in log units."""
    return math.log(metrics(values)[METRIC] / metrics(BASELINE)[METRIC])


def search(space: SearchSpace, seed: int, *, bred: bool) -> float:
    """True fitness of what is recommended after TRIALS noisy readings, drawn at random or bred."""
    noise = np.random.default_rng([seed, 1])
    draws = np.random.default_rng([seed, 2])
    evolution = Evolution(space, seed, baseline={name: BASELINE[name] for name in space.parameters})
    for number in range(TRIALS + 1):
        if bred or number == 0:
            candidate = evolution.ask()[0]
        else:
            candidate = Candidate(number, space.sample(draws), "initial")
            evolution.restore(candidate)
        if start_fault(candidate.values):
            evolution.tell(candidate, None, failure="configuration")
        else:
            evolution.tell(candidate, truth(candidate.values) + NOISE * noise.normal())
    recommended = evolution.recommend()
    return truth(recommended.values) if recommended else 0.0


def test_breeding_against_random_search() -> None:
    space = space_of_the_simulation()
    bred = [search(space, seed, bred=True) for seed in range(SEEDS)]
    random = [search(space, seed, bred=False) for seed in range(SEEDS)]
    wins = sum(b > r for b, r in zip(bred, random, strict=True))
    print(f"\n\nTrue gain of the recommendation after {TRIALS} trials with {NOISE:.0%} noise, {SEEDS} seeds")
    for name, found in (("textbook", bred), ("random", random)):
        mean, median = (percent(f(found)) for f in (statistics.mean, statistics.median))
        print(f"  {name:<10} mean {mean:+5.1f} %   median {median:+5.1f} %")
    print(f"  textbook is ahead in {wins} of {SEEDS}")
    assert wins > SEEDS / 2


def test_cost_of_an_ask_as_the_history_grows() -> None:
    space = space_of_the_simulation()
    evolution = Evolution(space, baseline={name: BASELINE[name] for name in space.parameters})
    rng = np.random.default_rng(0)
    costs: dict[int, float] = {}
    print("\n\nCPU of one ask, by length of the history")
    for count in range(2_001):
        started = time.process_time()
        candidate = evolution.ask()[0]
        spent = time.process_time() - started
        evolution.tell(candidate, float(rng.normal()))
        for size in (20, 200, 2_000):
            if size * 0.9 <= count <= size:
                costs[size] = costs.get(size, 0.0) + spent / (size * 0.1 + 1)
    for size, cost in costs.items():
        print(f"  {size:>5} trials   {1000 * cost:6.2f} ms   {cost / costs[20]:5.1f} x")
