# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a study: the verdict on its winner, and best.yml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.plugin_utils.controller_action import (
    STUDY_OPTIONS,
    ControllerAction,
    folder_of,
    stored_study,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.study.individuals import write_best
from ansible_collections.evolve.vm.plugins.plugin_utils.study.judging import judge
from ansible_collections.evolve.vm.plugins.plugin_utils.study.leases import Controller, is_stopping


class ActionModule(ControllerAction):
    """Says whether the winner is better than the baseline, and writes the configuration to deploy."""

    PATIENT = True
    OPTIONS: ClassVar[Mapping[str, Any]] = STUDY_OPTIONS

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        folder = folder_of(options)
        with stored_study(options) as study:
            if is_stopping(study, Controller.present()):
                return {"verdict": None, "progress": "No verdict, because it was stopped. Run it again to go on."}
            verdict = judge(study)
            write_best(folder, study.reread())
        return {"changed": True, "verdict": verdict, "best": str(folder.best)}
