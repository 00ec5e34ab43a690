# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a machine: a real one through the module of the same name, a simulated one by its response surface, here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.arguments import ARGUMENT_SPEC
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.action import SimulatedAction
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.measuring import measure_machine


class ActionModule(SimulatedAction):
    """The machine is the one the task runs on."""

    OPTIONS: ClassVar[Mapping[str, Any]] = ARGUMENT_SPEC

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        present_ms = time.time_ns() // 1_000_000
        # By this clock, because whatever is watched meanwhile is stamped by it.
        for name, seconds in zip(("began_ms", "ended_ms"), result.get("window_seconds_ago", ()), strict=False):
            result[name] = present_ms - round(1000 * seconds)
        return result

    def simulate(self, options: dict[str, Any], machine: str, check_mode: bool) -> dict[str, Any]:
        return measure_machine(options, machine, check_mode)
