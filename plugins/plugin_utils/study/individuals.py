# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The population as files: one a trial, readable by people and accepted by `apply`."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.plugin_utils.configuration_file import write_configuration
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import percent
from ansible_collections.evolve.vm.plugins.plugin_utils.study.folder import StudyFolder
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study
from ansible_collections.evolve.vm.plugins.plugin_utils.study.summary import (
    changes_between,
    risks_of,
    trial_summary,
)


def write_individual(folder: StudyFolder, study: Study, number: int) -> None:
    """Write the file of one trial as it stands now."""
    trial = trial_summary(study, study.trial(number))
    parents = f", of trials {', '.join(map(str, trial['parents']))}" if trial["parents"] else ""
    again = trial["repeat_of"]
    where_from = f"{trial['origin']}{parents}" if again is None else f"measures trial {again} again"
    fitness = "not measured" if trial["fitness"] is None else f"{percent(trial['fitness']):+.2f} % over the baseline"
    if trial["measurements"] > 1:
        fitness += f" ({trial['measurements']} readings)"
    comments = [
        *_title(study),
        f"Trial {number}: {where_from}, generation {trial['generation']}",
        f"Status: {trial['status']}; fitness: {fitness}",
        *([f"Failure ({trial['failure_class']}): {trial['message']}"] if trial["message"] else []),
    ]
    write_configuration(folder.individual(trial["generation"], number), trial["configuration"], comments)


def write_best(folder: StudyFolder, study: Study) -> None:
    """Write best.yml: the winner where it was shown to be better, else the baseline, so that it is safe to apply."""
    verdict = study.row["verdict"]
    better = verdict["verdict"] == "better"
    baseline = study.trial(0)["configuration"]
    configuration = study.trial(verdict["trial"])["configuration"] if better else baseline
    what = f"Trial {verdict['trial']}" if better else "The baseline: nothing measured is known to be better"
    risks = [
        f"RISK: gives up {r['risk']}: {r['parameter']}: {r['value']}{' (as before)' if r['today'] else ''}"
        for r in risks_of(configuration, baseline)
    ]
    comments = [*risks, *_title(study), f"{what}. {verdict['sentence']}"]
    comments += [
        f"Changed: {c['parameter']}: {c['before']} -> {c['after']}" for c in changes_between(baseline, configuration)
    ]
    write_configuration(folder.best, configuration, comments)


def _title(study: Study) -> list[str]:
    title = f"evolve.vm {study.row['collection_version']}, study {study.name}"
    return [
        f"{title}, seed {study.definition.seed}",
        *(["SIMULATED: no machine was measured"] if study.definition.simulated else []),
    ]
