# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fix the baseline configuration of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.plugin_utils.controller_action import (
    STUDY_OPTIONS,
    ControllerAction,
    stored_study,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import take_baseline


class ActionModule(ControllerAction):
    """Takes what was read from the slots as the configuration to beat."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {**STUDY_OPTIONS, "readings": {"type": "dict", "required": True}}

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        with stored_study(options) as study:
            if study.row["harvest"] is not None:
                return {"harvest": study.row["harvest"]}
            readings = {host: reading.get("readback") or {} for host, reading in options["readings"].items()}
            silent = {
                host: reading.get("message") or ""
                for host, reading in options["readings"].items()
                if not readings[host]
            }
            harvest = take_baseline(study, {host: values for host, values in readings.items() if values}, silent)
        shown = ", ".join(f"{name}={value}" for name, value in harvest.items())
        return {"changed": True, "harvest": harvest, "progress": f"Baseline: {shown}"}
