# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a configuration before anything is touched, or write one to a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.configuration_file import write_configuration
from ansible_collections.evolve.vm.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.evolve.vm.plugins.plugin_utils.study.configuration import check_configuration


class ActionModule(ControllerAction):
    """Refuses a configuration with unknown names, impossible values or broken constraints, naming all of them."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "configuration": {"type": "raw", "required": True},
        "constraints": {"type": "list", "elements": "str", "default": []},
        "apps": {"type": "dict", "default": {}},
        "file": {"type": "path"},
        "about": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        values = check_configuration(options["configuration"], options["constraints"], list(options["apps"]))
        risks = catalogue().risks_in(values)
        told = [f"RISK: this configuration gives up {risk}: {name}: {values[name]}" for name, risk in risks.items()]
        result: dict[str, Any] = {"configuration": values, "risks": risks}
        if told:
            result["progress"] = "\n".join(told)
        if options["file"] is None:
            return result
        if not self._task.check_mode:
            write_configuration(Path(options["file"]), values, [*told, *options["about"]])
        return {**result, "changed": True}
