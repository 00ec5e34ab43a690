# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter mutate: a configuration near another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution import operators
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.population import read_configuration, read_space
from ansible_collections.evolve.vm.plugins.plugin_utils.filter_arguments import (
    ArgumentsError,
    read_seed,
    read_share,
    template_filter,
)


@template_filter
def mutate(
    configuration: Any,
    parameters: Any,
    rate: float = 0.2,
    sigma: float = 0.2,
    seed: Any = None,
    constraints: Any = (),
) -> dict[str, Any]:
    """A valid configuration of which at least one gene differs, as far as the space has any other nearby."""
    faults: list[Fault] = []
    space = read_space(parameters, constraints, faults)
    values = read_configuration("configuration", configuration, space, faults)
    chance = read_share("rate", rate, faults)
    reach = read_share("sigma", sigma, faults)
    rng = read_seed("mutate", seed, faults)
    if space is None or faults:
        raise ArgumentsError(faults)
    return operators.settle(space, operators.mutate(space, values, chance, reach, rng), values, rng)


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"mutate": mutate}
