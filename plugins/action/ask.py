# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a study what a slot runs next."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from ansible import context

from ansible_collections.evolve.vm.plugins.plugin_utils.controller_action import (
    STUDY_OPTIONS,
    ControllerAction,
    folder_of,
    stored_study,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import (
    PHASES,
    Restore,
    Run,
    ask,
    may_wait,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.study.early_aborting import early_abort
from ansible_collections.evolve.vm.plugins.plugin_utils.study.individuals import write_individual
from ansible_collections.evolve.vm.plugins.plugin_utils.study.leases import Controller

_POLL_SECONDS = 0.5


class ActionModule(ControllerAction):
    """Hands out what a slot does next. With nothing to hand out yet, a worker waits; the controller's own process
    (strategy steady_state) is told to ask again."""

    PATIENT = True
    OPTIONS: ClassVar[Mapping[str, Any]] = {
        **STUDY_OPTIONS,
        "slot": {"type": "str", "required": True},
        "phase": {"type": "str", "required": True, "choices": list(PHASES)},
        "wait_seconds": {"type": "int", "default": 3600},
        "early_abort": {"type": "raw"},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        if multiprocessing.parent_process() is None:
            return _ask(options, holds_worker=False)
        patience = time.monotonic() + options["wait_seconds"]
        while "wait" in (answer := _ask(options, holds_worker=True)):
            if time.monotonic() > patience or not _changes(options, answer["wait"]["running"], patience):
                return {"done": True, "restore": False, "reason": answer["wait"]["reason"]}
        return answer


def _ask(options: dict[str, Any], *, holds_worker: bool) -> dict[str, Any]:
    """The answer for the playbook, or under `wait` why there is none yet.

    One transaction, so that no run can end unnoticed between the answer and the wait.
    """
    slot = options["slot"]
    with stored_study(options) as study:
        found = ask(study, slot, options["phase"], Controller.present())
        after = study.reread()
        if isinstance(found, Run):
            if found.purpose == "search":
                write_individual(folder_of(options), after, found.trial)
            limits = early_abort(after, plain(options["early_abort"])) if found.purpose == "search" else None
            return {"done": False, "restore": False, "changed": True, "run": {**asdict(found), "early_abort": limits}}
        if isinstance(found, Restore):
            return {"done": False, "restore": True, "reason": found.reason}
        if found.wait and (not holds_worker or may_wait(after, slot, _workers())):
            return {"wait": {"reason": found.reason, "seconds": found.seconds, "running": len(after.running)}}
        ended = study.row["stopped"] is None and after.row["stopped"] is not None
    told = {"progress": f"The search is {found.reason}"} if ended else {}
    return {"done": True, "restore": False, "reason": found.reason, **told}


def _workers() -> int:
    """How many tasks Ansible runs at once."""
    return int(context.CLIARGS.get("forks") or 1)


def _changes(options: dict[str, Any], running: int, patience: float) -> bool:
    """Wait until there are no longer so many runs under way; False where that lasts, or the controller was killed."""
    controller = os.getppid()
    while time.monotonic() < patience and os.getppid() == controller:
        time.sleep(_POLL_SECONDS)
        with stored_study(options, look=True) as study:
            if len(study.running) != running:
                return True
    return False
