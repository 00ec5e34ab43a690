# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the surrogates learn: predictions, doubt, slots, pending evaluations, and how they are weighed."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils import libraries
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.encoding import Genomes
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.guided import Guided
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import OptionsError
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates import gaussian_process
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.data import NEW, NOWHERE, Data, Pending
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.registry import SURROGATES
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.skill import shares, skill


@pytest.fixture(params=list(SURROGATES))
def learn(request):
    if request.param == "torch":
        pytest.importorskip("torch")
    return SURROGATES[request.param].learn


def genomes(rng, count):
    """Four genes: two numbers, a choice of three, and one that does nothing."""
    kinds = np.zeros((count, 4), dtype=np.int64)
    kinds[:, 2] = rng.integers(3, size=count)
    positions = rng.random((count, 4))
    positions[:, 2] = 0.0
    return Genomes(positions, kinds, np.zeros((count, 0)))


def worth(found):
    x, y = found.positions[:, 0], found.positions[:, 1]
    return np.sin(3.0 * x) - 0.5 * y + 0.4 * (found.kinds[:, 2] == 1)


def data(count=80, noise=0.05, seed=0):
    rng = np.random.default_rng(seed)
    found = genomes(rng, count)
    readings = worth(found) + noise * rng.normal(size=count)
    centre, unit = readings.mean(), readings.std()
    rows = np.arange(count)
    return Data(found, (readings - centre) / unit, np.ones(count), rows, np.full(count, NOWHERE)), centre, unit


def rng():
    return np.random.default_rng(1)


def new(count):
    return np.full(count, NEW)


def test_it_predicts_what_it_has_not_seen(learn):
    known, centre, unit = data()
    unseen = genomes(np.random.default_rng(7), 200)
    opinion = learn(known, rng()).of(unseen, new(200))
    truth = (worth(unseen) - centre) / unit
    assert np.corrcoef(opinion.mean, truth)[0, 1] ** 2 > 0.7
    # Its doubt is honest: most errors lie within two standard deviations.
    assert np.mean(np.abs(opinion.mean - truth) < 2 * np.sqrt(opinion.variance)) > 0.8


def test_equal_data_and_seed_give_equal_beliefs(learn):
    known, dummy, dummy = data(40)
    unseen = genomes(np.random.default_rng(7), 20)
    first, second = (learn(known, rng()).of(unseen, new(20)) for dummy in range(2))
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.variance, second.variance)


def test_what_does_nothing_is_the_least_important(learn):
    importance = learn(data(200)[0], rng()).importance
    assert importance.sum() == pytest.approx(1.0)
    assert importance.argmin() == 3
    assert importance.argmax() in (0, 2)


def test_repeats_outweigh_what_neighbours_say(learn):
    known, dummy, dummy = data(60)
    counts, targets = known.counts.copy(), known.targets.copy()
    counts[5], targets[5] = 30.0, 3.0
    known = Data(known.genomes, targets, counts, known.configurations, known.slots, within=29 * 0.01)
    opinion = learn(known, rng()).of(known.genomes.take([5]), np.array([5]))
    assert opinion.mean[0] == pytest.approx(3.0, abs=0.4)
    assert opinion.variance[0] < 0.05


def test_pending_evaluations_leave_less_doubt_and_the_same_mean(learn):
    belief = learn(data(30)[0], rng())
    spot = genomes(np.random.default_rng(3), 1)
    before = belief.of(spot, new(1))
    after = belief.expecting(Pending(spot, new(1), np.ones(1))).of(spot, new(1))
    assert after.variance[0] < before.variance[0]
    assert after.mean[0] == pytest.approx(before.mean[0], abs=1e-6)


def test_what_is_left_out_is_predicted_with_skill_and_chance_without(learn):
    known = data()[0]
    shuffled = Data(known.genomes, rng().permutation(known.targets), known.counts, known.configurations, known.slots)
    assert skill(learn(known, rng()), known) > 0.3
    assert skill(learn(shuffled, rng()), shuffled) < 0.15


