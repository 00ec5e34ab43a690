# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Summaries of made-up studies, with the keys and the looks of real ones. Deterministic."""

from __future__ import annotations

import math
import random
from typing import Any

PARAMETERS: dict[str, dict[str, Any]] = {
    "vm.vcpus": {"type": "int", "range": [1, 4], "default": 2},
    "vm.memory_mib": {"type": "int", "range": [512, 4096], "step": 256, "scale": "log", "default": 1024},
    "vm.disk.cache": {"type": "choice", "values": ["none", "writeback", "writethrough", "directsync"]},
    "vm.disk.io": {"type": "choice", "values": ["threads", "native", "io_uring"]},
    "vm.disk.iothread": {"type": "bool", "when": "vm.disk.io != 'threads'"},
    "kernel.sysctl.vm.swappiness": {"type": "int", "range": [0, 100]},
    "kernel.sysctl.vm.dirty_ratio": {"type": "int", "range": [5, 60]},
}
BASELINE: dict[str, Any] = {
    "vm.vcpus": 2,
    "vm.memory_mib": 1024,
    "vm.disk.cache": "none",
    "vm.disk.io": "threads",
    "vm.disk.iothread": False,
    "kernel.sysctl.vm.swappiness": 60,
    "kernel.sysctl.vm.dirty_ratio": 20,
}
GOALS: list[dict[str, Any]] = [
    {"metric": "fileio_operations_per_second", "direction": "maximize", "weight": 3, "limit": None, "span": None},
    {"metric": "fileio_latency_p95_ms", "direction": "minimize", "weight": 2, "limit": 12.0, "span": None},
    {"metric": "vm_cost", "direction": "minimize", "weight": 1, "limit": None, "span": None},
]
BASELINE_METRICS = {"fileio_operations_per_second": 3121.44, "fileio_latency_p95_ms": 8.413, "vm_cost": 14.5}

_FAILURES = (
    ("configuration", "The guest did not answer within 120 s after its restart."),
    ("configuration", "vm.disk.io native needs vm.disk.cache none or directsync: libvirt refused to start the domain."),
    ("measurement", "sysbench fileio ended with 0 but printed no numbers."),
    ("infrastructure", "Host slot-3 is unreachable: Connection timed out during banner exchange."),
)
_CACHE = {"none": 0.0, "writeback": 0.03, "writethrough": 0.09, "directsync": -0.3}


def study(
    trials: int = 40,
    verdict: str | None = "better",
    simulated: bool = False,
    state: str = "finished",
    failing: float = 0.12,
    noise: float = 0.03,
    seed: int = 1,
) -> dict[str, Any]:
    """The summary of a study of so many trials, with `failing` of them failed, that ended in `verdict`."""
    chance = random.Random(seed)
    history = [_baseline_trial(chance, noise)]
    for number in range(1, trials + 1):
        history.append(_trial(chance, number, history, failing, noise, state == "running" and number > trials - 2))
    best = max((trial for trial in history if _rank(trial) is not None), key=_rank)
    if verdict == "no_improvement":
        best = history[0]
    changes = [
        {"parameter": name, "before": BASELINE[name], "after": value}
        for name, value in best["configuration"].items()
        if value != BASELINE[name]
    ]
    verified = state == "finished" and verdict is not None
    return {
        "study": "lab-fileio",
        "simulated": simulated,
        "state": state,
        "created_at": "2026-11-22T11:32:07+00:00",
        "seed": seed,
        "algorithm": "textbook",
        "collection_version": "0.1.0",
        "seconds": 14.2 * trials + 61,
        "benchmark": {"name": "sysbench", "tests": ["fileio", "memory"], "seconds": 5, "repeats": 2},
        "goals": GOALS,
        "budget": {"trials": trials},
        "stopped": None,
        "parameters": PARAMETERS,
        "constraints": ["vm.memory_mib >= 512 * vm.vcpus"],
        "learned": None,
        "baseline": {
            "configuration": BASELINE,
            "metrics": BASELINE_METRICS,
            "measurements": 4,
            "spread": noise,
        },
        "trials": history,
        "pareto": _pareto(history),
        "best": {"trial": best["number"], "configuration": best["configuration"], "changes": changes},
        "verdict": _verdict(str(verdict), best, noise) if verified else None,
        "slots": [
            {"host": "slot-1", "status": "ready", "message": None},
            {"host": "slot-2", "status": "ready", "message": None},
            {"host": "slot-3", "status": "quarantined", "message": "3 trials in a row ended with: unreachable."},
        ],
        "files": {
            "best": "inventories/lab/evolve/lab-fileio/best.yml",
            "report": "inventories/lab/evolve/lab-fileio/report.html",
            "store": "inventories/lab/evolve/evolve.sqlite",
            "population": "inventories/lab/evolve/lab-fileio/population",
        },
    }


