# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an evaluation is worth, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.acquisition import (
    expected_improvement,
    gain_of_repeating,
    gain_of_trying,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.surrogate import Opinion


class Independent:
    """A belief in which configurations say nothing of each other."""

    def __init__(self, noise):
        self.noise = noise

    def covariance(self, these, others):
        equal = these.configurations[:, None] == others.configurations[None, :]
        return np.where(equal, these.variance[:, None], 0.0)


def opinion(means, variances, first=0):
    return Opinion(None, np.arange(first, first + len(means)), np.array(means, float), np.array(variances, float))


def improvement(lead, deviation):
    """Expected value of max(lead + deviation * Z, 0)."""
    return lead * stats.norm.cdf(lead / deviation) + deviation * stats.norm.pdf(lead / deviation)


@pytest.mark.parametrize(("mean", "variance", "noise"), [(0.0, 1.0, 0.5), (-0.5, 1.0, 0.1), (0.3, 0.2, 1.0)])
def test_the_gain_of_trying_is_what_one_noisy_reading_can_change(mean, variance, noise):
    gain = gain_of_trying(Independent(noise), opinion([0.0], [0.0]), opinion([mean], [variance], first=10))[0]
    told = variance / np.sqrt(variance + noise**2)
    assert gain == pytest.approx(improvement(mean, told), rel=0.05)


def test_a_repeat_is_worth_most_where_it_can_change_the_decision():
    rivals = opinion([1.0, 0.98, 0.2], [0.04, 0.04, 0.04])
    gains = gain_of_repeating(Independent(0.2), rivals)
    assert gains.min() >= 0.0
    assert gains[1] > 10 * gains[2]
    told = 0.04 / np.sqrt(0.04 + 0.04)
    assert gains[1] == pytest.approx(improvement(-0.02, told), rel=0.05)


def test_what_is_known_for_sure_need_not_be_measured_again():
    gains = gain_of_repeating(Independent(0.2), opinion([1.0, 0.99], [1e-12, 1e-12]))
    np.testing.assert_allclose(gains, 0.0, atol=1e-9)


def test_more_noise_makes_a_reading_worth_less():
    rivals, new = opinion([0.0], [0.01]), opinion([-0.1], [0.2], first=5)
    gains = [gain_of_trying(Independent(noise), rivals, new)[0] for noise in (0.01, 0.3, 3.0)]
    assert gains == sorted(gains, reverse=True)


def test_expected_improvement_is_over_the_best_rival():
    found = expected_improvement(opinion([0.5, 1.0], [0.1, 0.1]), opinion([0.8, 1.2], [0.09, 0.09], first=5))
    np.testing.assert_allclose(found, [improvement(-0.2, 0.3), improvement(0.2, 0.3)])
