# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning from an earlier study: what it saves where that was of a like system, and costs where it was not.

The same tables of real systems as `make bench-search`. The earlier study is 60 random trials of the other system, with
noise; as an unlike one serves the same study with its results dealt out to the wrong configurations.
"""

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Earlier
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.tests.benchmark.search import tasks

# From, to.
PAIRS = (
    ("mariadb_sysbench", "mysql_sysbench"),
    ("mysql_sysbench", "mariadb_sysbench"),
    ("kt_convol_A100", "kt_convol_W6600"),
    ("kt_convol_W6600", "kt_convol_A100"),
    ("mcloud_buzz-kmeans", "mcloud_buzz-xgboost"),
    ("mcloud_buzz-standard_scaler", "mcloud_buzz-poisson_regression"),
)
SEEDS = 3
POINTS = (10, 15, 25)
EARLIER_TRIALS = 60
FOUNDERS = 3


def earlier_study(name: str, seed: int, *, like: bool) -> tuple[Earlier, list[dict]]:
    """What a study of another system found, and its best configurations."""
    task, rng = tasks.load(name), np.random.default_rng([seed, 1])
    space = SearchSpace.from_mapping(task.parameters)
    configurations, fitness = [], []
    while len(fitness) < EARLIER_TRIALS:
        values = space.sample(rng)
        cost = task.measure(values, rng, tasks.NOISE)
        if cost is not None:
            configurations.append(values)
            fitness.append(-tasks.objective(cost))
    if not like:
        fitness = rng.permutation(fitness).tolist()
    best = [configurations[int(index)] for index in np.argsort(fitness)[::-1][:FOUNDERS]]
    return Earlier(name, tuple(zip(configurations, fitness, strict=True))), best


def regrets(source: str, target: str, seed: int, kind: str) -> list[float]:
    """True regret of what is recommended at POINTS."""
    task, rng = tasks.load(target), np.random.default_rng([seed, 2])
    options = {}
    if kind != "nothing":
        study, founders = earlier_study(source, seed, like=kind == "a like study")
        options = {"earlier": [study], "founders": founders}
    evolution = Evolution(SearchSpace.from_mapping(task.parameters), seed, **options)
    found = []
    for number in range(1, POINTS[-1] + 1):
        candidate = evolution.ask()[0]
        cost = task.measure(candidate.values, rng, tasks.NOISE)
        if cost is None:
            evolution.tell(candidate, None, failure="configuration")
        else:
            evolution.tell(candidate, -tasks.objective(cost))
        if number in POINTS:
            best = evolution.recommend()
            worst = (task.worst - task.best) / (task.median - task.best)
            found.append(worst if best is None else task.regret(best.values))
    return found


@pytest.mark.skipif(not tasks.directory().is_dir(), reason="needs the tables of EVOLVE_TUNING_TASKS")
def test_what_is_learnt_from_an_earlier_study() -> None:
    print(f"\n\nMean true regret over {len(PAIRS)} pairs of systems and {SEEDS} seeds, after so many readings")
    print(f"  {'learns from':<18}" + "".join(f"{point:>8}" for point in POINTS))
    means = {}
    for kind in ("nothing", "a like study", "an unlike study"):
        found = [regrets(a, b, seed, kind) for a, b in PAIRS for seed in range(1, SEEDS + 1)]
        means[kind] = np.mean(found, axis=0)
        print(f"  {kind:<18}" + "".join(f"{mean:8.3f}" for mean in means[kind]))
    assert means["a like study"][0] < means["nothing"][0]
