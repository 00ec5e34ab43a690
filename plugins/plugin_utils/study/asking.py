# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a slot does next.

A study goes through three phases, in each of which slots ask until nothing is left for them: the baseline is measured
on every slot, then configurations are searched, then the winner is verified against the baseline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.apply_cost import ApplyCost
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.verification import BASELINE, block_order
from ansible_collections.evolve.vm.plugins.plugin_utils.study import leases, schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.capacity import is_larger, lacks_room
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import seconds_between
from ansible_collections.evolve.vm.plugins.plugin_utils.study.judging import choose_winner, winner_failed
from ansible_collections.evolve.vm.plugins.plugin_utils.study.leases import Controller
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import insert_trial
from ansible_collections.evolve.vm.plugins.plugin_utils.study.stopping import stop_reason
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study, StudyError

PHASES = ("baseline", "search", "verification")

# Blocks that may be started for each one wanted, before trouble is accepted as an answer.
_BLOCK_TRIES = 3
# New candidates asked for in a row while a slot's hypervisor has no room for any.
_CANDIDATE_TRIES = 3


@dataclass(frozen=True)
class Run:
    """One configuration to apply and measure on one slot. `id` is what the result is told under."""

    id: int
    purpose: str
    trial: int
    configuration: dict[str, Any]
    block: int | None = None
    position: int | None = None


@dataclass(frozen=True)
class Restore:
    """The slot is to be put back on its baseline and probed, and what came of it told, before it asks again."""

    reason: str


@dataclass(frozen=True)
class Nothing:
    """No run now. `wait` says whether one may come, once others have finished or after `seconds`."""

    wait: bool
    reason: str
    seconds: float | None = None


Answer = Run | Restore | Nothing


def ask(study: Study, slot: str, phase: str, controller: Controller) -> Answer:
    """The next thing to do for a slot of this controller."""
    leases.give_up_lost(study)
    leases.come_back(study, controller)
    state = study.slot(slot)
    if state is None:
        raise StudyError(f"{slot} is not a slot of study {study.name!r}; open the study first")
    if state["controller"] not in (None, controller.id):
        return Nothing(False, f"in use by another controller ({state['controller']})")
    study.records.update(schema.slots, {"waiting": False, "controller": controller.id}, study=study.name, host=slot)
    # A run of this slot that was never told of ended with its worker.
    leases.give_back_runs(study, controller.id, "its result was never told", slot=slot)
    study = study.reread()
    state = {**state, "controller": controller.id}
    if leases.is_stopping(study, controller):
        return Nothing(False, "stopped on request")
    if phase != "baseline" and not study.baseline_metrics:
        return Nothing(False, "the baseline could not be measured")
    if state["status"] != "ready":
        return _ask_in_quarantine(study, state, phase)
    return {"baseline": _ask_baseline, "search": _ask_search, "verification": _ask_verification}[phase](study, state)


def may_wait(study: Study, slot: str, workers: int) -> bool:
    """Whether a slot that holds a worker while it waits should do so; if so, that is recorded.

    At least one of Ansible's `workers` (forks) must stay free for those who have work, and no more need to wait than
    there are runs that could come back.
    """
    waiting = sum(s["waiting"] for s in study.slots if s["host"] != slot)
    wait = bool(waiting < min(workers - 1, len(study.running)))
    study.records.update(schema.slots, {"waiting": wait}, study=study.name, host=slot)
    return wait


def _ask_in_quarantine(study: Study, slot: Row, phase: str) -> Answer:
    """A slot in trouble is tried again from time to time, as long as there is something to do for it."""
    reason = f"quarantined: {slot['message']}"
    if phase != "search" or slot["probe_at"] is None or not _has_work(study):
        return Nothing(False, reason)
    seconds = seconds_between(study.clock(), slot["probe_at"])
    if seconds > 0:
        return Nothing(True, f"{slot['host']} is {reason}", seconds)
    return Restore(f"a probe; {reason}")


def _has_work(study: Study) -> bool:
    """Whether the search has something to hand out, or may get it back."""
    searched = [trial for trial in study.trials if trial["number"] != BASELINE_TRIAL]
    open_trials = any(trial["status"] in ("pending", "running") for trial in searched)
    return open_trials or (study.row["stopped"] is None and len(searched) < study.definition.trials)


def _ask_baseline(study: Study, slot: Row) -> Answer:
    share = math.ceil(study.definition.baseline_repeats / max(1, len(study.ready_slots)))
    own = [m for m in study.runs(BASELINE_TRIAL) if m["slot"] == slot["host"] and m["purpose"] == "baseline"]
    if sum(m["status"] == "measured" for m in own) >= share:
        return Nothing(False, "the baseline is measured")
    return _busy(study, slot) or _start(study, slot, "baseline", study.trial(BASELINE_TRIAL))


