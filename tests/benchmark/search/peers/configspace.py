# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task's space in ConfigSpace, with ordinals, log scales and conditions."""

from __future__ import annotations

from typing import Any

from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    InCondition,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Parameter, Values


def hyperparameter(parameter: Parameter, *, ordinals: bool) -> Any:
    """Choices are their positions, since ConfigSpace turns values into numpy's types."""
    if parameter.kind == "int":
        return UniformIntegerHyperparameter(parameter.name, int(parameter.low), int(parameter.high), log=parameter.log)
    if parameter.kind == "float":
        return UniformFloatHyperparameter(parameter.name, parameter.low, parameter.high, log=parameter.log)
    positions = list(range(len(parameter.values)))
    if not parameter.ordered:
        return CategoricalHyperparameter(parameter.name, positions)
    if ordinals:
        return OrdinalHyperparameter(parameter.name, positions)
    return UniformIntegerHyperparameter(parameter.name, 0, len(positions) - 1)


def space(parameters: list[Parameter], seed: int, *, ordinals: bool = True, conditions: bool = True) -> Any:
    """The space; without `ordinals` an ordered choice is a whole number."""
    space = ConfigurationSpace(seed=seed)
    described = {p.name: hyperparameter(p, ordinals=ordinals) for p in parameters}
    space.add(*described.values())
    by_name = {p.name: p for p in parameters}
    for parameter in parameters:
        if conditions and parameter.parent is not None:
            known = by_name[parameter.parent].values
            allowed = [known.index(value) for value in parameter.allowed]
            space.add(InCondition(described[parameter.name], described[parameter.parent], allowed))
    return space


def values(parameters: list[Parameter], configuration: Any) -> Values:
    """What is active in a configuration, in the task's own values."""
    found = dict(configuration)
    return {p.name: _value(p, found[p.name]) for p in parameters if p.name in found}


def _value(parameter: Parameter, value: Any) -> Any:
    if not parameter.is_number:
        return parameter.values[int(value)]
    return int(value) if parameter.kind == "int" else float(value)
