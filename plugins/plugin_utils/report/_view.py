# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both renderers show of a study, read from its summary in one place.

A view holds numbers and plain strings; how they look is the renderers' business. Everything that came from outside is
`printable` here, once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.report import _words

SIMULATED_NOTE = "No virtual machine was measured: the numbers come from a simulated response surface."
"""Said wherever a simulated study is shown."""


_TIERS = {
    "none": "with nothing to apply",
    "live": "changed live",
    "reload": "with a reload of an application",
    "restart": "with a restart of an application",
    "reboot": "with a restart of the machine",
    "recreate": "with the machine made anew",
}
_NOTABLE_POINTS = 2.0
_NOTABLE_SHARE = 0.1


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval, as log-ratios."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Change:
    """A parameter of the best configuration that differs from the baseline; the values are ready to read, with unit."""

    parameter: str
    before: str
    after: str


@dataclass(frozen=True)
class Goal:
    """A goal metric: baseline against the best configuration. What is not known is None."""

    metric: str
    direction: str
    weight: float
    limit: float | None
    baseline: float | None
    best: float | None
    change: Interval | None
    """Log-ratio best / baseline; an interval of no width where the winner was not verified."""
    effect: str
    """better, worse, unclear (the interval holds zero), unchanged, looks better and looks worse (no interval backs it),
    or "" when there is nothing to compare."""

    @property
    def wish(self) -> str:
        """Which way is good, in words."""
        return "higher is better" if self.direction == "maximize" else "lower is better"

    @property
    def limit_text(self) -> str:
        """The limit in words: "at most 50 ms"."""
        if self.limit is None:
            return ""
        return f"at {'least' if self.direction == 'maximize' else 'most'} {_words.quantity(self.metric, self.limit)}"

    @property
    def limit_broken(self) -> bool:
        """Whether the best configuration breaks the limit."""
        if self.limit is None or self.best is None:
            return False
        return self.best < self.limit if self.direction == "maximize" else self.best > self.limit

    @property
    def change_text(self) -> str:
        """The change as per cent, or as a difference where the baseline is zero and no ratio exists."""
        if self.change is not None:
            return _words.percent(self.change.estimate)
        if self.baseline is None or self.best is None:
            return ""
        return _words.quantity(self.metric, self.best - self.baseline, signed=True)


@dataclass(frozen=True)
class Seen:
    """What was watched while the benchmark ran, and is no goal: the baseline's mean against the best trial's."""

    metric: str
    baseline: float
    best: float | None

    @property
    def change_text(self) -> str:
        """The change as per cent; of a share in percentage points."""
        if self.best is None:
            return ""
        if self.metric.endswith("_percent"):
            return f"{self.best - self.baseline:+.1f} points"
        return _words.percent(math.log(self.best / self.baseline)) if self.best > 0 and self.baseline > 0 else ""

    @property
    def is_notable(self) -> bool:
        """Whether it changed by a tenth or more; a share by two points."""
        if self.best is None:
            return False
        least = _NOTABLE_POINTS if self.metric.endswith("_percent") else _NOTABLE_SHARE * self.baseline
        return self.best != self.baseline and abs(self.best - self.baseline) >= least


@dataclass(frozen=True)
class Trial:
    """One trial, ready to be shown."""

    number: int
    origin: str
    generation: int
    parents: tuple[int, ...]
    repeat_of: int | None
    """The trial that this one measures again, if it does; that one's metrics and fitness rest on both."""
    slot: str
    kind: str
    """measured, limit (measured, breaks a limit), failed, running or pending."""
    differences: tuple[tuple[str, str], ...]
    """(parameter, value without unit) where the configuration differs from the baseline's."""
    metrics: Mapping[str, float]
    fitness: float | None
    measurements: int
    failure_class: str
    message: str

    @property
    def is_baseline(self) -> bool:
        return self.origin == "baseline"

    @property
    def name(self) -> str:
        return "baseline" if self.is_baseline else f"trial {self.number}"

    @property
    def source(self) -> str:
        """Where the trial came from, as part of a sentence."""
        return _words.origin(self.origin) if self.repeat_of is None else f"measures trial {self.repeat_of} again"


