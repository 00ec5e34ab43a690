# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A population as plain data, as playbooks and files have it: a list of individuals, each a mapping.

    {number: 12, generation: 2, origin: crossover, parents: [3, 7], configuration: {vm.vcpus: 4}, fitness: 0.11}

`fitness` is in log units over the baseline, null while the individual is not evaluated. `violation` above 0 says that a
limit was broken, a text under `failure` that the individual could not be evaluated. Other keys are the user's own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate, Individual
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import Child
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace, SearchSpaceError

Record = dict[str, Any]

_NUMBERS = ("number", "generation", "fitness", "violation")
_RESULTS = ("fitness", "violation", "failure")
# What makes an individual the one it is; the rest is what became of it.
_IDENTITY = ("number", "generation", "origin", "parents", "configuration")


def record(number: int, generation: int, child: Child) -> Record:
    """An individual that is not evaluated yet."""
    return {
        "number": number,
        "generation": generation,
        "origin": child.origin,
        "parents": list(child.parents),
        "configuration": dict(child.values),
        "fitness": None,
    }


def individual(given: Record) -> Individual:
    """What the genetic operators work with."""
    candidate = Candidate(
        given["number"], given["configuration"], given["origin"], given["generation"], tuple(given["parents"])
    )
    fitness, violation = given["fitness"], given.get("violation") or 0.0
    measured = [] if fitness is None else [(float(fitness), float(violation))]
    return Individual(
        candidate,
        readings=[reading for reading, dummy in measured],
        violations=[excess for dummy, excess in measured],
        slots=[None for dummy in measured],
        failure=given.get("failure"),
    )


def parents_of(population: Sequence[Record]) -> list[Individual]:
    """Those that may become parents, in their order: who kept every limit, else who was measured at all.

    Neither the failed nor those that are not evaluated are ever among them.
    """
    measured = [i for i in map(individual, population) if i.readings and i.failure is None]
    return [i for i in measured if i.feasible] or measured


def with_known_results(population: Sequence[Record], known: Sequence[Record]) -> list[Record]:
    """The population, where what `known` says of the same individuals fills in what is not evaluated yet."""
    results = {_identity(one): one for one in known}
    return [results.get(_identity(one), one) if _is_open(one) else one for one in population]


def _identity(one: Record) -> str:
    return repr([one[key] for key in _IDENTITY])


def _is_open(one: Record) -> bool:
    return one["fitness"] is None and not one.get("failure")


def read_population(
    where: str, given: Any, faults: list[Fault], space: SearchSpace | None = None, *, genes: bool = True
) -> list[Record]:
    """The individuals a user wrote, in full; everything that is wrong is added to `faults`.

    Only `configuration` has to be there, and not even that where `genes` are not asked for: a `number` that is not
    stated is the place in the list, counted from 0. Configurations must be valid in `space`; that of the baseline may
    lie outside its ranges.
    """
    if not isinstance(given, (list, tuple)) or not given:
        example = "[{configuration: {vm.vcpus: 4}, fitness: 0.11}]"
        faults.append(Fault(where, f"found {_short(given)}, expected a list of individuals such as {example}"))
        return []
    found = [_read_individual(f"{where}[{n}]", n - 1, one, faults, space, genes) for n, one in enumerate(given, 1)]
    read = [one for one in found if one is not None]
    numbers = [one["number"] for one in read]
    for number in sorted({n for n in numbers if numbers.count(n) > 1}):
        faults.append(Fault(where, f"the number {number} is stated more than once; expected one of its own for each"))
    return read


def from_text(value: Any) -> Any:
    """The number that a text says, any other value as it is: templates gave texts before ansible-core 2.19."""
    for kind in (int, float) if isinstance(value, str) else ():
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def read_space(parameters: Any, constraints: Any, faults: list[Fault]) -> SearchSpace | None:
    """The search space, or None with what is wrong added to `faults`."""
    try:
        return SearchSpace.from_mapping(parameters, constraints)
    except SearchSpaceError as error:
        faults += error.faults
        return None


