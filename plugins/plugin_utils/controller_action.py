# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all actions that run on the controller share: checked options, the store, errors as failures."""

from __future__ import annotations

import multiprocessing
import os
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import InputError
from ansible_collections.evolve.vm.plugins.plugin_utils.files import FileError
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import MissingLibraryError, require
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.scheduling.orphans import workers_end_with_controller
from ansible_collections.evolve.vm.plugins.plugin_utils.study.folder import StudyFolder
from ansible_collections.evolve.vm.plugins.plugin_utils.study.session import session
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store, StoreError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study, StudyError

workers_end_with_controller()

# Options of every action that works on a stored study.
STUDY_OPTIONS = {
    "study": {"type": "str", "required": True},
    "home": {"type": "path"},
    "store": {"type": "str", "no_log": False},
    "store_patience_seconds": {"type": "float", "default": 600.0},
}
_RETRY_SECONDS = 2.0
_SILENT = "the store does not answer"
display = Display()
_EXPECTED = (InputError, StudyError, StoreError, BackendError, FileError, MissingLibraryError)


class ControllerAction(ActionBase):  # type: ignore[misc]
    """Base of the actions that never touch a target. Subclasses give `OPTIONS` and `act`."""

    TRANSFERS_FILES = False
    _requires_connection = False
    OPTIONS: ClassVar[Mapping[str, Any]] = {}
    # Whether it waits for a store that does not answer. Its `act` is then called again, whatever came of the last call.
    PATIENT: ClassVar[bool] = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        self._variables: Mapping[str, Any] = task_vars or {}
        dummy, options = self.validate_argument_spec(dict(self.OPTIONS))
        if "home" in self.OPTIONS:
            options["home"] = os.path.abspath(options["home"] or default_home(task_vars or {}))
        try:
            require()
            result.update(self._act_patiently(options))
        except _EXPECTED as error:
            result.update(failed=True, msg=str(error))
        return result

    def _act_patiently(self, options: dict[str, Any]) -> dict[str, Any]:
        """Act again for as long as the store may come back, so that nothing measured is lost with it.

        The controller's own process (strategy steady_state) must not stand still: it is told to come again.
        """
        while True:
            try:
                return self.act(options)
            except StoreError as error:
                # What has never answered is a mistake rather than trouble.
                if not (error.passing and self.PATIENT):
                    raise
                work = session(store_url(options), options["study"])
                patience = options["store_patience_seconds"]
                if work.silence_seconds >= patience:
                    raise
                if not work.silence_told:
                    # A warning would wait for the task's result.
                    work.silence_told = True
                    display.display(f"{error}. It is tried again for {patience:.0f} seconds.", color=C.COLOR_WARN)
            if multiprocessing.parent_process() is None:
                return {"wait": {"reason": _SILENT, "seconds": _RETRY_SECONDS}}
            time.sleep(_RETRY_SECONDS)

    @abstractmethod
    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """Do the work; returns the result's keys, all of plain types."""


def default_home(task_vars: Mapping[str, Any]) -> str:
    """The folder `evolve` beside the inventory, or in the present folder where the inventory is no file."""
    source = next((Path(str(s)) for s in task_vars.get("ansible_inventory_sources", []) if "," not in str(s)), None)
    return str((source.absolute().parent if source is not None else Path.cwd()) / "evolve")


def store_url(options: Mapping[str, Any]) -> str:
    """The database named by `store`, or the SQLite file under `home`."""
    return options.get("store") or f"sqlite:///{options['home']}/evolve.sqlite"


def folder_of(options: Mapping[str, Any]) -> StudyFolder:
    """The folder of the study named in the options."""
    return StudyFolder(options["home"], options["study"])


@contextmanager
def opened_store(options: Mapping[str, Any]) -> Iterator[Store]:
    """The store, closed again at the end."""
    store = Store(store_url(options))
    try:
        yield store
    finally:
        store.close()


@contextmanager
def stored_study(options: Mapping[str, Any], *, look: bool = False) -> Iterator[Study]:
    """The study named in the options, within one transaction: one on it, or one that only looks and waits for none."""
    with session(store_url(options), options["study"]).transaction(look=look) as study:
        yield study
