# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a run is given up as hopeless: `evolve_early_abort`, and what follows from it for a run of the search.

The baseline and the verification are always measured to their end: there a reading that is cut short would not be one
of its kind.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import is_off
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import seconds_between
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study

_WHERE = "evolve_early_abort"
# limit_factor: times a limit; time_factor: times what the baseline took; errors_percent: of the requests.
DEFAULTS = {"limit_factor": 2.0, "time_factor": 4.0, "errors_percent": 50.0}
_LEAST = {"limit_factor": 1.0, "time_factor": 1.0, "errors_percent": 0.0}
# Machines are slower now and then for reasons of their own; a short benchmark is not given up for that.
_LEAST_SECONDS = 60.0


def early_abort_faults(given: Any) -> list[Fault]:
    """Everything wrong with `evolve_early_abort`."""
    if given is None or isinstance(given, bool) or is_off(given):
        return []
    if not isinstance(given, Mapping):
        return [Fault(_WHERE, f"found {given!r}, expected false, or a mapping such as {DEFAULTS}")]
    faults = []
    for name, value in given.items():
        if name not in DEFAULTS:
            hint = suggestion(str(name), list(DEFAULTS))
            faults.append(Fault(f"{_WHERE}.{name}", f"unknown; there are: {listing(DEFAULTS)}.{hint}"))
        elif not is_number(value) or value < _LEAST[name]:
            faults.append(Fault(f"{_WHERE}.{name}", f"found {value!r}, expected a number of at least {_LEAST[name]:g}"))
    return faults


def early_abort(study: Study, given: Any) -> dict[str, Any] | None:
    """The option `early_abort` of the module benchmark for a run of the search; None where runs are never cut short."""
    if is_off(given):
        return None
    setting = {**DEFAULTS, **(given if isinstance(given, Mapping) else {})}
    goals = study.definition.scoring.goals
    return {
        "limits": [
            {"metric": goal.metric, "direction": goal.direction, "limit": goal.limit}
            for goal in goals
            if goal.limit is not None
        ],
        "beyond": setting["limit_factor"],
        "seconds": _seconds(study, setting["time_factor"]),
        "errors_percent": setting["errors_percent"],
    }


def _seconds(study: Study, factor: float) -> float | None:
    """What a benchmark may take; None where it is not known what the baseline takes."""
    taken = [
        seconds_between(m["started_at"], m["finished_at"]) - m["apply_seconds"]
        for m in study.runs(BASELINE_TRIAL)
        if m["purpose"] == "baseline" and m["status"] == "measured" and m["apply_seconds"] is not None
    ]
    return round(max(_LEAST_SECONDS, factor * statistics.median(taken)), 1) if taken else None
