# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an evaluation is worth: by how much it is expected to better the configuration that would be deployed.

The knowledge gradient with correlated beliefs (Frazier, Powell and Dayanik, INFORMS J. Computing 2009). It puts a price
on measuring a good configuration again as well as on trying a new one, so one rule decides between the two, and it
counts a reading for what it is: noisy.
"""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.surrogate import Belief, Opinion
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np, special

# The outcomes of a reading are stood for by this many equally likely ones.
_OUTCOMES = 15


def gain_of_trying(belief: Belief, rivals: Opinion, new: Opinion) -> Array:
    """Expected gain (m,) of one reading of each new configuration, where the best of `rivals` would be deployed."""
    doubt = np.sqrt(new.variance + belief.noise**2)
    moves = belief.covariance(rivals, new) / doubt
    own = new.mean + new.variance / doubt * _outcomes()[:, None]
    gain: Array = np.maximum(_best_after(rivals.mean, moves), own).mean(axis=0) - rivals.mean.max()
    return gain


def gain_of_repeating(belief: Belief, rivals: Opinion) -> Array:
    """Expected gain (k,) of one more reading of each rival."""
    moves = belief.covariance(rivals, rivals) / np.sqrt(rivals.variance + belief.noise**2)
    gain: Array = _best_after(rivals.mean, moves).mean(axis=0) - rivals.mean.max()
    return gain


def expected_improvement(rivals: Opinion, new: Opinion) -> Array:
    """Expected excess (m,) of the worth of each new configuration over the best rival's expected worth."""
    doubt = np.sqrt(new.variance)
    lead = (new.mean - rivals.mean.max()) / doubt
    density = np.exp(-0.5 * lead**2) / np.sqrt(2.0 * np.pi)
    result: Array = doubt * (lead * special.ndtr(lead) + density)
    return result


def _best_after(means: Array, moves: Array) -> Array:
    """The best mean (outcomes, m) after each outcome, where means (k,) move by `moves` (k, m) a standard deviation."""
    best: Array = (means[None, :, None] + moves[None] * _outcomes()[:, None, None]).max(axis=1)
    return best


def _outcomes() -> Array:
    quantiles: Array = special.ndtri((np.arange(_OUTCOMES) + 0.5) / _OUTCOMES)
    return quantiles
