# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of one study, as a line of the results."""

from __future__ import annotations

from typing import Any

from ansible_collections.evolve.vm.tests.benchmark.scheduling import arithmetic
from ansible_collections.evolve.vm.tests.benchmark.scheduling.estate import definition
from ansible_collections.evolve.vm.tests.benchmark.scheduling.quality import recommended
from ansible_collections.evolve.vm.tests.benchmark.scheduling.study import Outcome

#: Into so many parts the search is cut to see whether its cost a trial grows.
PARTS = 20
_SETTINGS = ("slots", "trials", "seconds", "spread", "algorithm", "seed", "strategy", "scheduling", "controllers")


def figures(outcome: Outcome) -> dict[str, Any]:
    """Times in seconds, memory in MiB, quality in log units over the baseline."""
    setup, evidence = outcome.setup, outcome.evidence
    runs = evidence.runs
    used = arithmetic.utilisation(runs, setup.slots)
    told = sum(run.status in ("measured", "failed") for run in runs)
    rounds, until_told = arithmetic.overheads(runs)
    begun = min(run.asked for run in runs)
    cpu = sum(
        arithmetic.cpu_at(samples, arithmetic.ended(runs)) - arithmetic.cpu_at(samples, begun)
        for samples in outcome.samples
    )
    return {
        **{name: getattr(setup, name) for name in _SETTINGS},
        "forks": setup.forks_each,
        "told": told,
        "failed": sum(run.status == "failed" for run in runs),
        "playbook_seconds": outcome.seconds,
        "elapsed_seconds": used.elapsed,
        "busy_seconds": used.busy,
        "utilisation": used.whole,
        "utilisation_without_tail": used.without_tail,
        "slots_worth": used.busy / used.elapsed,
        "trials_an_hour": 3600 * told / used.elapsed,
        "elapsed_a_trial": used.elapsed / told,
        "cpu_a_trial": cpu / told,
        "overhead_median": arithmetic.percentile(rounds, 0.5),
        "overhead_p95": arithmetic.percentile(rounds, 0.95),
        "until_told_median": arithmetic.percentile(until_told, 0.5),
        "until_told_p95": arithmetic.percentile(until_told, 0.95),
        "resident_mib": max((s.resident_mib for samples in outcome.samples for s in samples), default=0.0),
        "total_mib": sum(outcome.total_mib),
        "duplicates": arithmetic.duplicates(evidence.trials),
        "measured_twice": arithmetic.measured_twice(runs),
        "true_fitness": recommended(evidence, definition(setup)["evolve_goals"]),
    }


def course(outcome: Outcome) -> list[dict[str, Any]]:
    """The first controller's search in parts, as lines of the results."""
    parts = arithmetic.course(outcome.evidence.runs, outcome.samples[0], PARTS)
    return [
        {"told": p.trials, "elapsed_a_trial": p.seconds, "cpu_a_trial": p.cpu_seconds, "resident_mib": p.resident_mib}
        for p in parts
    ]
