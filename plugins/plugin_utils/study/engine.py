# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search engine of a study, kept from one question to the next and told only what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate
from ansible_collections.evolve.vm.plugins.plugin_utils.study.earlier import earlier_of
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row

if TYPE_CHECKING:
    from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study


class Engine:
    """An Evolution with what it was told. What it is does not depend on how often it was brought up to date."""

    def __init__(self, study: Study) -> None:
        self._basis = _basis(study)
        learned = study.row["learned"] or {}
        self.evolution: Evolution = study.definition.evolution(
            study.row["harvest"],
            founders=[founder["values"] for founder in learned.get("founders", ())],
            earlier=earlier_of(learned, study.definition.scoring),
            limits=study.size_limits,
        )
        self._restored: set[int] = set()
        self._told: set[int] = set()
        self._failed: set[int] = set()
        # Numbers of trials that may have something new to tell.
        self.stale: set[int] = {trial["number"] for trial in study.trials}

    def serves(self, study: Study) -> bool:
        """Whether everything told still has the fitness it was told with."""
        return self._basis == _basis(study)

    def update(self, study: Study) -> Evolution:
        """Tell what is new."""
        for number in sorted(self.stale):
            trial = study.trial(number)
            candidate = candidate_of(trial)
            if number not in self._restored:
                self._restored.add(number)
                self.evolution.restore(candidate)
            for measurement in study.measured(number):
                if measurement["id"] not in self._told:
                    self._told.add(measurement["id"])
                    score = study.score(measurement["metrics"])
                    self.evolution.tell(candidate, score.fitness, violation=score.violation, slot=measurement["slot"])
            # A trial given up because machines failed says nothing about its configuration.
            failed = trial["status"] == "failed" and trial["failure_class"] != "infrastructure"
            if failed and number not in self._failed:
                self._failed.add(number)
                self.evolution.tell(candidate, None, failure=trial["failure_class"])
        self.stale.clear()
        return self.evolution


def candidate_of(trial: Row) -> Candidate:
    """The engine's view of a stored trial."""
    return Candidate(
        trial["number"],
        trial["configuration"],
        trial["origin"],
        trial["generation"],
        tuple(trial["parents"]),
        trial["repeat_of"],
    )


def _basis(study: Study) -> tuple[Any, ...]:
    """What everything told rests on."""
    return study.definition, study.row["harvest"], study.row["learned"], study.baseline_metrics, study.size_limits
