# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a study is: the user's variables, checked as a whole before anything is touched."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import DefinitionError
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import ALGORITHMS, Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError, listing, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import Goals
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Earlier
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import Choice
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.study import monitoring, prices
from ansible_collections.evolve.vm.plugins.plugin_utils.study.budget import Budget, budget_faults
from ansible_collections.evolve.vm.plugins.plugin_utils.study.capacity import DEFAULT_OVERCOMMIT, read_overcommit
from ansible_collections.evolve.vm.plugins.plugin_utils.study.families import apply_costs, name_fault
from ansible_collections.evolve.vm.plugins.plugin_utils.study.written import WRITTEN, read_space

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
# Changing one of these would mix results that cannot be compared.
_FROZEN = (
    "parameters",
    "constraints",
    "goals",
    "benchmark",
    "prices",
    "seed",
    "algorithm",
    "algorithm_options",
    "learn_from",
    "founders",
    "simulated",
)
# When a new candidate is bred: as soon as a slot is free, or once all of its generation's parents are measured.
SCHEDULINGS = ("steady_state", "generational")
_VERIFICATION = {"blocks": 4, "confidence": 0.95, "equivalence": 0.02}


class StudyInputError(InputError):
    """The variables do not describe a usable study; `faults` lists everything that is wrong."""

    subject = "the study's variables (nothing has been touched)"


@dataclass(frozen=True)
class Definition:
    """A study as the user described it. Plain values only, so that it can be stored as JSON and compared.

    `parameters` and `constraints` are complete and hold numbers only; `written` is what the user wrote of them, where
    that is something else (names of the catalogue, a profile, ranges that depend on facts), and `derived` says for
    people what followed from it. What was derived once stays as it is: facts change while machines are tuned.
    """

    name: str
    parameters: dict[str, Any]
    constraints: list[str]
    goals: list[dict[str, Any]]
    benchmark: dict[str, Any] | list[dict[str, Any]]
    budget: dict[str, Any]
    prices: dict[str, float] = field(default_factory=lambda: dict(prices.DEFAULT_PRICES))
    seed: int = 1
    algorithm: str = "guided"
    algorithm_options: dict[str, Any] = field(default_factory=dict)
    baseline_repeats: int = 3
    verification: dict[str, Any] = field(default_factory=lambda: dict(_VERIFICATION))
    scheduling: str = SCHEDULINGS[0]
    overcommit: dict[str, float] = field(default_factory=lambda: dict(DEFAULT_OVERCOMMIT))
    runs_per_hypervisor: int | None = None
    learn_from: list[str] = field(default_factory=list)
    founders: list[dict[str, Any]] = field(default_factory=list)
    simulated: bool = False
    monitoring: dict[str, Any] | None = field(default_factory=lambda: dict(monitoring.DEFAULTS))
    written: dict[str, Any] = field(default_factory=dict)
    derived: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For the store; `Definition(**d)` is its inverse."""
        return asdict(self)

    @cached_property
    def space(self) -> SearchSpace:
        return SearchSpace.from_mapping(self.parameters, self.constraints)

    @cached_property
    def scoring(self) -> Goals:
        return Goals.from_list(self.goals)

    @property
    def trials(self) -> int:
        """Trials to run, the baseline and the verification not counted."""
        return self.limits.trials

    @cached_property
    def apply_costs(self) -> dict[str, float]:
        """What changing each parameter costs, in seconds or so."""
        return apply_costs(self.parameters)

    @cached_property
    def limits(self) -> Budget:
        """What ends the search."""
        return Budget(**self.budget)

    def evolution(
        self,
        baseline: Mapping[str, Any],
        founders: Sequence[Mapping[str, Any]] = (),
        earlier: Sequence[Earlier] = (),
        limits: Sequence[str] = (),
    ) -> Evolution:
        """A new engine for this study; `limits` are constraints beside the study's own."""
        return Evolution(
            SearchSpace.from_mapping(self.parameters, [*self.constraints, *limits]) if limits else self.space,
            self.seed,
            algorithm=self.algorithm,
            baseline=baseline,
            founders=founders,
            earlier=earlier,
            apply_costs=self.apply_costs,
            **self.algorithm_options,
        )

    def differences(self, other: Definition) -> Iterator[str]:
        """What in `other` would make results incomparable with this one's, as lines 'key: old -> new'.

        The weights of the goals are left out: fitness follows from stored metrics, whatever the weights are.
        """
        mine, theirs = ({**d.as_dict(), "goals": _unweighted(d.scoring)} for d in (self, other))
        for key in _FROZEN:
            yield from _differences(f"evolve_{key}", mine[key], theirs[key])


