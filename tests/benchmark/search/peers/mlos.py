# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mlos-core's default optimiser, FLAML, through `suggest` and `register`.

Its FLAML adapter refuses ordinals, which are whole numbers here, and drops conditions, so that inactive parameters have
no effect. It has no failures: one counts as the worst so far. Asked for several at once it gives the same one each
time, having no way to register what is pending; the batch holds it as often as it was given.
"""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd
from mlos_core.data_classes import Suggestion
from mlos_core.optimizers import OptimizerFactory

from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Values, activate
from ansible_collections.evolve.vm.tests.benchmark.search.peers import configspace
from ansible_collections.evolve.vm.tests.benchmark.search.searcher import Searcher

warnings.filterwarnings("ignore")
_TARGET = "objective"
# Told of a failure before anything worked: until something is registered the same suggestion comes again and again.
_FIRST_FAILURE = 20.0


class Mlos(Searcher):
    def start(self) -> None:
        space = configspace.space(self.parameters, self.seed, ordinals=False, conditions=False)
        self.optimizer = OptimizerFactory.create(
            parameter_space=space, optimization_targets=[_TARGET], optimizer_kwargs={"seed": self.seed}
        )

    def propose(self, count: int) -> list[tuple[Values, Any]]:
        suggestions = [self.optimizer.suggest() for dummy in range(count)]
        return [(self._values(suggestion), suggestion) for suggestion in suggestions]

    def _values(self, suggestion: Suggestion) -> Values:
        return activate(self.parameters, configspace.values(self.parameters, suggestion.config.to_dict()))

    def learn(self, handle: Suggestion, objective: float | None) -> None:
        if objective is None:
            objective = _FIRST_FAILURE if self.worst is None else self.worst
        self.optimizer.register(handle.complete(pd.Series({_TARGET: objective})))
