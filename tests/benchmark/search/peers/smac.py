# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SMAC3's hyperparameter-optimisation facade through `ask` and `tell`.

Ordinals, log scales and conditions are ConfigSpace's. A failure is StatusType.CRASHED with the worst objective so far
as its crash cost. What it recommends is its incumbent. It is told the number of readings, from which it sizes its
initial design, and ends when it finds no new configuration. The option `deterministic` says whether it may repeat
configurations that might become the incumbent.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

from smac import HyperparameterOptimizationFacade as Facade
from smac import Scenario
from smac.main.exceptions import ConfigurationSpaceExhaustedException
from smac.runhistory import StatusType, TrialInfo, TrialValue

from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Values
from ansible_collections.evolve.vm.tests.benchmark.search.peers import configspace
from ansible_collections.evolve.vm.tests.benchmark.search.searcher import Penalised

warnings.filterwarnings("ignore", module="smac")


class Smac(Penalised):
    def start(self) -> None:
        super().start()
        self._directory = tempfile.TemporaryDirectory()
        scenario = Scenario(
            configspace.space(self.parameters, self.seed),
            output_directory=Path(self._directory.name),
            deterministic=self.options["deterministic"],
            n_trials=self.readings,
            seed=self.seed,
        )
        self.facade = Facade(scenario, overwrite=True, logging_level=logging.ERROR)
        self._failed_handles: set[int] = set()

    def propose(self, count: int) -> list[tuple[Values, Any]]:
        proposed = []
        for dummy in range(count):
            try:
                trial = self.facade.ask()
            except (StopIteration, ConfigurationSpaceExhaustedException):
                break
            proposed.append((configspace.values(self.parameters, trial.config), trial))
        return proposed

    def learn(self, handle: TrialInfo, objective: float | None) -> None:
        if objective is None:
            self._failed_handles.add(id(handle))
        super().learn(handle, objective)

    def learn_value(self, handle: TrialInfo, objective: float) -> None:
        status = StatusType.CRASHED if id(handle) in self._failed_handles else StatusType.SUCCESS
        self.facade.tell(handle, TrialValue(cost=objective, status=status), save=False)

    def recommend(self) -> Values | None:
        incumbent = self.facade.intensifier.get_incumbent()
        return configspace.values(self.parameters, incumbent) if incumbent is not None else None