def read_definition(
    variables: Mapping[str, Any],
    also: Sequence[Fault] = (),
    *,
    facts: Mapping[str, float] | None = None,
    stored: Definition | None = None,
    own_apps: Collection[str] = (),
) -> Definition:
    """The study described by the user's variables (names without `evolve_`).

    StudyInputError lists every fault of every variable at once, and those found elsewhere (`also`). `facts` of the
    machines are what ranges are derived from; of a study that is `stored` and was written alike nothing is derived
    again. `own_apps` are applications that the user has described.
    """
    faults: list[Fault] = []
    given = {key: value for key, value in plain(variables).items() if value is not None}
    for key in ("goals", "benchmark", "budget"):
        if key not in given:
            faults.append(Fault(f"evolve_{key}", "is missing; see docs/guide for an example"))
    _check_name(given.get("name"), faults)
    space = read_space(given, faults, facts or {}, stored, own_apps)
    watched = monitoring.read_monitoring(given.get("monitoring", {}), faults)
    metrics = _check_benchmark(given, watched, faults)
    _collect(faults, lambda: Goals.from_list(given["goals"], metrics), "goals" in given)
    price_list = prices.read_prices(given.get("prices", {}), faults)
    faults += budget_faults(given.get("budget", {"trials": 1}))
    _check_algorithm(given, faults)
    _check_integer("evolve_seed", given.get("seed", 1), 0, faults)
    _check_integer("evolve_baseline_repeats", given.get("baseline_repeats", 3), 2, faults)
    verification = _check_verification(given.get("verification", {}), faults)
    overcommit = read_overcommit(given.get("overcommit", {}), faults)
    if problem := Choice(SCHEDULINGS).problem(given.get("scheduling", SCHEDULINGS[0])):
        faults.append(Fault("evolve_scheduling", problem))
    _check_integer("evolve_runs_per_hypervisor", given.get("runs_per_hypervisor", 1), 1, faults)
    _check_learn_from(given.get("learn_from", []), given.get("name"), faults)
    _check_founders(given.get("founders", []), space.get("parameters"), own_apps, faults)
    faults += also
    if faults:
        raise StudyInputError(faults)
    return Definition(
        **{
            **{key: value for key, value in given.items() if key not in WRITTEN},
            **space,
            "prices": price_list,
            "monitoring": watched,
            "verification": verification,
            "overcommit": overcommit,
        }
    )


def _collect(faults: list[Fault], check: Any, present: bool = True) -> Any:
    """Run a check that raises an InputError, and take over its faults."""
    if present:
        try:
            return check()
        except InputError as error:
            faults += error.faults
    return None


def _check_name(name: Any, faults: list[Fault]) -> None:
    if not isinstance(name, str) or not _NAME.match(name):
        accepted = "a name of letters, digits, '.', '_' and '-', such as web-tier (it becomes a folder)"
        faults.append(Fault("evolve_study", f"found {name!r}, expected {accepted}"))


def _check_benchmark(
    given: Mapping[str, Any], watched: Mapping[str, Any] | None, faults: list[Fault]
) -> list[str] | None:
    """The names of the metrics that goals may use; None where the benchmark is not readable."""
    if "benchmark" not in given:
        return None
    try:
        names = [*metric_names(parse_definition(given["benchmark"])), prices.METRIC]
    except DefinitionError as error:
        faults += [Fault(fault.where, fault.problem) for fault in error.faults]
        return None
    goals = given.get("goals")
    wanted = [goal.get("metric") for goal in goals if isinstance(goal, Mapping)] if isinstance(goals, list) else []
    return [*names, *monitoring.watched_names(watched, wanted)]