@dataclass(frozen=True)
class View:
    """A whole study, ready to be shown."""

    summary: Mapping[str, Any]
    """The cleaned summary, for what needs no preparation (study, seed, parameters, files, ...)."""
    simulated: bool
    state: str
    verdict: str
    """The judge's word, "" while there is none."""
    judgement: str
    """The judge's sentence, "" while there is none."""
    gain: Interval | None
    """Fitness of the winner over the baseline, measured side by side."""
    spread: float | None
    """Standard deviation of one baseline reading's fitness (log units)."""
    best: Trial | None
    changes: tuple[Change, ...]
    goals: tuple[Goal, ...]
    trials: tuple[Trial, ...]
    """In order of their number, the baseline among them."""
    front: tuple[Trial, ...] = ()
    """The configurations that no other beats on every goal, best fitness first; none in a study of one goal."""
    stopped: str = ""
    """Why the search ended, "" while it has not."""
    learned: tuple[str, ...] = ()
    """What earlier studies and other machines gave, a line each."""
    risks: tuple[str, ...] = ()
    """What the best configuration gives up beside speed, a phrase each: "durability (vm.disk.cache: unsafe)"."""
    applying: str = ""
    """What applying the configurations took in all, "" where nothing was timed."""
    seen: tuple[Seen, ...] = ()
    """What was watched meanwhile; none where nothing was."""

    @property
    def searched(self) -> list[Trial]:
        """The trials without the baseline."""
        return [trial for trial in self.trials if not trial.is_baseline]

    @property
    def kinds(self) -> Counter[str]:
        """How many searched trials there are of each kind."""
        return Counter(trial.kind for trial in self.searched)

    @property
    def failures(self) -> Counter[str]:
        """How many searched trials failed, by failure class."""
        return Counter(trial.failure_class for trial in self.searched if trial.kind == "failed")

    @property
    def messages(self) -> list[tuple[str, int]]:
        """The distinct failure messages, most frequent first, each with how often it occurred."""
        return Counter(trial.message for trial in self.trials if trial.kind == "failed" and trial.message).most_common()

    @property
    def gain_effect(self) -> str:
        """The verdict on the fitness alone, in words as for goals (the whole verdict may turn on a limit)."""
        if self.gain is None or self.verdict in ("equivalent", "inconclusive"):
            return "equivalent" if self.verdict == "equivalent" else "unclear"
        return _effect("maximize", None, None, self.gain, True)

    @property
    def compared(self) -> bool:
        """Whether there is a best configuration other than the baseline's own."""
        return self.best is not None and not self.best.is_baseline

    @property
    def verified(self) -> bool:
        """Whether the best configuration was measured again, side by side with the baseline."""
        return self.gain is not None


def read(summary: Mapping[str, Any]) -> View:
    """The view of a summary (its keys: docs of `render_text`)."""
    data: dict[str, Any] = _words.clean(summary)
    baseline: dict[str, Any] = data.get("baseline") or {}
    trials = tuple(
        sorted(
            (_trial(trial, baseline.get("configuration") or {}) for trial in data.get("trials") or []),
            key=lambda trial: trial.number,
        )
    )
    verdict: dict[str, Any] = data.get("verdict") or {}
    if data.get("state") == "running":
        # The verdict of an earlier stop: a sentence to remember, but its numbers are not those of today's best.
        verdict = {"sentence": verdict.get("sentence")}
    gain = _interval(verdict.get("fitness"))
    # Without an interval of the fitness too little was measured again to speak of anything but the search.
    verified: dict[str, Any] = (verdict.get("metrics") or {}) if gain else {}
    best_entry: dict[str, Any] = data.get("best") or {}
    best = next((trial for trial in trials if trial.number == best_entry.get("trial")), None) if best_entry else None
    return View(
        summary=data,
        simulated=bool(data.get("simulated")),
        state=data.get("state") or "finished",
        verdict=verdict.get("verdict") or "",
        judgement=verdict.get("sentence") or "",
        gain=gain,
        spread=baseline.get("spread"),
        best=best,
        changes=tuple(
            Change(
                change["parameter"],
                _words.quantity(change["parameter"], change["before"]),
                _words.quantity(change["parameter"], change["after"]),
            )
            for change in best_entry.get("changes") or []
        ),
        goals=tuple(
            _goal(goal, baseline.get("metrics") or {}, best, verified.get(goal["metric"]) or {})
            for goal in data.get("goals") or []
        ),
        trials=trials,
        front=_front(data, trials),
        stopped=(data.get("stopped") or {}).get("sentence") or "",
        learned=tuple(_learned(data.get("learned") or {})),
        risks=tuple(_risks(data.get("risks") or [])),
        applying=_applying(data.get("applying") or []),
        seen=tuple(_seen(data, baseline.get("metrics") or {}, best)),
    )


