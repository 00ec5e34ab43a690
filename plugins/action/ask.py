# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a study what a slot runs next."""

from __future__ import annotations

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
    opened_store,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import PHASES, Nothing, Run, ask, may_wait
from ansible_collections.evolve.vm.plugins.plugin_utils.study.individuals import write_individual
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records, Store
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study

_POLL_SECONDS = 0.5


class ActionModule(ControllerAction):
    """Hands out the next run, waiting while others may still leave one over."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        **STUDY_OPTIONS,
        "slot": {"type": "str", "required": True},
        "phase": {"type": "str", "required": True, "choices": list(PHASES)},
        "wait_seconds": {"type": "int", "default": 3600},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        patience = time.monotonic() + options["wait_seconds"]
        while True:
            with opened_store(options) as store:
                # One transaction, so that no run can end unnoticed between the answer and the wait.
                with store.transaction(options["study"]) as records:
                    study = Study(records, options["study"])
                    found = ask(study, options["slot"], options["phase"])
                    wait = isinstance(found, Nothing) and found.wait and may_wait(study, options["slot"], _workers())
                    others = _under_way(records, options["study"])
                    ended = study.row["stopped"] is None and study.reread().row["stopped"] is not None
                    if isinstance(found, Run) and found.purpose == "search":
                        write_individual(folder_of(options), study.reread(), found.trial)
                if isinstance(found, Run):
                    return {"done": False, "changed": True, "run": asdict(found)}
                if not wait or not _changes(store, options["study"], others, patience):
                    told = {"progress": f"The search is {found.reason}"} if ended else {}
                    return {"done": True, "reason": found.reason, **told}


def _workers() -> int:
    """How many tasks Ansible runs at once."""
    return int(context.CLIARGS.get("forks") or 1)


def _changes(store: Store, study: str, before: int, patience: float) -> bool:
    """Wait until there are no longer `before` runs under way; False where that lasts, or the controller was killed."""
    controller = os.getppid()
    while time.monotonic() < patience and os.getppid() == controller:
        time.sleep(_POLL_SECONDS)
        with store.transaction() as records:
            if _under_way(records, study) != before:
                return True
    return False


def _under_way(records: Records, study: str) -> int:
    return records.count(schema.measurements, study=study, status="running")
