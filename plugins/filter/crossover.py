# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter crossover: a child of two configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution import operators
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import CROSSOVERS
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.population import read_configuration, read_space
from ansible_collections.evolve.vm.plugins.plugin_utils.filter_arguments import (
    ArgumentsError,
    read_choice,
    read_seed,
    template_filter,
)


@template_filter
def crossover(
    mother: Any, father: Any, parameters: Any, kind: str = "uniform", seed: Any = None, constraints: Any = ()
) -> dict[str, Any]:
    """A valid configuration with genes of both."""
    faults: list[Fault] = []
    space = read_space(parameters, constraints, faults)
    one = read_configuration("mother", mother, space, faults)
    other = read_configuration("father", father, space, faults)
    read_choice("kind", kind, CROSSOVERS, faults)
    rng = read_seed("crossover", seed, faults)
    if space is None or faults:
        raise ArgumentsError(faults)
    return operators.settle(space, operators.crossover(space, one, other, kind, rng), one, rng)


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"crossover": crossover}
