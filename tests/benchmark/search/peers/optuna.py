# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Optuna: TPE and Gaussian process samplers through `study.ask` and `study.tell`.

Conditions are Optuna's define-by-run: an inactive parameter is never suggested. GPSampler does not model such spaces
(it draws conditional parameters at random), so it gets all parameters always and the inactive ones have no effect.
Ordered choices are the position among the choices, an integer. A failure counts as the worst so far: told as
TrialState.FAIL the samplers do not learn from it, which cost them much on tasks with failures. Trials that are running
are known to the samplers (constant liar, or q-batch expected improvement).
"""

from __future__ import annotations

import warnings
from typing import Any

import optuna

from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Parameter, Values, activate, is_active
from ansible_collections.evolve.vm.tests.benchmark.search.searcher import Penalised

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def suggest(trial: optuna.Trial, parameter: Parameter) -> Any:
    if parameter.kind == "int":
        return trial.suggest_int(parameter.name, int(parameter.low), int(parameter.high), log=parameter.log)
    if parameter.kind == "float":
        return trial.suggest_float(parameter.name, parameter.low, parameter.high, log=parameter.log)
    if parameter.ordered:
        return parameter.values[trial.suggest_int(parameter.name, 0, len(parameter.values) - 1)]
    return trial.suggest_categorical(parameter.name, parameter.values)


class Optuna(Penalised):
    def start(self) -> None:
        super().start()
        self.study = optuna.create_study(direction="minimize", sampler=self.sampler())

    def sampler(self) -> optuna.samplers.BaseSampler:
        return optuna.samplers.TPESampler(seed=self.seed, constant_liar=True, **self.options)

    def propose(self, count: int) -> list[tuple[Values, Any]]:
        return [self._next() for dummy in range(count)]

    def _next(self) -> tuple[Values, Any]:
        trial = self.study.ask()
        return self._values(trial), trial

    def _values(self, trial: optuna.Trial) -> Values:
        values: Values = {}
        for parameter in self.parameters:
            if is_active(parameter, values):
                values[parameter.name] = suggest(trial, parameter)
        return values

    def learn_value(self, handle: Any, objective: float) -> None:
        self.study.tell(handle, objective)


class OptunaGP(Optuna):
    def sampler(self) -> optuna.samplers.BaseSampler:
        return optuna.samplers.GPSampler(seed=self.seed, **self.options)

    def _values(self, trial: optuna.Trial) -> Values:
        return activate(self.parameters, {p.name: suggest(trial, p) for p in self.parameters})
