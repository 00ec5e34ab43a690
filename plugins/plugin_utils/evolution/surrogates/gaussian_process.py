# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaussian process over genomes.

A reading is the sum of main effects of single genes, their interaction (both with one weight a gene), a deviation of
the configuration's own, what earlier studies would have expected of it as far as that holds here, an effect of the slot
it ran on, and noise. Each is given the share that makes the data most probable, under priors that keep the noise within
bounds; repeats anchor it. Sources: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006; additive
kernels: Duvenaud, Nickisch and Rasmussen, NeurIPS 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array, Whole
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.encoding import Genomes, distances
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.subset import informative
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.data import (
    NEW,
    NOWHERE,
    Data,
    Pending,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.surrogate import Opinion
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import linalg, np, optimize

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

# Rows that the hyperparameters, and then the posterior, are computed from; the most informative of more.
_FIT_ROWS = 160
ROWS = 400
_FIT_STEPS = 40
_JITTER = 1e-8
_OVERALL = 1.0  # variance of the overall mean
_LEAST_VARIANCE = 1e-12

# Priors and bounds of the hyperparameters' natural logarithms: mean, standard deviation, lowest, highest.
_WEIGHT = (-0.7, 1.2, -6.0, 3.5)
# Standard deviations, of which that of the targets is 1.
_SCALES = {
    "interaction": (-0.7, 0.7, -4.0, 1.5),
    "main": (0.0, 0.7, -4.0, 1.5),
    "hint": (-0.7, 0.8, -5.0, 0.7),
    "own": (-2.3, 0.8, -5.0, 0.0),
    "slot": (-2.0, 1.0, -6.0, 0.5),
    "noise": (-1.2, 0.8, -4.0, 0.7),
}


@dataclass(frozen=True)
class Hyperparameters:
    """`weights` (P,) are inverse length scales; the others standard deviations, of which that of the targets is 1."""

    weights: Array
    interaction: float
    main: float
    hint: float
    own: float
    slot: float
    noise: float


def learn(data: Data, rng: Generator) -> GaussianProcess:
    """The surrogate `gp`."""
    data = data.take(informative(data.targets, ROWS, rng))
    fitted = _fit(data.take(informative(data.targets, _FIT_ROWS, rng)))
    return GaussianProcess(data, fitted)


def relearn(data: Data, former: GaussianProcess, rng: Generator) -> GaussianProcess:
    """What new data lead to with the hyperparameters of a former belief: fitting them is most of the work."""
    return GaussianProcess(data.take(informative(data.targets, ROWS, rng)), former.hyper)


class GaussianProcess:
    """The posterior given data and hyperparameters."""

    def __init__(self, data: Data, hyper: Hyperparameters, pending: Pending | None = None) -> None:
        self.hyper = hyper
        self._data = data
        self._genomes, self._configurations = data.genomes, data.configurations
        targets, counts, slots = data.targets, data.counts, data.slots
        if pending is not None:
            fresh = np.where(pending.configurations == NEW, -2 - np.arange(len(pending.counts)), pending.configurations)
            self._genomes = self._genomes.joined(pending.genomes)
            self._configurations = np.concatenate([self._configurations, fresh])
            counts = np.concatenate([counts, pending.counts])
            slots = np.concatenate([slots, np.full(len(pending.counts), NOWHERE)])
        covariance = self._prior(self._genomes, self._configurations, self._genomes, self._configurations)
        covariance += hyper.slot**2 * ((slots[:, None] == slots[None, :]) & (slots != NOWHERE)[:, None])
        covariance[np.diag_indices_from(covariance)] += hyper.noise**2 / counts + _JITTER
        self._factor = linalg.cholesky(covariance, lower=True, check_finite=False)
        if pending is not None:
            known = len(data)
            weights = linalg.cho_solve((self._factor[:known, :known], True), targets, check_finite=False)
            targets = np.concatenate([targets, covariance[known:, :known] @ weights])
        self._whitened = linalg.solve_triangular(self._factor, targets, lower=True, check_finite=False)

    @property
    def noise(self) -> float:
        return self.hyper.noise

    @property
    def importance(self) -> Array:
        # The share of the variance that a gene loses over its whole range.
        lost: Array = 1.0 - np.exp(-self.hyper.weights)
        importance: Array = lost / lost.sum()
        return importance

    @property
    def reach(self) -> Array:
        reach: Array = np.minimum(1.0 / self.hyper.weights, 1.0)
        return reach

    def expecting(self, pending: Pending) -> GaussianProcess:
        return GaussianProcess(self._data, self.hyper, pending)

    def of(self, genomes: Genomes, configurations: Whole) -> Opinion:
        cross = self._prior(self._genomes, self._configurations, genomes, configurations)
        factors = linalg.solve_triangular(self._factor, cross, lower=True, check_finite=False)
        hyper = self.hyper
        prior = _OVERALL + hyper.interaction**2 + hyper.main**2 + hyper.own**2
        prior = prior + hyper.hint**2 * (genomes.hints**2).sum(axis=1)
        variance = np.maximum(prior - np.einsum("ij,ij->j", factors, factors), _LEAST_VARIANCE)
        return Opinion(genomes, configurations, factors.T @ self._whitened, variance, factors)

    def covariance(self, these: Opinion, others: Opinion) -> Array:
        prior = self._prior(these.genomes, these.configurations, others.genomes, others.configurations)
        result: Array = prior - these.factors.T @ others.factors
        return result

    def left_out(self) -> tuple[Array, Array]:
        # Rasmussen and Williams, section 5.4.2.
        inverse = linalg.cho_solve((self._factor, True), np.eye(len(self._factor)), check_finite=False)
        variance = 1.0 / np.diag(inverse)
        targets = self._factor @ self._whitened
        return targets - (inverse @ targets) * variance, variance

    def _prior(self, these: Genomes, numbers: Whole, others: Genomes, other_numbers: Whole) -> Array:
        hyper = self.hyper
        logs, mains = np.zeros((2, len(these), len(others)))
        for weight, gaps in zip(hyper.weights, distances(these, others), strict=True):
            logs -= weight * gaps
            mains += np.exp(-weight * gaps)
        equal = (numbers[:, None] == other_numbers[None, :]) & (numbers != NEW)[:, None]
        prior: Array = hyper.interaction**2 * np.exp(logs) + (hyper.main**2 / len(hyper.weights)) * mains
        prior += _OVERALL + hyper.own**2 * equal + hyper.hint**2 * (these.hints @ others.hints.T)
        return prior


def _fit(data: Data) -> Hyperparameters:
    """Hyperparameters of the highest posterior density, by L-BFGS from the priors' means."""
    n, genes = data.genomes.positions.shape
    # Every quantity of two rows is kept for the pairs above the diagonal only.
    upper = np.triu_indices(n, 1)
    gaps = np.array([apart[upper] for apart in distances(data.genomes, data.genomes)])
    equal = (data.configurations[upper[0]] == data.configurations[upper[1]]).astype(float)
    on_slot = (data.slots != NOWHERE).astype(float) * data.several_slots
    together = (data.slots[upper[0]] == data.slots[upper[1]]) * on_slot[upper[0]]
    hints = data.genomes.hints @ data.genomes.hints.T
    hinted, own_hint = hints[upper], np.diag(hints)
    priors = np.array([_WEIGHT] * genes + list(_SCALES.values()))
    extra = float(data.counts.sum()) - n

    def objective(theta: Array) -> tuple[float, Array]:
        interaction, main, hint, own, slot, noise = np.exp(2.0 * theta[genes:])
        logs = -gaps * np.exp(theta[:genes])[:, None]
        singles = np.exp(logs)
        joint, mains = np.exp(logs.sum(axis=0)), singles.mean(axis=0)
        covariance = np.empty((n, n))
        covariance[upper] = (
            _OVERALL + interaction * joint + main * mains + hint * hinted + own * equal + slot * together
        )
        covariance.T[upper] = covariance[upper]
        diagonal = _OVERALL + interaction + main + hint * own_hint + own + slot * on_slot + noise / data.counts
        covariance[np.diag_indices(n)] = diagonal + _JITTER
        factor = linalg.cholesky(covariance, lower=True, check_finite=False)
        inverse = linalg.cho_solve((factor, True), np.eye(n), check_finite=False)
        alpha = inverse @ data.targets
        deviation = (theta - priors[:, 0]) / priors[:, 1]
        density = -0.5 * data.targets @ alpha - np.log(np.diag(factor)).sum() - 0.5 * deviation @ deviation
        # Repeats within a row: their spread about its mean is noise and nothing else.
        density -= extra * theta[-1] + data.within / (2.0 * noise)
        influence = np.outer(alpha, alpha) - inverse
        pairs, single = influence[upper], np.diag(influence)
        gradient = np.empty_like(theta)
        gradient[:genes] = interaction * (logs @ (pairs * joint)) + (main / genes) * ((singles * logs) @ pairs)
        total = single.sum()
        gradient[genes:] = (
            interaction * (2.0 * (pairs @ joint) + total),
            main * (2.0 * (pairs @ mains) + total),
            hint * (2.0 * (pairs @ hinted) + single @ own_hint),
            own * (2.0 * (pairs @ equal) + total),
            slot * (2.0 * (pairs @ together) + single @ on_slot),
            noise * (single / data.counts).sum() - extra + data.within / noise,
        )
        return -density, -(gradient - deviation / priors[:, 1])

    start: NDArray[np.float64] = priors[:, 0].copy()
    found = optimize.minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=priors[:, 2:],
        options={"maxiter": _FIT_STEPS, "maxfun": 2 * _FIT_STEPS},
    ).x
    return Hyperparameters(np.exp(found[:genes]), *(float(scale) for scale in np.exp(found[genes:])))
