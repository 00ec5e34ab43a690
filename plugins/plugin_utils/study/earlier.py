# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a study took from earlier ones, as the engine reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import Goals, MetricError
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Earlier


def earlier_of(learned: Mapping[str, Any], goals: Goals) -> tuple[Earlier, ...]:
    """The trials kept in `learned`, each scored by these goals over the baseline of its own study.

    What these goals cannot score is left out: a metric whose weight was 0 may have been 0 itself.
    """
    found = []
    for study in learned.get("studies", ()):
        trials = []
        for trial in study["trials"]:
            try:
                fitness = goals.score(trial["metrics"], study["baseline"]).fitness
            except MetricError:
                continue
            trials.append((dict(trial["values"]), fitness))
        if trials:
            found.append(Earlier(study["study"], tuple(trials)))
    return tuple(found)
