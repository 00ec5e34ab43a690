# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a user wrote to the plain search space: names and profiles become entries, expressions become numbers.

    derived = derive({"vm.vcpus": None, "vm.memory_mib": {"minimum": 1024}}, [], facts)
    derived.parameters      # {"vm.vcpus": {"type": "int", "range": [1, 16]}, ...}
    derived.lines           # what was derived from what, for people
    derived.faults          # everything that is wrong, at once

A value of `evolve_parameters` is a whole specification (it has a `type`), nothing at all (the catalogue's entry), keys
that differ from the entry, or `false`, which leaves the parameter out of a profile's set. All of it may be a list of
names instead.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import Catalogue, catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.entries import acceptable
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.facts import (
    SEARCHED,
    Facts,
    in_terms_of,
    largest,
    number,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.ranges import (
    NothingVariesError,
    RangeError,
    is_range,
    resolve,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.risks import RISKS, without
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.wanted import (
    Wanted,
    collect,
    condition_names,
    constraints,
    needed_facts,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import read
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain

_ALLOW = "evolve_allow_risk"


@dataclass
class Derived:
    """`parameters` and `constraints` as `SearchSpace.from_mapping` takes them, with numbers only; lines are for people.

    Where there are faults they are everything that is wrong with the parameters, and the rest is not to be used.
    """

    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    constraints: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def needs_facts(written: Any, profiles: Any = (), known: Catalogue | None = None) -> set[str]:
    """The facts that `derive` needs for this, so that no more have to be found out."""
    known = known or catalogue()
    return needed_facts(collect(plain(written), plain(profiles), known, []), plain(profiles), known)


def derive(written: Any, profiles: Any, facts: Facts, allow_risk: Any = (), known: Catalogue | None = None) -> Derived:
    """The search space that `evolve_parameters` and `evolve_profile` mean on a machine with these facts.

    written, profiles, allow_risk: as the user has them (evolve_parameters, evolve_profile, evolve_allow_risk).
    known: the catalogue, where it is another than the collection's own.
    What a user can get wrong is not raised, it is in `faults`.
    """
    known = known or catalogue()
    return _Derivation(plain(profiles), facts, plain(allow_risk), known).of(plain(written))


class _Derivation:
    """One derivation; every step adds to what comes out of it."""

    def __init__(self, profiles: Any, facts: Facts, allow_risk: Any, known: Catalogue) -> None:
        self._profiles = profiles
        self._facts = facts
        self._known = known
        self._result = Derived()
        self._remarks: list[str] = []
        self._allowed = self._read_allowed(allow_risk)

    def of(self, written: Any) -> Derived:
        result = self._result
        wanted = collect(written, self._profiles, self._known, result.faults)
        found = self._with_numbers({name: want for name, want in wanted.items() if self._may_vary(want)})
        done = {name: self._tidied(found[name], found) for name in wanted if name in found}
        result.parameters = {name: want.specification for name, want in done.items()}
        result.constraints = self._constraints(done)
        result.lines = [_line(want) for want in done.values() if want.is_derived]
        result.lines += [*self._remarks, *(f"constraint: {text}" for text in result.constraints)]
        if result.faults:
            for name, specification in result.parameters.items():
                read(name, specification, result.faults)
        return result

    def _read_allowed(self, allow_risk: Any) -> Collection[str]:
        given = [allow_risk] if isinstance(allow_risk, str) else allow_risk or []
        if not isinstance(given, list) or not all(isinstance(risk, str) for risk in given):
            given = [given]
        for risk in given:
            if risk not in tuple(RISKS):
                hint = did_you_mean(str(risk), RISKS)
                problem = f"found {risk!r}, expected a list of risks: {listing(RISKS)}.{hint}"
                self._result.faults.append(Fault(_ALLOW, problem))
        return given

    def _fault(self, where: str, problem: str) -> None:
        self._result.faults.append(Fault(where, problem))

    def _impossible(self, want: Wanted, where: str, problem: str) -> None:
        """A parameter that cannot be searched: a fault of the user who named it, a remark on a profile that did."""
        if want.by_user:
            self._fault(where, problem)
        else:
            self._remarks.append(f"{want.name}: left out: {problem}")

    def _may_vary(self, want: Wanted) -> bool:
        """Whether any change of a parameter costs only what the user has allowed."""
        risk = want.entry.risk if want.entry is not None else ""
        if not risk or risk in self._allowed:
            return True
        self._impossible(want, want.name, f"any change of it can cost {risk} ({RISKS[risk]}); {_how_to_allow(risk)}")
        return False

    def _with_numbers(self, wanted: dict[str, Wanted]) -> dict[str, Wanted]:
        """Those that can be searched, with numbers for ranges and without values that are not allowed."""
        found = {}
        facts = dict(self._facts)
        # The machine's own size first: where it is searched, the others follow from the most it can be.
        for name in sorted(wanted, key=lambda name: name not in SEARCHED.values()):
            own = self._facts if name in SEARCHED.values() else facts
            want = self._without_risks(self._resolved(wanted[name], own))
            if want is None:
                continue
            found[name] = want
            for fact, parameter in SEARCHED.items():
                if parameter == name and (most := largest(want.specification)) is not None:
                    facts[fact] = most
                    if any(fact in other.facts() for other in wanted.values() if other is not wanted[name]):
                        self._remarks.append(f"{fact}: taken as {number(most)}, the most that {name} can be")
        return found

    def _resolved(self, want: Wanted, facts: Facts) -> Wanted | None:
        """With both ends of its range as numbers; None where that cannot be, which has then been said."""
        specification = want.specification
        if specification.get("type") not in ("int", "float"):
            if want.minimum is None:
                return want
            self._fault(f"{want.name}.minimum", "is for numbers, of type int or float")
            return None
        if not is_range(specification):
            return want
        ceiling = (want.ceiling, facts[want.ceiling]) if want.ceiling in facts and want.ceiling else None
        try:
            ends = resolve(specification, facts, want.minimum, ceiling)
        except NothingVariesError as error:
            self._impossible(want, f"{want.name}.range", str(error))
            return None
        except RangeError as error:
            self._fault(f"{want.name}.range", str(error))
            return None
        return replace(want, specification={**specification, "range": [ends.low, ends.high]}, reasons=ends.reasons)

    def _without_risks(self, want: Wanted | None) -> Wanted | None:
        """Without the single values that are not allowed; None where then too little is left, which has been said."""
        if want is None or want.entry is None:
            return want
        for value, risk in want.entry.risks:
            if risk in self._allowed:
                continue
            rest = without(want.specification, value)
            if rest is None:
                problem = f"without {_shown(value)}, which can cost {risk}, nothing can vary; {_how_to_allow(risk)}"
                self._impossible(want, want.name, problem)
                return None
            if rest != want.specification:
                self._remarks.append(
                    f"{want.name}: {_shown(value)} left out, as it can cost {risk}; {_how_to_allow(risk)}"
                )
            want = replace(want, specification=rest)
        return want

    def _tidied(self, want: Wanted, found: Collection[str]) -> Wanted:
        """Without what the catalogue says of it and does not hold in this space: its default, and its condition."""
        specification = dict(want.specification)
        if "when" not in want.stated and not condition_names(specification.get("when", "")) <= set(found):
            del specification["when"]
        if "default" not in want.stated:
            specification = acceptable(want.name, specification)
        return replace(want, specification=specification)

    def _constraints(self, wanted: dict[str, Wanted]) -> list[str]:
        """Those of entries and profiles whose parameters are all searched, with facts replaced."""
        found = []
        for text, facts in constraints(wanted, self._profiles, self._known).items():
            lacking = sorted(fact for fact in facts if fact not in self._facts and SEARCHED.get(fact) not in wanted)
            if lacking:
                self._remarks.append(f"constraint left out: {text}: {listing(lacking)} could not be found out")
            else:
                found.append(in_terms_of(text, wanted, self._facts))
        return list(dict.fromkeys(found))


def _how_to_allow(risk: str) -> str:
    return f"to allow that: {_ALLOW}: [{risk}]"


def _line(want: Wanted) -> str:
    """What a parameter may be and why: `vm.memory_mib: 512 to 12000 MiB (0.8 * hypervisor.free_memory_mib = 12000)`."""
    specification = want.specification
    kind = specification.get("type")
    unit = f" {specification['unit']}" if specification.get("unit") else ""
    if kind == "bool":
        what = "true or false"
    elif kind == "choice":
        values = specification.get("values")
        what = listing(map(_shown, values if isinstance(values, list) else [])) + unit
    else:
        low, high = specification["range"] if is_range(specification) else ("?", "?")
        what = f"{_shown(low)} to {_shown(high)}{unit}"
        special = specification.get("special")
        if special and isinstance(special, list):
            what += f", or {listing(map(_shown, special))}"
    why = "; ".join(want.reasons) or ("catalogue" if want.by_user else "profile")
    return f"{want.name}: {what} ({why})"


def _shown(value: Any) -> str:
    """A value as a user would write it in YAML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(value) if isinstance(value, (int, float)) else str(value)