def test_covariance_of_a_configuration_with_itself_is_its_variance(learn):
    known = data(30)[0]
    belief = learn(known, rng())
    opinion = belief.of(known.genomes.take([2, 3]), np.array([2, 3]))
    np.testing.assert_allclose(np.diag(belief.covariance(opinion, opinion)), opinion.variance, rtol=0.05)


def test_the_gaussian_process_is_told_slots_apart():
    known, dummy, dummy = data(80)
    slots = np.arange(80) % 2
    targets = known.targets - 0.8 * slots
    beliefs = [
        gaussian_process.learn(Data(known.genomes, targets, known.counts, known.configurations, where), rng())
        for where in (slots, np.full(80, NOWHERE))
    ]
    assert beliefs[0].hyper.slot > 0.2
    assert beliefs[0].noise < 0.6 * beliefs[1].noise


def test_its_left_out_predictions_are_those_of_a_process_without_the_row():
    known = data(25)[0]
    belief = gaussian_process.learn(known, rng())
    mean, variance = belief.left_out()
    for row in (0, 11, 24):
        others = known.take(np.array([other for other in range(25) if other != row]))
        opinion = gaussian_process.GaussianProcess(others, belief.hyper).of(known.genomes.take([row]), new(1))
        # The left-out row is measured, the new one is not: they differ by noise and nothing else.
        assert mean[row] == pytest.approx(opinion.mean[0], abs=1e-6)
        assert variance[row] == pytest.approx(opinion.variance[0] + belief.noise**2, rel=1e-5)


def test_the_more_skilled_counts_more_the_more_rows_there_are():
    few, many = shares([0.5, 0.3], 5), shares([0.5, 0.3], 60)
    assert few.sum() == pytest.approx(1.0)
    assert 0.5 < few[0] < many[0]


def test_a_blend_learns_from_more_rows_than_a_gaussian_process_takes():
    known, dummy, dummy = data(gaussian_process.ROWS + 30)
    blend = SURROGATES["blend"].learn(known, rng())
    assert len(blend.left_out()[0]) == gaussian_process.ROWS


@pytest.mark.parametrize("surrogate", ["forest", "blend", "torch"])
def test_a_search_works_with_every_surrogate(surrogate):
    if surrogate == "torch":
        pytest.importorskip("torch")
    space = SearchSpace.from_mapping(
        {"x": {"type": "float", "range": [0, 1]}, "mode": {"type": "choice", "values": ["a", "b", "c"]}}
    )
    evolution = Evolution(space, seed=1, surrogate=surrogate)

    def value(values):
        return (values["mode"] == "b") - abs(values["x"] - 0.3)

    for dummy in range(5):
        for candidate in evolution.ask(5):
            evolution.tell(candidate, value(candidate.values))
    assert value(evolution.recommend().values) > 0.9


def test_a_surrogate_whose_library_is_missing_is_refused_with_the_command(monkeypatch):
    monkeypatch.setattr(libraries.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OptionsError) as refused:
        Guided.check({"surrogate": "forest"})
    assert f"{sys.executable} -m pip install scikit-learn" in str(refused.value)


def test_torch_works_within_ansible(tmp_path):
    """In a process of its own, where Ansible was loaded first and torch not yet."""
    pytest.importorskip("torch")
    script = tmp_path / "within.py"
    script.write_text(
        "import ansible.cli, ansible.plugins.loader\n"
        "from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution\n"
        "from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace\n"
        "space = SearchSpace.from_mapping({'x': {'type': 'float', 'range': [0, 1]}})\n"
        "evolution = Evolution(space, surrogate='torch', population=3)\n"
        "for candidate in evolution.ask(4):\n"
        "    evolution.tell(candidate, candidate.values['x'])\n"
        "print(evolution.ask()[0].origin)\n"
    )
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=path)
    assert ended.returncode == 0, ended.stderr