def no_trials() -> dict[str, Any]:
    """A study that was created and never ran."""
    summary = study(0, verdict=None, state="no_trials")
    return summary | {
        "trials": [],
        "pareto": None,
        "best": None,
        "seconds": 0.0,
        "baseline": {"configuration": BASELINE, "metrics": {}, "measurements": 0, "spread": None},
    }


def all_failed(trials: int = 12) -> dict[str, Any]:
    """A study in which nothing but the baseline could be measured."""
    return study(trials, verdict=None, failing=1.0) | {"best": None}


def baseline_failed() -> dict[str, Any]:
    """A study that ended because not even the baseline could be measured."""
    summary = all_failed(0)
    summary["trials"][0] |= {
        "status": "failed",
        "metrics": {},
        "fitness": None,
        "failure_class": "measurement",
        "message": "sysbench: command not found",
    }
    summary["baseline"] |= {"metrics": {}, "measurements": 0, "spread": None}
    summary["pareto"] = None
    return summary


def hostile(text: str) -> dict[str, Any]:
    """A small study with `text` in every place where a string from outside can stand."""
    summary = study(3, failing=0.0)
    summary |= {"study": text, "algorithm": text, "collection_version": text, "constraints": [text], "created_at": text}
    summary["goals"] = [GOALS[0] | {"metric": text}]
    summary["parameters"] = {text: {"type": text, "values": [text], text: text}}
    summary["benchmark"] = {"name": text, text: text}
    summary["baseline"]["configuration"] = {text: text}
    summary["baseline"]["metrics"] = {text: 1.0}
    for trial in summary["trials"]:
        trial |= {"slot": text, "configuration": {text: text + "2", text + "3": text}, "metrics": {text: 2.0}}
    summary["trials"][1] |= {"status": "failed", "failure_class": text, "message": text, "fitness": None}
    summary["trials"][2] |= {"origin": text}
    summary["stopped"] = {"by": "hours", "sentence": text}
    summary["pareto"] = {"metrics": [text], "trials": [2, 3]}
    summary["learned"] = {
        "studies": [{"study": text, "taken": 1, "note": text}],
        "founders": [{"source": text, "values": {text: text}, "changes": [text]}],
        "left_out": [text],
    }
    summary["best"]["changes"] = [{"parameter": text, "before": text, "after": text}]
    summary["verdict"] |= {
        "sentence": text,
        "metrics": {text: {"baseline": 1.0, "winner": 2.0, "estimate": 0.6, "low": 0.5, "high": 0.7}},
    }
    summary["slots"] = [{"host": text, "status": "quarantined", "message": text}]
    summary["files"] = dict.fromkeys(("best", "report", "store", "population"), text)
    return summary


def _pareto(history: list[dict[str, Any]]) -> dict[str, Any]:
    """By comparing each with each, which is slow and plain."""

    def worth(trial: dict[str, Any]) -> tuple[float, ...]:
        return tuple(
            trial["metrics"][goal["metric"]] * (1 if goal["direction"] == "maximize" else -1) for goal in GOALS
        )

    sound = [trial for trial in history if trial["status"] == "measured" and trial["violation"] == 0]
    front = [
        trial
        for trial in sound
        if not any(
            worth(other) != worth(trial) and all(a >= b for a, b in zip(worth(other), worth(trial), strict=True))
            for other in sound
        )
    ]
    front.sort(key=lambda trial: -trial["fitness"])
    return {"metrics": [goal["metric"] for goal in GOALS], "trials": [trial["number"] for trial in front]}


def _rank(trial: dict[str, Any]) -> Any:
    return None if trial["fitness"] is None else (trial["violation"] == 0, trial["fitness"])


def _baseline_trial(chance: random.Random, noise: float) -> dict[str, Any]:
    return _entry(0, "baseline", 0, [], "slot-1", BASELINE) | {
        "status": "measured",
        "metrics": BASELINE_METRICS,
        "fitness": 0.0,
        "measurements": 4,
    }


