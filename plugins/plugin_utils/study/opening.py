# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a study: create it, continue it, or fork it from another; and take up the baseline configuration."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import now
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import Definition, StudyInputError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.founders import settle_founders
from ansible_collections.evolve.vm.plugins.plugin_utils.study.learning import learn, learning_faults
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import (
    BASELINE_TRIAL,
    Study,
    StudyError,
    candidate_of,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.study.weights import check_scores, weight_changes


@dataclass(frozen=True)
class Opened:
    """How a study was opened. `interrupted` counts runs that an earlier controller left unfinished.

    `rescored` says which weights changed, so that everything measured has another fitness than before.
    """

    study: Study
    created: bool
    interrupted: int = 0
    forked_trials: int = 0
    rescored: tuple[str, ...] = ()


def open_study(
    records: Records,
    definition: Definition,
    hosts: Iterable[str],
    *,
    version: str,
    fork_of: str | None = None,
    pid: int = 0,
) -> Opened:
    """Create the study, or continue the one of this name.

    StudyError where it exists with another space, goals or benchmark, or where another controller works on it;
    StudyInputError where it cannot learn from the studies it names. `pid` is the controller's process; 0 leaves that
    unguarded.
    """
    row = records.first(schema.studies, name=definition.name)
    forked = interrupted = 0
    rescored: tuple[str, ...] = ()
    if row is None:
        faults = learning_faults(
            records, definition.name, definition.learn_from, definition.parameters, definition.simulated
        )
        if faults:
            raise StudyInputError(faults)
        records.insert(
            schema.studies,
            name=definition.name,
            definition=definition.as_dict(),
            collection_version=version,
            forked_from=fork_of,
            learned=learn(records, definition),
            created_at=now(),
        )
        if fork_of:
            forked = _copy_trials(Study(records, fork_of), Study(records, definition.name))
            study = Study(records, definition.name)
            if study.row["harvest"] is not None:
                settle_founders(study)
    else:
        study = Study(records, definition.name)
        _refuse_changes(study, definition)
        _refuse_company(study, pid)
        rescored = _update(study, definition)
        interrupted = _recover(study)
    _take_in_slots(Study(records, definition.name), hosts)
    if pid:
        _take_over(Study(records, definition.name), pid)
    return Opened(Study(records, definition.name), row is None, interrupted, forked, rescored)


def close_study(study: Study) -> None:
    """Say that no controller works on it any more."""
    study.records.update(schema.controllers, {"ended_at": study.records.now()}, study=study.name, ended_at=None)


def take_baseline(
    study: Study,
    readings: Mapping[str, Mapping[str, Any]],
    silent: Mapping[str, str] | None = None,
    founders: Mapping[str, Mapping[str, Any]] | None = None,
    silent_founders: Mapping[str, str] | None = None,
) -> list[str]:
    """Fix the baseline from what was read from the slots: {host: {parameter: value}}, and with it the founders.

    `founders` holds what was read from other machines, whose configurations enter the initial population; `silent` and
    `silent_founders` say of each group why some could not be read. Returns a line on each founder, for people.
    StudyError where slots differ, because trials on machines that are not alike cannot be compared, or where a
    parameter could not be read.
    """
    if not readings:
        reasons = "; ".join(f"{host}: {message}" for host, message in (silent or {}).items())
        raise StudyError(f"no slot could be read, so there is no baseline to start from. {reasons}")
    host, harvest = next(iter(readings.items()))
    missing = [name for name in study.definition.space.parameters if name not in harvest]
    if missing:
        raise StudyError(f"{host} did not tell its present value of: {', '.join(missing)}")
    unlike = [
        f"{name} is {harvest[name]!r} on {host} but {other[name]!r} on {another}"
        for another, other in readings.items()
        for name in harvest
        if other.get(name) != harvest[name]
    ]
    if unlike:
        raise StudyError("the slots of a study must be alike; " + "; ".join(unlike))
    values = {name: harvest[name] for name in study.definition.space.parameters}
    study.records.update(schema.studies, {"harvest": values}, name=study.name)
    lines = settle_founders(study.reread(), founders, silent_founders)
    candidate = study.reread().evolution.ask()[0]
    insert_trial(study, candidate)
    return lines


def insert_trial(study: Study, candidate: Candidate) -> None:
    """Record a candidate that the engine handed out."""
    study.records.insert(
        schema.trials,
        study=study.name,
        number=candidate.number,
        configuration=candidate.values,
        origin=candidate.origin,
        generation=candidate.generation,
        parents=list(candidate.parents),
        repeat_of=candidate.repeat_of,
        status="pending",
        created_at=study.clock(),
    )


def _update(study: Study, definition: Definition) -> tuple[str, ...]:
    """Take over what may change in a study; returns the weights that did.

    With other weights another trial may be the winner, so that is chosen again; blocks of verification belong to the
    trial they verified and are scored with the new weights where it wins again. A search that was stopped may go on
    where the budget or the weights changed.
    """
    old = study.definition
    changes: dict[str, Any] = {"definition": definition.as_dict()}
    rescored = tuple(weight_changes(old.scoring, definition.scoring))
    if rescored:
        check_scores(study.with_definition(definition))
        changes |= {"winner": None, "verdict": None}
    if rescored or old.budget != definition.budget:
        changes["stopped"] = None
    study.records.update(schema.studies, changes, name=study.name)
    return rescored


def _refuse_changes(study: Study, definition: Definition) -> None:
    changes = list(study.definition.differences(definition))
    if changes:
        lines = "\n".join(f"  - {change}" for change in changes)
        raise StudyError(
            f"study {study.name!r} exists and was started with other settings:\n{lines}\n"
            f"Its results could not be compared with new ones. Either put the settings back to continue it, or start a "
            f"new study with another name (evolve_study: {study.name}-2), or fork this one, which takes over every "
            f"trial that is still valid (evolve_study: {study.name}-2, evolve_fork: {study.name})"
        )


def _take_over(study: Study, pid: int) -> None:
    """Say who works on it from now on."""
    close_study(study)
    present = study.records.now()
    study.records.insert(
        schema.controllers,
        id=str(uuid4()),
        study=study.name,
        host=platform.node(),
        pid=pid,
        started=_process_start(pid),
        begun_at=present,
        seen_at=present,
        lease_until=present,
    )


def _process_start(pid: int) -> str | None:
    """When a process began, in the kernel's ticks, to tell it from a later one with the same number; None if gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def _refuse_company(study: Study, pid: int) -> None:
    """Two controllers on one study would take each other's runs for interrupted ones."""
    other = study.records.first(schema.controllers, study=study.name, ended_at=None)
    if not pid or not other or other["pid"] == pid or other["host"] != platform.node():
        return
    started = _process_start(other["pid"])
    if started is not None and started == other["started"]:
        raise StudyError(
            f"another ansible-playbook (process {other['pid']}) is working on study {study.name!r}; wait for it to end"
        )


def _recover(study: Study) -> int:
    """Take back what an earlier controller left running: nothing measured is lost, nothing half-done is kept."""
    records, name = study.records, study.name
    message = "the controller stopped before it was finished"
    changes = {"status": "abandoned", "finished_at": study.clock(), "message": message}
    count = records.update(schema.measurements, changes, study=name, status="running")
    records.update(schema.trials, {"status": "pending"}, study=name, status="running")
    records.update(schema.blocks, {"status": "abandoned"}, study=name, status="open")
    return count


def _take_in_slots(study: Study, hosts: Iterable[str]) -> None:
    """Every host of the group is a ready slot; those of earlier runs that are gone from it are set aside."""
    known = {slot["host"] for slot in study.slots}
    present = set(hosts)
    for host in sorted(present):
        fresh = {"status": "ready", "trouble": 0, "waiting": False, "message": None}
        if host in known:
            study.records.update(schema.slots, fresh, study=study.name, host=host)
        else:
            study.records.insert(schema.slots, study=study.name, host=host, **fresh)
    for host in sorted(known - present):
        gone = {"status": "quarantined", "message": "not in this run's inventory"}
        study.records.update(schema.slots, gone, study=study.name, host=host)


def _copy_trials(source: Study, target: Study) -> int:
    """Take over the baseline and every measured trial that is valid in the new space; returns how many trials."""
    old, new = source.definition, target.definition
    for key in ("benchmark", "prices", "simulated"):
        if getattr(old, key) != getattr(new, key):
            raise StudyError(
                f"study {source.name!r} cannot be forked with another evolve_{key}: its metrics would not compare"
            )
    if set(old.parameters) != set(new.parameters):
        raise StudyError(
            f"study {source.name!r} cannot be forked with other parameters: ranges, goals and constraints may differ"
        )
    if source.row["harvest"] is None:
        return 0
    target.records.update(schema.studies, {"harvest": source.row["harvest"]}, name=target.name)
    number = 0
    copies: dict[int, int] = {}
    for trial in source.trials:
        kept = [m for m in source.measured(trial["number"]) if set(new.scoring.metrics) <= set(m["metrics"])]
        is_baseline = trial["number"] == BASELINE_TRIAL
        if not is_baseline and (not kept or new.space.faults(trial["configuration"])):
            continue
        candidate = candidate_of(trial)
        again = copies.get(trial["repeat_of"])
        insert_trial(target, Candidate(number, candidate.values, candidate.origin, 0, repeat_of=again))
        copies[trial["number"]] = number
        status = {"status": "measured" if kept else "pending"}
        target.records.update(schema.trials, status, study=target.name, number=number)
        for measurement in kept:
            row = {**measurement, "study": target.name, "trial": number}
            del row["id"]
            target.records.insert(schema.measurements, **row)
        number += 1
    return max(number - 1, 0)
