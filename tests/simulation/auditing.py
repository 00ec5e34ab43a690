# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a study is as it must be, from its store and the machines' own files, without a line of our own code."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.evolve.vm.tests.simulation.conftest import Estate

Committed = dict[int, tuple[Any, ...]]


def committed(estate: Estate) -> Committed:
    """Every measurement that is in the store, with all that was measured."""
    rows = estate.rows(
        "select id, trial, slot, purpose, status, metrics, runs, readback, started_at, finished_at, controller "
        "from measurements where status = 'measured'"
    )
    return {row[0]: tuple(json.dumps(value, sort_keys=True) for value in row) for row in rows}


def baseline(estate: Estate) -> dict[str, Any]:
    """The baseline configuration; empty as long as there is none."""
    rows = estate.rows("select harvest from studies")
    return (_value(rows[0][0]) or {}) if rows else {}


def off_baseline(estate: Estate) -> list[str]:
    """Which machines have something else in force than the baseline."""
    wanted = baseline(estate)
    return [
        f"{name}: {parameter} is {found.get(parameter)!r} instead of {value!r}"
        for name, found in estate.machines().items()
        if name in estate.hosts
        for parameter, value in wanted.items()
        if found.get(parameter) != value
    ]


def faults_at_any_time(estate: Estate, before: Committed | None = None) -> list[str]:
    """What is wrong whatever moment it is; `before` is what was committed earlier."""
    now = committed(estate)
    faults = [
        f"measurement {number} is gone or changed" for number, row in (before or {}).items() if now.get(number) != row
    ]
    trials = estate.rows("select number, status, repeat_of, configuration from trials order by number")
    if [trial[0] for trial in trials] != list(range(len(trials))):
        faults.append(f"trial numbers have gaps: {[trial[0] for trial in trials]}")
    searched = Counter(
        trial
        for (trial,) in estate.rows("select trial from measurements where status = 'measured' and purpose = 'search'")
    )
    faults += [f"trial {number} was measured {count} times" for number, count in searched.items() if count > 1]
    for number, status, *dummy in trials[1:]:
        if (status == "measured") != (searched[number] == 1):
            faults.append(f"trial {number} is {status}, and was measured {searched[number]} times")
    first: dict[str, int] = {}
    for number, dummy, repeat_of, configuration in trials:
        text = json.dumps(_value(configuration), sort_keys=True)
        if text in first and repeat_of is None:
            faults.append(f"trial {number} has the configuration of trial {first[text]} and does not say so")
        first.setdefault(text, number)
    if len(trials) - 1 > estate.variables["evolve_budget"]["trials"]:
        faults.append(f"there are {len(trials) - 1} trials, more than the budget")
    return faults


def faults_at_the_end(estate: Estate, before: Committed | None = None) -> list[str]:
    """What is wrong once the study is done."""
    faults = faults_at_any_time(estate, before)
    wanted = estate.variables["evolve_budget"]["trials"]
    done = estate.rows("select count(*) from trials where number > 0 and status in ('measured', 'failed')")[0][0]
    if done != wanted:
        faults.append(f"{done} trials are done, not {wanted}")
    for table, condition in (
        ("measurements", "status = 'running'"),
        ("trials", "status in ('running', 'pending')"),
        ("blocks", "status = 'open'"),
        ("controllers", "ended_at is null"),
        ("slots", "controller is not null"),
        ("studies", "verdict is null or cast(verdict as text) = 'null'"),
    ):
        left = estate.rows(f"select count(*) from {table} where {condition}")[0][0]
        if left:
            faults.append(f"{left} {table} are left with {condition}")
    return faults + off_baseline(estate)


def _value(stored: Any) -> Any:
    """SQLite gives JSON as text, PostgreSQL as values."""
    return json.loads(stored) if isinstance(stored, str) else stored
