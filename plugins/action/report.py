# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report on a study: a page, and a summary for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.plugin_utils.controller_action import (
    STUDY_OPTIONS,
    ControllerAction,
    folder_of,
    store_url,
    stored_study,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.files import replace_file
from ansible_collections.evolve.vm.plugins.plugin_utils.report.html import render_html
from ansible_collections.evolve.vm.plugins.plugin_utils.report.text import render_text
from ansible_collections.evolve.vm.plugins.plugin_utils.report.what_if import render_what_if
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store
from ansible_collections.evolve.vm.plugins.plugin_utils.study.summary import summarise
from ansible_collections.evolve.vm.plugins.plugin_utils.study.weights import what_if


class ActionModule(ControllerAction):
    """Writes report.html and returns the summary; with other weights it only says what these would make of it all."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {**STUDY_OPTIONS, "weights": {"type": "raw"}}

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["weights"] is not None:
            with stored_study(options, look=True) as study:
                found = what_if(study, options["weights"])
            return {"what_if": found, "text": render_what_if(found)}
        folder = folder_of(options)
        with stored_study(options, look=True) as study:
            summary = summarise(study, folder, Store.shown(store_url(options)))
        replace_file(folder.report, render_html(summary))
        return {"changed": True, "summary": summary, "text": render_text(summary), "path": str(folder.report)}
