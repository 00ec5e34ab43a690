# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module population is asked to do, checked as a whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.breeding import first_population, next_population
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import BreedingOptions
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.population import (
    Record,
    parents_of,
    read_configuration,
    read_population,
    read_space,
    with_known_results,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.population_file import check_name, read_population_file

_BREEDING = ("elites", "tournament", "crossover", "crossover_rate", "mutation_rate", "mutation_sigma")


class TaskError(InputError):
    """The task's options are not usable; `faults` lists everything that is wrong."""

    subject = "the task (nothing has been written)"


@dataclass(frozen=True)
class Task:
    """A task without faults. `given` is the population to breed from, None to generate the first one."""

    space: SearchSpace
    options: BreedingOptions
    seed: int
    given: list[Record] | None
    baseline: dict[str, Any] | None
    founders: list[dict[str, Any]]
    dest: Path | None
    known: list[Record]

    def population(self) -> list[Record]:
        """The population asked for, with the results that `dest` holds for it already; TaskError where it is empty."""
        if self.given is None:
            fresh = first_population(self.space, self.options.population, self.seed, self.baseline, self.founders)
        else:
            fresh = next_population(self.space, self.given, self.options, self.seed)
        if not fresh:
            problem = "all individuals failed, and the search space holds no other configuration"
            raise TaskError([Fault("population", problem)])
        return with_known_results(fresh, self.known)

    @property
    def best(self) -> Record | None:
        """The best individual of the population that is bred from."""
        parents = parents_of(self.given or [])
        if not parents:
            return None
        number = max(parents, key=lambda parent: parent.rank).candidate.number
        return next(one for one in self.given or [] if one["number"] == number)


def read_task(given: Mapping[str, Any]) -> Task:
    """The task that the module's options describe; TaskError lists every fault of all of them at once."""
    faults: list[Fault] = []
    space = read_space(given["parameters"], given["constraints"], faults)
    options = _read_options(given, faults)
    if given["seed"] < 0:
        faults.append(Fault("seed", f"found {given['seed']}, expected a whole number of at least 0"))
    baseline, founders = _read_beginning(given, space, faults)
    population = _read_given(given, space, faults)
    dest = None if given["dest"] is None else Path(os.path.abspath(given["dest"]))
    known = _read_dest(dest, given["src"], faults)
    if options is not None and given["population"] is None and given["src"] is None:
        count = len(founders) + (baseline is not None)
        if count > options.population:
            problem = f"found {options.population}, expected at least {count}: the baseline and the founders"
            faults.append(Fault("size", problem))
    if faults or space is None or options is None:
        raise TaskError(faults)
    return Task(space, options, given["seed"], population, baseline, founders, dest, known)


def _read_options(given: Mapping[str, Any], faults: list[Fault]) -> BreedingOptions | None:
    try:
        return BreedingOptions.from_mapping({"population": given["size"], **{name: given[name] for name in _BREEDING}})
    except InputError as error:
        faults += [
            Fault("size" if fault.where == "population" else fault.where, fault.problem) for fault in error.faults
        ]
        return None


def _read_beginning(
    given: Mapping[str, Any], space: SearchSpace | None, faults: list[Fault]
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The baseline and the founders."""
    baseline = None
    if given["baseline"] is not None:
        before = len(faults)
        baseline = read_configuration("baseline", given["baseline"], space, faults)
        if space is not None and len(faults) == before:
            missing = [
                name for name in space.parameters if name in space.active_names(baseline) and name not in baseline
            ]
            faults += [Fault(f"baseline.{name}", "has no value") for name in missing]
    if not isinstance(given["founders"], (list, tuple)):
        faults.append(Fault("founders", f"found {given['founders']!r}, expected a list of configurations"))
        return baseline, []
    founders = [
        read_configuration(f"founders[{number}]", founder, space, faults)
        for number, founder in enumerate(given["founders"], start=1)
    ]
    return baseline, founders


def _read_given(given: Mapping[str, Any], space: SearchSpace | None, faults: list[Fault]) -> list[Record] | None:
    """The population to breed from."""
    if given["population"] is None and given["src"] is None:
        return None
    source = "src" if given["population"] is None else "population"
    if given["population"] is not None and given["src"] is not None:
        faults.append(Fault("src", "found beside population, expected one of them"))
    for name in ("baseline", "founders"):
        if given[name]:
            faults.append(Fault(name, f"found beside {source}, expected only where the first population is generated"))
    before = len(faults)
    if source == "src":
        population = read_population_file("src", Path(os.path.abspath(given["src"])), faults, space)
    else:
        population = read_population("population", given["population"], faults, space)
    evaluated = [one for one in population if one["fitness"] is not None or one.get("failure")]
    if not evaluated and len(faults) == before:
        problem = f"none of the {len(population)} individuals has a fitness or a failure; evaluate them first"
        faults.append(Fault(source, problem))
    return population


def _read_dest(dest: Path | None, src: str | None, faults: list[Fault]) -> list[Record]:
    """What is in `dest` already. Something else than a population there is a fault: it is not overwritten."""
    if dest is None:
        return []
    if src is not None and os.path.realpath(src) == os.path.realpath(dest):
        problem = f"found {str(dest)!r}, which is src too; expected another file, so that what was evaluated is kept"
        faults.append(Fault("dest", problem))
        return []
    if not dest.exists():
        check_name("dest", dest, faults)
        return []
    found: list[Fault] = []
    known = read_population_file("dest", dest, found, None)
    if found:
        faults += found
        faults.append(Fault("dest", f"{dest} would be overwritten; remove it first, or name another file"))
    return known
