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

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.verification import BASELINE, block_order
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.judging import choose_winner, winner_failed
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import insert_trial
from ansible_collections.evolve.vm.plugins.plugin_utils.study.stopping import stop_reason
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study, StudyError

PHASES = ("baseline", "search", "verification")

# Blocks that may be started for each one wanted, before trouble is accepted as an answer.
_BLOCK_TRIES = 3


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
class Nothing:
    """No run now. `wait` says whether one may come once others have finished."""

    wait: bool
    reason: str


def ask(study: Study, slot: str, phase: str) -> Run | Nothing:
    """The next run for a slot."""
    state = next((s for s in study.slots if s["host"] == slot), None)
    study.records.update(schema.slots, {"waiting": False}, study=study.name, host=slot)
    if state is None:
        raise StudyError(f"{slot} is not a slot of study {study.name!r}; open the study first")
    if state["status"] != "ready":
        return Nothing(False, f"quarantined: {state['message']}")
    if phase == "baseline":
        return _ask_baseline(study, slot)
    if not study.baseline_metrics:
        return Nothing(False, "the baseline could not be measured")
    return _ask_search(study, slot) if phase == "search" else _ask_verification(study, slot)


def may_wait(study: Study, slot: str, workers: int) -> bool:
    """Whether a slot with nothing to do should wait for what others may leave over; if so, that is recorded.

    Each wait holds one of Ansible's `workers` (forks), so at least one must stay free for those who have work, and no
    more need to wait than there are runs that could come back.
    """
    waiting = sum(s["waiting"] for s in study.slots if s["host"] != slot)
    under_way = sum(m["status"] == "running" for m in study.measurements)
    wait = bool(waiting < min(workers - 1, under_way))
    study.records.update(schema.slots, {"waiting": wait}, study=study.name, host=slot)
    return wait


def _ask_baseline(study: Study, slot: str) -> Run | Nothing:
    share = math.ceil(study.definition.baseline_repeats / max(1, len(study.ready_slots)))
    own = [m for m in study.measurements if m["slot"] == slot and m["purpose"] == "baseline"]
    done = sum(m["status"] in ("measured", "running") for m in own)
    if done >= share:
        return Nothing(False, "the baseline is measured")
    return _start(study, slot, "baseline", study.trial(BASELINE_TRIAL))


def _ask_search(study: Study, slot: str) -> Run | Nothing:
    searched = [trial for trial in study.trials if trial["number"] != BASELINE_TRIAL]
    waiting = [trial for trial in searched if trial["status"] == "pending"]
    left = len(searched) < study.definition.trials
    if (waiting or left) and (reason := stop_reason(study, fresh=not waiting)):
        return Nothing(False, reason)
    if waiting:
        tried = {m["trial"] for m in study.measurements if m["slot"] == slot}
        return _start(study, slot, "search", min(waiting, key=lambda t: (t["number"] in tried, t["number"])))
    if left:
        insert_trial(study, study.evolution.ask(slot=slot)[0])
        return _start(study, slot, "search", study.reread().trials[-1])
    if any(trial["status"] == "running" for trial in searched):
        return Nothing(True, "the last trials are still running elsewhere")
    return Nothing(False, "the budget is spent")


def _ask_verification(study: Study, slot: str) -> Run | Nothing:
    if study.row["winner"] is None:
        winner = choose_winner(study)
        if winner is None:
            return Nothing(False, "there is no winner to verify")
        study.records.update(schema.studies, {"winner": winner}, name=study.name)
        study = study.reread()
    if winner_failed(study):
        return Nothing(False, "the winner broke the machine again and again")
    own = next((b for b in study.blocks if b["slot"] == slot and b["status"] == "open"), None)
    if own is None:
        wanted = int(study.definition.verification["blocks"])
        going = [b for b in study.blocks if b["status"] != "abandoned"]
        if len(going) >= wanted:
            others = any(b["status"] == "open" for b in going)
            return Nothing(others, "the last blocks are still running elsewhere" if others else "verified")
        if len(study.blocks) >= wanted * _BLOCK_TRIES:
            return Nothing(False, "too many verification blocks failed")
        own = _open_block(study, slot)
    position = sum(m["block"] == own["number"] and m["status"] == "measured" for m in study.measurements)
    trial = study.trial(BASELINE_TRIAL if own["order"][position] == BASELINE else study.row["winner"])
    return _start(study, slot, "verification", trial, block=own["number"], position=position)


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
    slot: str,
    purpose: str,
    trial: Mapping[str, Any],
    block: int | None = None,
    position: int | None = None,
) -> Run:
    identifier = study.records.insert(
        schema.measurements,
        study=study.name,
        trial=trial["number"],
        slot=slot,
        purpose=purpose,
        block=block,
        position=position,
        status="running",
        started_at=study.clock(),
    )
    if purpose == "search":
        study.records.update(schema.trials, {"status": "running"}, study=study.name, number=trial["number"])
        # Whatever was verified before, a search that goes on may find another winner.
        study.records.update(schema.studies, {"winner": None, "verdict": None}, name=study.name)
    return Run(identifier, purpose, trial["number"], study.to_apply(trial["configuration"]), block, position)
