# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process has read of a study: kept from one transaction to the next, so that only what changed is read again.

Every row of a trial or a measurement carries the revision of the study in which it was last written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import Definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records, Row

if TYPE_CHECKING:
    from ansible_collections.evolve.vm.plugins.plugin_utils.study.engine import Engine


class Ledger:
    """The trials and measurements of one study, by number and by id.

    Whoever rolls a transaction back throws the ledger away, because it holds what that transaction had written.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.trials: dict[int, Row] = {}
        self.measurements: dict[int, Row] = {}
        self.runs: dict[int, dict[int, Row]] = {}  # trial -> its measurements by id
        self.repeats: dict[int, list[int]] = {}  # trial -> the trials that measure it again
        self.engine: Engine | None = None
        self._definition: tuple[dict[str, Any], Definition] | None = None
        self._revision = 0
        self._birth: str | None = None

    def refresh(self, records: Records, study: Row) -> None:
        """Take in what was written since the last time."""
        if study["created_at"] != self._birth or study["revision"] < self._revision:
            # Another study of this name.
            self._forget()
            self._birth = study["created_at"]
        since = self._revision
        for trial in records.changed(schema.trials, since, study=study["name"]):
            self._take_trial(trial)
        for run in records.changed(schema.measurements, since, study=study["name"]):
            self.measurements[run["id"]] = run
            self.runs.setdefault(run["trial"], {})[run["id"]] = run
            self._stir(run["trial"])
        self._revision = study["revision"]

    def definition(self, stored: dict[str, Any]) -> Definition:
        """The study's definition; the same object as long as what is stored is the same."""
        if self._definition is None or self._definition[0] != stored:
            self._definition = stored, Definition(**stored)
        return self._definition[1]

    def _take_trial(self, trial: Row) -> None:
        number, first = trial["number"], trial["repeat_of"]
        if first is not None and number not in self.trials:
            self.repeats.setdefault(first, []).append(number)
        self.trials[number] = trial
        self._stir(number)

    def _stir(self, trial: int) -> None:
        if self.engine is not None:
            self.engine.stale.add(trial)