def _front(data: Mapping[str, Any], trials: tuple[Trial, ...]) -> tuple[Trial, ...]:
    by_number = {trial.number: trial for trial in trials}
    if all(trial.is_baseline or trial.fitness is None for trial in trials):
        return ()  # nothing stands against the baseline yet
    return tuple(by_number[number] for number in (data.get("pareto") or {}).get("trials") or [])


def _learned(learned: Mapping[str, Any]) -> Iterator[str]:
    for study in learned.get("studies") or []:
        taken = _words.count(study["taken"], "trial") if study["taken"] else "nothing"
        yield f"{taken} of study {study['study']}" + (f" ({study['note']})" if study["note"] else "")
    for founder in learned.get("founders") or []:
        moved = f" (moved into the search space: {', '.join(founder['changes'])})" if founder["changes"] else ""
        yield f"founder: {founder['source']}{moved}"
    for left_out in learned.get("left_out") or []:
        yield f"not taken: {left_out}"


def _risks(risks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for risk in risks:
        today = ", as today" if risk.get("today") else ""
        yield f"{risk['risk']} ({risk['parameter']}: {_words.plain(risk['value'])}{today})"


def _applying(tiers: Sequence[Mapping[str, Any]]) -> str:
    if not tiers:
        return ""
    parts = [
        f"{_words.count(each['runs'], 'run')} {_TIERS[each['tier']]}, {_words.duration(each['seconds'])}"
        for each in tiers
    ]
    return f"{_words.duration(sum(each['seconds'] for each in tiers))} in all: {'; '.join(parts)}"


def _seen(data: Mapping[str, Any], baseline: Mapping[str, Any], best: Trial | None) -> Iterator[Seen]:
    goals = {goal["metric"] for goal in data.get("goals") or []}
    metrics = best.metrics if best is not None and not best.is_baseline else {}
    for metric in data.get("watched") or []:
        before = _finite(baseline.get(metric))
        if metric not in goals and before is not None:
            yield Seen(metric, before, _finite(metrics.get(metric)))


def _trial(entry: Mapping[str, Any], baseline: Mapping[str, Any]) -> Trial:
    configuration: Mapping[str, Any] = entry.get("configuration") or {}
    names = list(configuration) + [name for name in baseline if name not in configuration]
    kind = entry["status"]
    if kind == "measured" and (entry.get("violation") or 0) > 0:
        kind = "limit"
    return Trial(
        number=entry["number"],
        origin=entry.get("origin") or "",
        generation=entry.get("generation") or 0,
        parents=tuple(entry.get("parents") or []),
        repeat_of=entry.get("repeat_of"),
        slot=entry.get("slot") or "",
        kind=kind,
        differences=tuple(
            (name, _words.value(configuration.get(name)))
            for name in names
            if configuration.get(name) != baseline.get(name)
        ),
        metrics=entry.get("metrics") or {},
        fitness=_finite(entry.get("fitness")),
        measurements=entry.get("measurements") or 0,
        failure_class=(entry.get("failure_class") or "unknown") if kind == "failed" else "",
        message=(entry.get("message") or "").strip(),
    )


def _goal(
    goal: Mapping[str, Any], baseline: Mapping[str, Any], best: Trial | None, verified: Mapping[str, Any]
) -> Goal:
    metric = goal["metric"]
    before, after, change = _finite(verified.get("baseline")), _finite(verified.get("winner")), _interval(verified)
    if not verified:
        before, after = _finite(baseline.get(metric)), _finite(best.metrics.get(metric)) if best else None
        if before and after and before * after > 0:
            ratio = math.log(after / before)
            change = Interval(ratio, ratio, ratio)
    return Goal(
        metric=metric,
        direction=goal["direction"],
        weight=goal.get("weight", 1),
        limit=goal.get("limit"),
        baseline=before,
        best=after,
        change=change,
        effect=_effect(goal["direction"], before, after, change, bool(verified)),
    )


def _effect(direction: str, before: float | None, after: float | None, change: Interval | None, verified: bool) -> str:
    if change is not None:
        low, high = change.low, change.high
    elif before is not None and after is not None:
        low = high = after - before
    else:
        return ""
    if low == high == 0:
        return "unchanged"
    if low <= 0 <= high:
        return "unclear"
    word = "better" if (low > 0) == (direction == "maximize") else "worse"
    return word if verified and change is not None else f"looks {word}"


def _interval(entry: Mapping[str, Any] | None) -> Interval | None:
    values = [_finite((entry or {}).get(key)) for key in ("estimate", "low", "high")]
    estimate, low, high = values
    return None if estimate is None or low is None or high is None else Interval(estimate, low, high)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
