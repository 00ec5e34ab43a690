# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How good and how quick the engine is, as ratios side by side in one run: `make bench` prints the tables."""

from __future__ import annotations

import math
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import ALGORITHMS, Evolution
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


def search(space: SearchSpace, seed: int, algorithm: str) -> float:
    """True fitness of what is recommended after TRIALS noisy readings, drawn at random or bred."""
    noise = np.random.default_rng([seed, 1])
    draws = np.random.default_rng([seed, 2])
    bred = algorithm if algorithm in ALGORITHMS else "textbook"
    evolution = Evolution(space, seed, algorithm=bred, baseline={name: BASELINE[name] for name in space.parameters})
    for number in range(TRIALS + 1):
        if algorithm in ALGORITHMS or number == 0:
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


def test_algorithms_and_random_search() -> None:
    space = space_of_the_simulation()
    gains = {name: [search(space, seed, name) for seed in range(SEEDS)] for name in (*ALGORITHMS, "random")}
    print(f"\n\nTrue gain of the recommendation after {TRIALS} trials with {NOISE:.0%} noise, {SEEDS} seeds")
    for name, found in gains.items():
        mean, median = (percent(f(found)) for f in (statistics.mean, statistics.median))
        print(f"  {name:<10} mean {mean:+5.1f} %   median {median:+5.1f} %")
    for better, worse in (("guided", "textbook"), ("guided", "random"), ("textbook", "random")):
        wins = sum(b > w for b, w in zip(gains[better], gains[worse], strict=True))
        print(f"  {better} is ahead of {worse} in {wins} of {SEEDS}")
        assert wins > SEEDS / 2


def space_of(parameters: int) -> SearchSpace:
    """A space of as many parameters, of four types in turn."""
    kinds = [
        {"type": "float", "range": [0, 1]},
        {"type": "int", "range": [1, 64], "scale": "log"},
        {"type": "choice", "values": ["a", "b", "c"]},
        {"type": "bool"},
    ]
    return SearchSpace.from_mapping({f"p{number}": kinds[number % 4] for number in range(parameters)})


def cost_of_an_ask(trials: int, parameters: int) -> tuple[float, float]:
    """CPU seconds of an ask after so many trials, and the peak memory of the process in MiB."""
    space, rng = space_of(parameters), np.random.default_rng(0)
    evolution = Evolution(space)
    for number in range(trials):
        values = space.sample(rng)
        candidate = Candidate(number, values, "initial")
        evolution.restore(candidate)
        evolution.tell(candidate, -((values["p0"] - 0.3) ** 2) + 0.03 * rng.normal())
    started = time.process_time()
    evolution.ask()
    return time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_cost_of_an_ask_as_history_and_space_grow() -> None:
    print("\n\nCPU of one ask of the guided algorithm, everything learnt anew")
    first = 0.0
    for trials, parameters, most in (
        (20, 20, None),
        (100, 20, 0.3),
        (300, 20, None),
        (1_000, 40, 1.0),
        (10_000, 40, 3.0),
    ):
        # A process of its own, so that memory is that of this history.
        with ProcessPoolExecutor(1) as process:
            seconds, memory = process.submit(cost_of_an_ask, trials, parameters).result()
        first = first or seconds
        limit = f"   (at most {most} s)" if most else ""
        size = f"{trials:>6} trials x {parameters} parameters"
        print(f"  {size} {seconds:6.2f} s {seconds / first:5.1f} x {memory:5.0f} MiB{limit}")
        assert memory < 500
