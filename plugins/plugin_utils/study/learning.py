# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""evolve_learn_from: what a new study takes over from earlier ones in the same store.

Their measured trials inform the search, the best of them found its population. Everything is copied when the study is
created, so that it goes on the same way even where an earlier study goes on as well, or is deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import MetricError, typical
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import NumericParameter, Parameter
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np
from ansible_collections.evolve.vm.plugins.plugin_utils.study import prices, schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import Definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study

_WHERE = "evolve_learn_from"
# How many configurations of each earlier study found the population.
FOUNDERS_PER_STUDY = 3


def learning_faults(
    records: Records | None, study: str, learn_from: Sequence[str], parameters: Collection[str], simulated: bool
) -> list[Fault]:
    """Why a new study cannot learn from those named; `records` is None where there is no store yet.

    A study that exists has learnt already: nothing is looked up again.
    """
    stored = {row["name"]: row for row in records.all(schema.studies, order_by="name")} if records else {}
    if study in stored:
        return []
    faults = []
    for name in learn_from:
        if name == study:
            continue  # said elsewhere
        if name not in stored:
            problem = f"the store holds no study {name!r}; it holds: {listing(stored) or 'none'}."
            faults.append(Fault(_WHERE, problem + suggestion(name, list(stored))))
            continue
        definition = stored[name]["definition"]
        if parameters and not set(definition["parameters"]) & set(parameters):
            varied = listing(definition["parameters"])
            faults.append(
                Fault(_WHERE, f"study {name!r} has no parameter in common with this one; it varied: {varied}")
            )
        if definition.get("simulated", False) != simulated:
            which = "is simulated, and this one is not" if not simulated else "is of real machines, and this one is not"
            faults.append(Fault(_WHERE, f"study {name!r} {which}: what it found does not hold here"))
    return faults


def learn(records: Records, definition: Definition) -> dict[str, Any] | None:
    """What to keep of the studies in `definition.learn_from`; None where none are named.

    Keys: studies (study, taken, note, baseline: its metrics, trials: [{trial, values, metrics}]) and candidates to
    found the population, best first (source, values).
    """
    if not definition.learn_from:
        return None
    found = [_take(Study(records, name), definition) for name in definition.learn_from]
    # The best of each study come before the second best of any.
    ranks = (study["candidates"][rank : rank + 1] for rank in range(FOUNDERS_PER_STUDY) for study in found)
    candidates = [candidate for rank in ranks for candidate in rank]
    return {
        "studies": [{key: value for key, value in study.items() if key != "candidates"} for study in found],
        "candidates": candidates,
    }


def _take(source: Study, definition: Definition) -> dict[str, Any]:
    goals, space = definition.scoring, definition.space
    result: dict[str, Any] = {"study": source.name, "taken": 0, "baseline": {}, "trials": [], "candidates": []}
    baseline = _metrics(source, BASELINE_TRIAL, definition)
    if not baseline:
        return {**result, "note": "its baseline was not measured"}
    if missing := [name for name in goals.metrics if name not in baseline]:
        return {**result, "note": f"it did not measure {listing(missing)}"}
    left_out: Counter[str] = Counter()
    ranked: list[tuple[float, int, dict[str, Any]]] = []
    for trial in source.trials:
        metrics = _metrics(source, trial["number"], definition) if trial["repeat_of"] is None else {}
        if not metrics or trial["status"] == "failed":
            continue
        try:
            score = goals.score(metrics, baseline)
        except MetricError:
            left_out["cannot be scored by these goals"] += 1
            continue
        values = {name: trial["configuration"][name] for name in space.parameters if name in trial["configuration"]}
        if score.fitness > 0 and score.violation == 0:
            ranked.append((score.fitness, trial["number"], values))
        inside = {name: _inside(space.parameters[name], value) for name, value in values.items()}
        if not inside or None in inside.values():
            left_out["outside this search space"] += 1
            continue
        kept = {name: metrics[name] for name in goals.metrics}
        result["trials"].append({"trial": trial["number"], "values": inside, "metrics": kept})
    result["taken"] = len(result["trials"])
    result["baseline"] = {name: baseline[name] for name in goals.metrics}
    result["candidates"] = _best(source.name, ranked)
    return {**result, "note": ", ".join(f"{count} {why}" for why, count in left_out.items())}


def _metrics(source: Study, trial: int, definition: Definition) -> dict[str, float]:
    """The typical metrics of a trial of an earlier study, with the cost by this study's prices."""
    rows = source.evidence(trial)
    metrics = typical([row["metrics"] for row in rows])
    if rows and prices.METRIC in definition.scoring.metrics:
        metrics.pop(prices.METRIC, None)
        sizes = {**source.trial(trial)["configuration"], **(rows[0]["readback"] or {})}
        cost = prices.vm_cost(sizes, definition.prices)
        if cost is not None:
            metrics[prices.METRIC] = cost
    return metrics


def _inside(parameter: Parameter, value: Any) -> Any:
    """The value on this space's grid, or None where it lies outside."""
    if not parameter.problem(value):
        return value
    if isinstance(parameter, NumericParameter) and not isinstance(value, (bool, str)):
        return parameter.nearest(value, np.random.default_rng(0)) if parameter.low <= value <= parameter.high else None
    return None


def _best(study: str, ranked: Sequence[tuple[float, int, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The best few that differ from each other in this study's parameters."""
    chosen: dict[tuple[Any, ...], dict[str, Any]] = {}
    for dummy, number, values in sorted(ranked, key=lambda entry: (-entry[0], entry[1])):
        key = tuple(sorted(values.items()))
        if key not in chosen and len(chosen) < FOUNDERS_PER_STUDY:
            chosen[key] = {"source": f"trial {number} of study {study}", "values": dict(values)}
    return list(chosen.values())
