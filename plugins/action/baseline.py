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
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import (
    check_alike,
    note_hypervisors,
    take_baseline,
)


class ActionModule(ControllerAction):
    """Takes what was read from the slots as the configuration to beat."""

    PATIENT = True
    OPTIONS: ClassVar[Mapping[str, Any]] = {
        **STUDY_OPTIONS,
        "readings": {"type": "dict", "required": True},
        "founders": {"type": "dict", "default": {}},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        readings, silent = _sorted(options["readings"])
        with stored_study(options) as study:
            note_hypervisors(study, plain(options["readings"]))
            if (harvest := study.row["harvest"]) is not None:
                # Another controller may have fixed it since this one read its slots.
                check_alike("the slots measured so far", harvest, readings)
                return {"harvest": harvest}
            founders = take_baseline(study, readings, silent, *_sorted(options["founders"]))
            harvest = study.reread().row["harvest"]
        lines = ["Baseline: " + ", ".join(f"{name}={value}" for name, value in harvest.items())]
        lines += [f"Founder: {line}" for line in founders]
        return {"changed": True, "harvest": harvest, "founders": founders, "progress": "\n".join(lines)}


def _sorted(readings: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """What was read, by host, and why the others could not be read."""
    found = {host: plain(reading.get("readback") or {}) for host, reading in readings.items()}
    silent = {host: str(readings[host].get("message") or "") for host, values in found.items() if not values}
    return {host: values for host, values in found.items() if values}, silent
