# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch machines: real ones through the module of the same name, simulated ones by what they would do, here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.module_utils.sampling.arguments import ARGUMENT_SPEC
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.action import SimulatedAction
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.sampling import sample_machines


class ActionModule(SimulatedAction):
    """`machines` are those of the simulation; without them it is the one the task runs on."""

    OPTIONS: ClassVar[Mapping[str, Any]] = ARGUMENT_SPEC

    def simulate(self, options: dict[str, Any], machine: str, check_mode: bool) -> dict[str, Any]:
        return sample_machines(options, machine)
