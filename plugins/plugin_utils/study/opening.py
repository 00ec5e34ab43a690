# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a study: create it, continue it, or fork it from another; and take up the baseline configuration."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import Parameter
from ansible_collections.evolve.vm.plugins.plugin_utils.study import leases, schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import Definition, StudyInputError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.engine import candidate_of
from ansible_collections.evolve.vm.plugins.plugin_utils.study.founders import settle_founders
from ansible_collections.evolve.vm.plugins.plugin_utils.study.learning import learn, learning_faults
from ansible_collections.evolve.vm.plugins.plugin_utils.study.leases import Controller
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import (
    BASELINE_TRIAL,
    Study,
    StudyError,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.study.weights import check_scores, weight_changes

# What a parameter of the kernel command line is called that is not on it.
_ABSENT = "default"


@dataclass(frozen=True)
class Opened:
    """How a study was opened. `interrupted` counts runs that controllers which are gone left unfinished.

    `taken` says of slots of this inventory that another controller works on them, and which; `company` how many other
    controllers work on the study. `rescored` says which weights changed, so that everything measured has another
    fitness than before.
    """

    study: Study
    created: bool
    interrupted: int = 0
    forked_trials: int = 0
    rescored: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    company: int = 0


def open_study(
    records: Records,
    definition: Definition,
    hosts: Collection[str],
    controller: Controller,
    *,
    version: str,
    lease_seconds: float,
    fork_of: str | None = None,
) -> Opened:
    """Create the study, or continue the one of this name, and take a lease on the slots that nobody else has.

    StudyError where it exists with another space, goals or benchmark, or where others work on all of the slots;
    StudyInputError where it cannot learn from the studies it names.
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
            created_at=records.now(),
        )
        if fork_of:
            forked = _copy_trials(Study(records, fork_of), Study(records, definition.name))
            study = Study(records, definition.name)
            if study.row["harvest"] is not None:
                settle_founders(study)
    else:
        study = Study(records, definition.name)
        _refuse_changes(study, definition)
        rescored = _update(study, definition)
        interrupted = leases.give_up_lost(study) + leases.leave(study, controller)
    study = Study(records, definition.name)
    leases.join(study, controller, lease_seconds)
    taken = _take_slots(study, hosts, controller)
    company = sum(other["id"] != controller.id for other in leases.living(study))
    return Opened(study.reread(), row is None, interrupted, forked, rescored, tuple(taken), company)


def seconds_to_wait(study: Study, hosts: Collection[str], controller: Controller) -> float:
    """How long until it is known whether those who hold slots of this inventory still live; 0.0 where it is known.

    Of a process on this machine it is known at once.
    """
    leases.give_up_lost(study)
    holders = {slot["controller"] for slot in study.reread().slots if slot["host"] in hosts} - {None, controller.id}
    away = [row for row in leases.living(study) if row["id"] in holders and row["host"] != controller.host]
    return max((leases.seconds_left(study, row["id"]) for row in away), default=0.0)


def close_study(study: Study, controller: Controller) -> None:
    """Say that this controller no longer works on it."""
    leases.leave(study, controller)


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
    check_alike(host, harvest, readings)
    values = {name: _worded(parameter, harvest[name]) for name, parameter in study.definition.space.parameters.items()}
    study.records.update(schema.studies, {"harvest": values}, name=study.name)
    lines = settle_founders(study.reread(), founders, silent_founders)
    candidate = study.reread().evolution.ask()[0]
    insert_trial(study, candidate)
    return lines


def _worded(parameter: Parameter, value: Any) -> Any:
    """A value as the parameter has it: what is not on the kernel command line reads as false, and may be `default`."""
    absent = value is False and parameter.problem(value) and not parameter.problem(_ABSENT)
    return _ABSENT if absent else value


def check_alike(host: str, harvest: Mapping[str, Any], readings: Mapping[str, Mapping[str, Any]]) -> None:
    """StudyError where slots differ from what was read of `host`."""
    unlike = [
        f"{name} is {harvest[name]!r} on {host} but {other[name]!r} on {another}"
        for another, other in readings.items()
        for name in harvest
        if other.get(name) != harvest[name]
    ]
    if unlike:
        raise StudyError("the slots of a study must be alike; " + "; ".join(unlike))


def note_hypervisors(study: Study, readings: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep on which hypervisor each slot stands and what that holds besides slots.

    `readings` of each slot may have `hypervisor` (its name), `machine` (the slot's name there) and `capacity` (what
    the module vm_config read).
    """
    names = {slot["host"]: slot["host"] for slot in study.slots}
    names |= {host: reading["machine"] for host, reading in readings.items() if reading.get("machine")}
    own = set(names.values())
    found: dict[str, Mapping[str, Any]] = {}
    for host, reading in readings.items():
        if reading.get("hypervisor"):
            study.records.update(schema.slots, {"hypervisor": reading["hypervisor"]}, study=study.name, host=host)
            if reading.get("capacity"):
                found[reading["hypervisor"]] = reading["capacity"]
    for name, capacity in found.items():
        others = [size for machine, size in capacity["machines"].items() if machine not in own]
        row = {key: capacity[key] for key in ("vcpus", "memory_mib")}
        row |= {f"other_{key}": sum(size[key] for size in others) for key in ("vcpus", "memory_mib")}
        if not study.records.update(schema.hypervisors, row, study=study.name, name=name):
            study.records.insert(schema.hypervisors, study=study.name, name=name, **row)


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


def _take_slots(study: Study, hosts: Collection[str], controller: Controller) -> list[str]:
    """Take the hosts of the group that nobody else works on as ready slots; returns a line on each of the others.

    Slots of earlier runs that nobody works on and that are gone from the inventory are set aside.
    """
    living = {row["id"] for row in leases.living(study)}
    known = {slot["host"]: slot for slot in study.slots}
    taken = []
    for host in sorted(hosts):
        holder = known[host]["controller"] if host in known else None
        if holder in living and holder != controller.id:
            taken.append(f"{host} (by {holder})")
            continue
        fresh = {"status": "ready", "trouble": 0, "waiting": False, "message": None, "probe_at": None, "applied": None}
        fresh["controller"] = controller.id
        if host in known:
            study.records.update(schema.slots, fresh, study=study.name, host=host)
        else:
            study.records.insert(schema.slots, study=study.name, host=host, **fresh)
    if len(taken) == len(hosts):
        raise StudyError(
            f"another ansible-playbook works on every slot of this inventory in study {study.name!r}: "
            f"{', '.join(taken)}. Wait for it to end, or give this one other slots"
        )
    for host in sorted(set(known) - set(hosts)):
        if known[host]["controller"] not in living:
            gone = {"status": "quarantined", "message": "not in this run's inventory", "probe_at": None}
            study.records.update(schema.slots, gone, study=study.name, host=host)
    return taken


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