def _check_algorithm(given: Mapping[str, Any], faults: list[Fault]) -> None:
    name = given.get("algorithm", "guided")
    options = given.get("algorithm_options", {})
    if name not in ALGORITHMS:
        faults.append(
            Fault(
                "evolve_algorithm",
                f"found {name!r}, expected one of {listing(ALGORITHMS)}.{suggestion(str(name), list(ALGORITHMS))}",
            )
        )
    elif not isinstance(options, Mapping):
        faults.append(Fault("evolve_algorithm_options", f"found {options!r}, expected a mapping"))
    else:
        try:
            ALGORITHMS[name].check(options)
        except InputError as error:
            faults += [Fault(f"evolve_algorithm_options.{fault.where}", fault.problem) for fault in error.faults]


def _check_integer(where: str, value: Any, least: int, faults: list[Fault]) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        faults.append(Fault(where, f"found {value!r}, expected a whole number of at least {least}"))


def _check_verification(given: Any, faults: list[Fault]) -> dict[str, Any]:
    where = "evolve_verification"
    if not isinstance(given, Mapping):
        faults.append(Fault(where, f"found {given!r}, expected a mapping such as {_VERIFICATION}"))
        return dict(_VERIFICATION)
    for key in given:
        if key not in _VERIFICATION:
            faults.append(
                Fault(
                    f"{where}.{key}",
                    f"unknown; accepted: {listing(_VERIFICATION)}.{suggestion(key, list(_VERIFICATION))}",
                )
            )
    result = {**_VERIFICATION, **given}
    _check_integer(f"{where}.blocks", result["blocks"], 1, faults)
    for key in ("confidence", "equivalence"):
        value = result[key]
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
            or not 0 < value < 1
        ):
            faults.append(Fault(f"{where}.{key}", f"found {value!r}, expected a number between 0 and 1"))
    return result


def _check_learn_from(studies: Any, name: Any, faults: list[Fault]) -> None:
    where = "evolve_learn_from"
    if not isinstance(studies, list) or not all(isinstance(study, str) for study in studies):
        faults.append(Fault(where, f"found {studies!r}, expected a list of names of studies, such as [web-tier]"))
        return
    if name in studies:
        faults.append(Fault(where, f"{name} is this study itself, which goes on from its own trials anyway"))
    for study in sorted({study for study in studies if studies.count(study) > 1}):
        faults.append(Fault(where, f"{study} is named more than once"))


def _check_founders(founders: Any, parameters: Any, own_apps: Collection[str], faults: list[Fault]) -> None:
    """Founders may lie outside the space, but must speak of its parameters."""
    where = "evolve_founders"
    if not isinstance(founders, list):
        faults.append(Fault(where, f"found {founders!r}, expected a list of configurations: [{{vm.vcpus: 4}}]"))
        return
    for number, values in enumerate(founders, start=1):
        here = f"{where}[{number}]"
        if not isinstance(values, Mapping) or not values:
            faults.append(Fault(here, f"found {values!r}, expected a configuration such as {{vm.vcpus: 4}}"))
            continue
        named = [name_fault(str(name), own_apps) for name in values]
        wrong = [fault for fault in named if fault is not None]
        faults += [Fault(f"{here}.{fault.where}", fault.problem) for fault in wrong]
        faults += [
            Fault(f"{here}.{name}", f"found {value!r}, expected a single value")
            for name, value in values.items()
            if not isinstance(value, (bool, int, float, str))
        ]
        if not wrong and isinstance(parameters, Mapping) and not set(values) & set(parameters):
            faults.append(Fault(here, f"speaks of no parameter of this study: {listing(parameters)}"))


def _unweighted(goals: Goals) -> dict[str, Any]:
    """Everything about the goals but their weights, by metric."""
    return {g.metric: {"direction": g.direction, "limit": g.limit, "span": g.span} for g in goals.goals}


def _differences(where: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            if key not in new:
                yield f"{where}.{key}: removed (was {old[key]!r})"
            elif key not in old:
                yield f"{where}.{key}: added ({new[key]!r})"
            else:
                yield from _differences(f"{where}.{key}", old[key], new[key])
    elif old != new:
        yield f"{where}: {old!r} -> {new!r}"