def read_configuration(where: str, given: Any, space: SearchSpace | None, faults: list[Fault]) -> dict[str, Any]:
    """A configuration with parameters of the space only, whatever their values; faults are added to `faults`."""
    if not isinstance(given, Mapping):
        faults.append(Fault(where, f"found {_short(given)}, expected a configuration such as {{vm.vcpus: 4}}"))
        return {}
    for name, value in given.items():
        if space is not None and name not in space.parameters:
            hint = suggestion(str(name), list(space.parameters))
            faults.append(Fault(f"{where}.{name}", f"not a parameter of this search space.{hint}"))
        elif not isinstance(value, (str, bool)) and not is_number(value):
            faults.append(Fault(f"{where}.{name}", f"found {_short(value)}, expected a number, a text or a boolean"))
    return dict(given)


def _read_individual(
    where: str, place: int, given: Any, faults: list[Fault], space: SearchSpace | None, genes: bool
) -> Record | None:
    if not isinstance(given, Mapping):
        faults.append(Fault(where, f"found {_short(given)}, expected a mapping with configuration and fitness"))
        return None
    before = len(faults)
    one = {"number": place, "generation": 0, "origin": "initial", "parents": [], "fitness": None, **given}
    one |= {key: from_text(one[key]) for key in _NUMBERS if key in one}
    for key in ("number", "generation"):
        if not _is_count(one[key]):
            faults.append(Fault(f"{where}.{key}", f"found {_short(one[key])}, expected a whole number of at least 0"))
    if not isinstance(one["origin"], str):
        faults.append(Fault(f"{where}.origin", f"found {_short(one['origin'])}, expected a text such as crossover"))
    if not isinstance(one["parents"], (list, tuple)) or not all(map(_is_count, one["parents"])):
        faults.append(Fault(f"{where}.parents", f"found {_short(one['parents'])}, expected a list of numbers"))
    _check_results(where, one, faults)
    for key in given:
        if key not in _IDENTITY and key not in _RESULTS:
            _check_plain(f"{where}.{key}", given[key], faults)
    if genes and "configuration" not in one:
        faults.append(Fault(f"{where}.configuration", "is missing"))
    elif "configuration" in one:
        _check_genes(f"{where}.configuration", one, space, faults)
    if len(faults) > before:
        return None
    return {**{key: one.get(key, {}) for key in _IDENTITY}, **one, "parents": list(one["parents"])}


def _check_results(where: str, one: Record, faults: list[Fault]) -> None:
    fitness, violation, failure = one["fitness"], one.get("violation"), one.get("failure")
    if fitness is not None and not is_number(fitness):
        problem = f"found {_short(fitness)}, expected a number, or null where it is not evaluated"
        faults.append(Fault(f"{where}.fitness", problem))
    if violation is not None and not (is_number(violation) and violation >= 0):
        faults.append(Fault(f"{where}.violation", f"found {_short(violation)}, expected a number of at least 0"))
    if failure is not None and not isinstance(failure, str):
        faults.append(
            Fault(f"{where}.failure", f"found {_short(failure)}, expected a text, or null where nothing failed")
        )


def _check_genes(where: str, one: Record, space: SearchSpace | None, faults: list[Fault]) -> None:
    before = len(faults)
    values = read_configuration(where, one["configuration"], space, faults)
    if len(faults) == before and space is not None and one["origin"] != "baseline":
        faults += [Fault(f"{where}.{fault.where}", fault.problem) for fault in space.faults(values)]


def _check_plain(where: str, value: Any, faults: list[Fault]) -> None:
    """A fault for what cannot be written to a file and read from it again as it is, such as a date or a NaN."""
    if isinstance(value, (list, tuple)):
        for number, item in enumerate(value, start=1):
            _check_plain(f"{where}[{number}]", item, faults)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_plain(f"{where}.{key}", item, faults)
    elif not (value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))):
        faults.append(Fault(where, f"found {_short(value)}, expected a number, a text, a boolean, or lists of them"))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _short(value: Any) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