def _ask_search(study: Study, slot: Row) -> Answer:
    searched = [trial for trial in study.trials if trial["number"] != BASELINE_TRIAL]
    waiting = [trial for trial in searched if trial["status"] == "pending"]
    running = any(trial["status"] == "running" for trial in searched)
    left = len(searched) < study.definition.trials
    if (waiting or left) and (reason := stop_reason(study, fresh=not waiting)):
        return Nothing(False, reason)
    if not waiting and not left:
        return Nothing(running, "the last trials are still running elsewhere" if running else "the budget is spent")
    if busy := _busy(study, slot):
        return busy
    tried = {m["trial"] for m in study.measurements if m["slot"] == slot["host"]} if waiting else set()
    crowded = ""
    cost = ApplyCost(study.definition.apply_costs, _present(study, slot))
    for trial in sorted(waiting, key=lambda t: (t["number"] in tried, cost.of(t["configuration"]), t["number"])):
        crowded = _crowded(study, slot, trial["configuration"]) or ""
        if not crowded:
            return _start(study, slot, "search", trial)
    # Where much waits for room already, more of it would not help.
    tries = min(_CANDIDATE_TRIES, study.definition.trials - len(searched)) if len(waiting) < len(study.hosts) else 0
    for dummy in range(tries):
        if _generation_is_open(study):
            return Nothing(True, "the generation is not complete")
        insert_trial(study, study.evolution.ask(slot=slot["host"], present=_present(study, slot))[0])
        study = study.reread()
        trial = study.trials[-1]
        crowded = _crowded(study, slot, trial["configuration"]) or ""
        if not crowded:
            return _start(study, slot, "search", trial)
    return _make_room(study, slot, crowded, wait=True)


def _present(study: Study, slot: Row) -> dict[str, Any]:
    """The configuration that a slot has now."""
    present: dict[str, Any] = slot["applied"] or study.row["harvest"]
    return present


def _make_room(study: Study, slot: Row, crowded: str, *, wait: bool) -> Answer:
    """Where no hypervisor has room for what is to run: an idle machine takes none from others."""
    if is_larger(slot["applied"], study.row["harvest"]):
        return Restore(f"to make room: {crowded}")
    return Nothing(wait, crowded)


def _generation_is_open(study: Study) -> bool:
    """Whether, in generations, a new candidate would be bred before those of its parents' generation are measured."""
    if study.definition.scheduling != "generational":
        return False
    coming = study.evolution.next_generation
    return any(trial["status"] in ("pending", "running") and trial["generation"] < coming for trial in study.trials[1:])


def _ask_verification(study: Study, slot: Row) -> Answer:
    if study.row["winner"] is None:
        winner = choose_winner(study)
        if winner is None:
            return Nothing(False, "there is no winner to verify")
        study.records.update(schema.studies, {"winner": winner}, name=study.name)
        study = study.reread()
    if winner_failed(study):
        return Nothing(False, "the winner broke the machine again and again")
    own = next((b for b in study.blocks if b["slot"] == slot["host"] and b["status"] == "open"), None)
    if own is None:
        wanted = int(study.definition.verification["blocks"])
        going = [b for b in study.blocks if b["status"] != "abandoned"]
        if len(going) >= wanted:
            others = any(b["status"] == "open" for b in going)
            return Nothing(others, "the last blocks are still running elsewhere" if others else "verified")
        if len(study.blocks) >= wanted * _BLOCK_TRIES:
            return Nothing(False, "too many verification blocks failed")
    configuration = study.trial(study.row["winner"])["configuration"]
    if busy := _busy(study, slot):
        return busy
    if crowded := _crowded(study, slot, configuration):
        return _make_room(study, slot, crowded, wait=bool(study.running))
    if own is None:
        own = _open_block(study, slot["host"])
    position = sum(m["block"] == own["number"] and m["status"] == "measured" for m in study.measurements)
    trial = study.trial(BASELINE_TRIAL if own["order"][position] == BASELINE else study.row["winner"])
    return _start(study, slot, "verification", trial, block=own["number"], position=position)


def _busy(study: Study, slot: Row) -> Nothing | None:
    """Where the slot's hypervisor already runs as many benchmarks at once as it may."""
    limit = study.definition.runs_per_hypervisor
    if limit is None or slot["hypervisor"] is None:
        return None
    neighbours = {other["host"] for other in study.neighbours(slot)}
    if sum(m["slot"] in neighbours for m in study.running) < limit:
        return None
    return Nothing(True, f"{slot['hypervisor']} runs {limit} at once already")


def _crowded(study: Study, slot: Row, configuration: Mapping[str, Any]) -> str | None:
    harvest = study.row["harvest"]
    return lacks_room(
        configuration, slot, study.definition.overcommit, study.hypervisors, study.neighbours(slot), harvest
    )


def _open_block(study: Study, slot: str) -> Row:
    number = max((b["number"] for b in study.records.all(schema.blocks, study=study.name)), default=-1) + 1
    row = {
        "study": study.name,
        "number": number,
        "winner": study.row["winner"],
        "order": block_order(study.definition.seed, number),
        "slot": slot,
        "status": "open",
    }
    study.records.insert(schema.blocks, **row)
    return row


def _start(
    study: Study,
    slot: Row,
    purpose: str,
    trial: Mapping[str, Any],
    block: int | None = None,
    position: int | None = None,
) -> Run:
    identifier = study.records.insert(
        schema.measurements,
        study=study.name,
        trial=trial["number"],
        slot=slot["host"],
        controller=slot["controller"],
        purpose=purpose,
        block=block,
        position=position,
        status="running",
        started_at=study.clock(),
    )
    configuration = study.to_apply(trial["configuration"])
    study.records.update(schema.slots, {"applied": configuration}, study=study.name, host=slot["host"])
    if purpose == "search":
        study.records.update(schema.trials, {"status": "running"}, study=study.name, number=trial["number"])
        # Whatever was verified before, a search that goes on may find another winner.
        study.records.update(schema.studies, {"winner": None, "verdict": None}, name=study.name)
    return Run(identifier, purpose, trial["number"], configuration, block, position)
