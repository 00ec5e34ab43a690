# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a machine for one study: a real one through the module of the same name, a simulated one here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from ansible_collections.evolve.vm.plugins.module_utils.machine_claim import Claim, ClaimError, settle
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.action import SimulatedAction


class ActionModule(SimulatedAction):
    """The claim on a simulated machine lies beside its file."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "state": {"type": "str", "choices": ["taken", "released", "free"], "default": "taken"},
        "study": {"type": "str"},
        "begun_at": {"type": "str"},
        "take_over": {"type": "bool", "default": False},
        "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
        "simulation_directory": {"type": "path"},
    }

    def simulate(self, options: dict[str, Any], machine: str, check_mode: bool) -> dict[str, Any]:
        path = Path(options["simulation_directory"], f"{quote(machine, safe='')}.claim")
        try:
            return {"changed": settle(Claim(machine, str(path)), options, check_mode)}
        except ClaimError as error:
            return {"failed": True, "changed": False, "msg": str(error), "failure_class": "infrastructure"}