def _trial(
    chance: random.Random, number: int, history: list[dict[str, Any]], failing: float, noise: float, unfinished: bool
) -> dict[str, Any]:
    generation = (number - 1) // 10
    ranked = sorted((trial for trial in history if _rank(trial) is not None), key=_rank, reverse=True)
    parents = [] if generation == 0 else chance.sample(ranked[:6], min(2, len(ranked[:6])))
    origin = "initial" if generation == 0 else chance.choice(["crossover", "crossover", "mutation", "immigrant"])
    if origin == "immigrant":
        parents = []
    configuration = {name: _draw(chance, name) for name in PARAMETERS}
    if parents:
        configuration = {name: chance.choice(parents)["configuration"][name] for name in PARAMETERS}
        for name in chance.sample(sorted(PARAMETERS), 2 if origin == "mutation" else 1):
            configuration[name] = _draw(chance, name)
    entry = _entry(
        number, origin, generation, [trial["number"] for trial in parents], f"slot-{number % 3 + 1}", configuration
    )
    if unfinished:
        return entry | {"status": "running", "seconds": 0.0, "measurements": 0}
    if chance.random() < failing:
        failure_class, message = chance.choice(_FAILURES)
        return entry | {"status": "failed", "failure_class": failure_class, "message": message}
    speed = (
        0.11 * math.log2(configuration["vm.vcpus"] / 2)
        + 0.05 * math.log2(configuration["vm.memory_mib"] / 1024)
        + _CACHE[configuration["vm.disk.cache"]]
        + (0.04 if configuration["vm.disk.io"] == "io_uring" else 0.0)
        - 0.0006 * (configuration["kernel.sysctl.vm.swappiness"] - 60)
        + chance.gauss(0, noise)
    )
    price = 0.35 * math.log(configuration["vm.vcpus"] / 2) + 0.1 * math.log(configuration["vm.memory_mib"] / 1024)
    latency = -1.2 * speed + chance.gauss(0, noise)
    metrics = {
        "fileio_operations_per_second": BASELINE_METRICS["fileio_operations_per_second"] * math.exp(speed),
        "fileio_latency_p95_ms": BASELINE_METRICS["fileio_latency_p95_ms"] * math.exp(latency),
        "vm_cost": BASELINE_METRICS["vm_cost"] * math.exp(price),
    }
    return entry | {
        "status": "measured",
        "metrics": metrics,
        "fitness": (3 * speed - 2 * latency - price) / 6,
        "violation": max(0.0, metrics["fileio_latency_p95_ms"] / 12.0 - 1),
        "measurements": 2,
    }


def _entry(
    number: int, origin: str, generation: int, parents: list[int], slot: str, configuration: dict[str, Any]
) -> dict[str, Any]:
    return {
        "number": number,
        "origin": origin,
        "generation": generation,
        "parents": parents,
        "repeat_of": None,
        "slot": slot,
        "status": "pending",
        "configuration": configuration,
        "metrics": {},
        "fitness": None,
        "violation": 0.0,
        "measurements": 1,
        "seconds": 13.7,
        "failure_class": None,
        "message": None,
    }


def _draw(chance: random.Random, name: str) -> Any:
    spec = PARAMETERS[name]
    if spec["type"] == "bool":
        return chance.random() < 0.5
    if spec["type"] == "choice":
        return chance.choice(spec["values"])
    low, high = spec["range"]
    step = spec.get("step", 1)
    return low + step * chance.randrange((high - low) // step + 1)


def _verdict(word: str, best: dict[str, Any], noise: float) -> dict[str, Any]:
    if word == "no_improvement":
        return {
            "verdict": word,
            "sentence": "No improvement found: no trial measured better than the baseline.",
            "pairs": 0,
            "blocks": 0,
            "confidence": 0.95,
            "fitness": None,
            "metrics": {},
        }
    estimate, half = {
        "better": (max(0.02, best["fitness"]) * 0.9, 0.018),
        "worse": (-0.064, 0.03),
        "equivalent": (0.004, 0.011),
        "inconclusive": (0.037, 0.09),
    }[word]
    ratio = estimate / (best["fitness"] or 1)
    metrics = {}
    for name, baseline in BASELINE_METRICS.items():
        change = math.log(best["metrics"][name] / baseline) * ratio
        width = 0.0 if name == "vm_cost" else half * 1.4
        metrics[name] = {
            "baseline": baseline,
            "winner": baseline * math.exp(change),
            "estimate": change,
            "low": change - width,
            "high": change + width,
        }
    interval = f"95 % interval {_percent(estimate - half)} to {_percent(estimate + half)}"
    return {
        "verdict": word,
        "sentence": {
            "better": f"The best configuration is better than the baseline by {_percent(estimate)} ({interval}).",
            "worse": f"The best configuration is worse than the baseline by {_percent(estimate)} ({interval}).",
            "equivalent": f"The best configuration and the baseline differ by less than 2 % ({interval}).",
            "inconclusive": f"It cannot be told whether the best configuration is better ({interval}).",
        }[word],
        "pairs": 6,
        "blocks": 3,
        "confidence": 0.95,
        "fitness": {"estimate": estimate, "low": estimate - half, "high": estimate + half},
        "metrics": metrics,
    }


def _percent(log_ratio: float) -> str:
    return f"{100 * math.expm1(log_ratio):+.1f} %"
