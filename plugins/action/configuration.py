# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a configuration before anything is touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.evolve.vm.plugins.plugin_utils.study.configuration import check_configuration


class ActionModule(ControllerAction):
    """Refuses a configuration with unknown names, impossible values or broken constraints, naming all of them."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "configuration": {"type": "raw", "required": True},
        "constraints": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"configuration": check_configuration(options["configuration"], options["constraints"])}
