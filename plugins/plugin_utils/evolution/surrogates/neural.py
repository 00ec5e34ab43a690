# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ensemble of small neural networks, for histories of thousands of trials. Needs PyTorch.

All members are trained together, as one batched network a layer, each on its own bootstrap sample. Source: deep
ensembles, Lakshminarayanan, Pritzel and Blundell, NeurIPS 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.encoding import Genomes
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.bagged import Bagged
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.data import Data
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.features import Features
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np, optional

if TYPE_CHECKING:
    from numpy.random import Generator

_MEMBERS = 10
_WIDTH = 48
_STEPS = 200
_BATCH = 256
_LEARNING_RATE = 0.01
_DECAY = 1e-3


def learn(data: Data, rng: Generator) -> Bagged:
    """The surrogate `torch`."""
    torch = optional("torch")
    layout = Features.of(data.genomes)
    columns = layout.columns(data.genomes)
    bags = [rng.choice(len(data), size=len(data)) for dummy in range(_MEMBERS)]
    network = _Network(torch, columns.shape[1], int(rng.integers(2**31)))
    network.train(columns, data.targets, bags, rng)
    drawn = np.zeros((_MEMBERS, len(data)), dtype=bool)
    for member, rows in enumerate(bags):
        drawn[member, rows] = True

    def predict(genomes: Genomes) -> Array:
        return network.predict(layout.columns(genomes))

    return Bagged.learnt(data, predict, drawn, layout.by_gene(network.sensitivity(columns)))


class _Network:
    """Members side by side: two hidden layers each, weights (M, in, out)."""

    def __init__(self, torch: Any, inputs: int, seed: int) -> None:
        self._torch = torch
        random = torch.Generator().manual_seed(seed)
        sizes = [(inputs, _WIDTH), (_WIDTH, _WIDTH), (_WIDTH, 1)]
        self._weights = [
            (torch.randn(_MEMBERS, *size, generator=random) * (2.0 / size[0]) ** 0.5).requires_grad_() for size in sizes
        ]
        self._biases = [torch.zeros(_MEMBERS, 1, size[1], requires_grad=True) for size in sizes]

    def train(self, columns: Array, targets: Array, bags: list[Any], rng: Generator) -> None:
        """Fit every member to its bag with Adam."""
        torch = self._torch
        inputs = torch.tensor(columns, dtype=torch.float32)
        wanted = torch.tensor(targets, dtype=torch.float32)
        adam = _Adam(torch, [*self._weights, *self._biases])
        size = min(_BATCH, len(targets))
        for dummy in range(_STEPS):
            drawn = np.array([bag[rng.integers(len(bag), size=size)] for bag in bags])
            rows = torch.from_numpy(drawn)
            loss = ((self._forward(inputs[rows]) - wanted[rows]) ** 2).mean(dim=1).sum()
            loss.backward()
            adam.step()

    def predict(self, columns: Array) -> Array:
        """Every member's prediction (M, n)."""
        torch = self._torch
        with torch.no_grad():
            inputs = torch.tensor(columns, dtype=torch.float32).expand(_MEMBERS, -1, -1)
            result: Array = self._forward(inputs).numpy().astype(float)
        return result

    def sensitivity(self, columns: Array) -> Array:
        """Mean absolute slope by each column (C,) over the data."""
        torch = self._torch
        inputs = torch.tensor(columns[:500], dtype=torch.float32).expand(_MEMBERS, -1, -1).clone().requires_grad_()
        self._forward(inputs).sum().backward()
        slopes: Array = inputs.grad.abs().mean(dim=(0, 1)).numpy().astype(float)
        slopes *= columns.std(axis=0)
        return slopes

    def _forward(self, inputs: Any) -> Any:
        torch = self._torch
        last = len(self._weights) - 1
        for layer, (weights, biases) in enumerate(zip(self._weights, self._biases, strict=True)):
            inputs = torch.baddbmm(biases, inputs, weights)
            inputs = inputs if layer == last else torch.nn.functional.silu(inputs)
        return inputs.squeeze(-1)


class _Adam:
    """Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019).

    Our own, because torch.optim loads torch's compiler, which cannot be loaded where ansible-core 2.19 has replaced
    sys.intern: in every process of Ansible's.
    """

    def __init__(self, torch: Any, tensors: Sequence[Any]) -> None:
        self._torch = torch
        self._tensors = tensors
        self._means = [torch.zeros_like(tensor) for tensor in tensors]
        self._squares = [torch.zeros_like(tensor) for tensor in tensors]
        self._steps = 0

    def step(self) -> None:
        """One step down the gradients, which are cleared."""
        self._steps += 1
        first, second = 1.0 - 0.9**self._steps, 1.0 - 0.999**self._steps
        with self._torch.no_grad():
            for tensor, mean, square in zip(self._tensors, self._means, self._squares, strict=True):
                mean.mul_(0.9).add_(tensor.grad, alpha=0.1)
                square.mul_(0.999).addcmul_(tensor.grad, tensor.grad, value=0.001)
                tensor.mul_(1.0 - _LEARNING_RATE * _DECAY)
                tensor.addcdiv_(mean / first, (square / second).sqrt_().add_(1e-8), value=-_LEARNING_RATE)
                tensor.grad = None
