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
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import take_baseline


class ActionModule(ControllerAction):
    """Takes what was read from the slots as the configuration to beat."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        **STUDY_OPTIONS,
        "readings": {"type": "dict", "required": True},
        "founders": {"type": "dict", "default": {}},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        with stored_study(options) as study:
            if study.row["harvest"] is not None:
                return {"harvest": study.row["harvest"]}
            founders = take_baseline(study, *_sorted(options["readings"]), *_sorted(options["founders"]))
            harvest = study.reread().row["harvest"]
        lines = ["Baseline: " + ", ".join(f"{name}={value}" for name, value in harvest.items())]
        lines += [f"Founder: {line}" for line in founders]
        return {"changed": True, "harvest": harvest, "founders": founders, "progress": "\n".join(lines)}


def _sorted(readings: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """What was read, by host, and why the others could not be read."""
    found = {host: plain(reading.get("readback") or {}) for host, reading in readings.items()}
    silent = {host: str(readings[host].get("message") or "") for host, values in found.items() if not values}
    return {host: values for host, values in found.items() if values}, silent
