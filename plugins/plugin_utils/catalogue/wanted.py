# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks to be searched: names, keys and profiles put together, before anything is known of the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import Catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.entries import Entry, Profile
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.facts import CEILINGS, FACTS, SEARCHED
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.ranges import facts_in, is_range
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.expressions import ExpressionError, parse
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing

_PARAMETERS = "evolve_parameters"
_PROFILE = "evolve_profile"
_ACCEPTED = (
    "nothing (its entry in the catalogue), keys that differ from it, {type: ...} and all that belongs to it, or false"
)


@dataclass(frozen=True)
class Wanted:
    """One parameter that is to be searched. `specification` may have expressions over facts as ends of its range.

    stated: the keys that the user wrote. by_user: whether the user named it, not only a profile. minimum: what the
    application needs. reasons: where the ends of its range come from, once they are numbers.
    """

    name: str
    specification: dict[str, Any]
    entry: Entry | None = None
    stated: frozenset[str] = frozenset()
    by_user: bool = True
    minimum: Any = None
    reasons: tuple[str, ...] = ()

    @property
    def is_derived(self) -> bool:
        """Whether any of it comes from the catalogue or from facts."""
        return "type" not in self.stated or bool(self.reasons)

    @property
    def ceiling(self) -> str | None:
        """The fact that is the most it can have, None where there is none or the user stated the range himself."""
        return None if "range" in self.stated else CEILINGS.get(self.name)

    def facts(self) -> frozenset[str]:
        """The facts that its range needs."""
        ends = [*(self.specification["range"] if is_range(self.specification) else ()), self.minimum]
        needed = frozenset().union(*(facts_in(end) for end in ends))
        return needed | {self.ceiling} if self.ceiling else needed


def collect(written: Any, profiles: Any, known: Catalogue, faults: list[Fault]) -> dict[str, Wanted]:
    """The parameters of the profiles and those the user wrote, in this order; what is wrong is added to `faults`."""
    wanted: dict[str, Wanted] = {}
    for profile in chosen(profiles, known, faults):
        for name, keys in profile.overrides.items():
            before = wanted[name].specification if name in wanted else dict(known.entries[name].space)
            wanted[name] = _merged(Wanted(name, before, known.entry(name), by_user=False), keys)
    for name, value in _items(written, faults):
        if value is False:
            if wanted.pop(name, None) is None:
                problem = "is left out with false, but no profile brings it in"
                faults.append(Fault(name, f"{problem}.{did_you_mean(name, wanted)}"))
        elif (want := _one(name, value, wanted.get(name), known, faults)) is not None:
            wanted[name] = want
        else:
            # What is wrong with it has been said; the profile's may not stand in for it.
            wanted.pop(name, None)
    return wanted


def chosen(profiles: Any, known: Catalogue, faults: list[Fault]) -> list[Profile]:
    """The profiles that `evolve_profile` names: one, or a list of them."""
    names = [profiles] if isinstance(profiles, str) else profiles or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        faults.append(Fault(_PROFILE, f"found {profiles!r}, expected the name of a profile, or a list of names"))
        return []
    for name in names:
        if name not in known.profiles:
            hint = did_you_mean(name, known.profiles) or f" There are: {listing(known.profiles)}."
            faults.append(Fault(_PROFILE, f"there is no profile {name!r}.{hint}"))
    return [known.profiles[name] for name in names if name in known.profiles]


def constraints(wanted: Mapping[str, Wanted], profiles: Any, known: Catalogue) -> dict[str, frozenset[str]]:
    """The constraints of entries and profiles whose parameters are all searched, with the facts they speak of."""
    texts = [text for want in wanted.values() if want.entry is not None for text in want.entry.constraints]
    texts += [text for profile in chosen(profiles, known, []) for text in profile.constraints]
    spoken_of = {text: parse(text).names for text in texts}
    return {text: names & FACTS.keys() for text, names in spoken_of.items() if names - FACTS.keys() <= wanted.keys()}


def needed_facts(wanted: Mapping[str, Wanted], profiles: Any, known: Catalogue) -> set[str]:
    """The facts that ranges and constraints speak of, but for those that searched parameters stand for."""
    needed = set()
    for name, want in wanted.items():
        # A range of the machine's own size may speak of the size it has now.
        replaced = {} if name in SEARCHED.values() else SEARCHED
        needed |= {fact for fact in want.facts() if replaced.get(fact) not in wanted}
    for facts in constraints(wanted, profiles, known).values():
        needed |= {fact for fact in facts if SEARCHED.get(fact) not in wanted}
    return needed & FACTS.keys()


def _items(written: Any, faults: list[Fault]) -> Iterator[tuple[str, Any]]:
    """Names and what is said of them, from either form of `evolve_parameters`."""
    if written is None:
        return
    if isinstance(written, Mapping):
        yield from ((str(name), value) for name, value in written.items())
    elif isinstance(written, list) and all(isinstance(name, str) for name in written):
        if repeated := sorted({name for name in written if written.count(name) > 1}):
            faults.append(Fault(_PARAMETERS, f"names more than once: {listing(repeated)}"))
        yield from dict.fromkeys(written, None).items()
    else:
        faults.append(Fault(_PARAMETERS, f"found {written!r}, expected a mapping of names, or a list of names"))


def _one(name: str, value: Any, before: Wanted | None, known: Catalogue, faults: list[Fault]) -> Wanted | None:
    """What the user wrote of one parameter, over what a profile or the catalogue says of it."""
    entry = known.entry(name)
    if value is not None and value != "" and not isinstance(value, Mapping):
        faults.append(Fault(name, f"found {value!r}, expected {_ACCEPTED}"))
        return None
    keys = value or {}
    if "type" in keys:
        return _merged(Wanted(name, {}, entry), keys, stated=True)
    if entry is None:
        problem = "is not in the catalogue, so its type and range must be said, as in {type: int, range: [1, 8]}"
        faults.append(Fault(name, f"{problem}.{did_you_mean(name, known.entries)}"))
        return None
    if entry.example and "values" not in keys and (before is None or "values" not in before.specification):
        example = f"{{values: [{listing(entry.example)}]}}"
        faults.append(Fault(f"{name}.values", f"is missing; only you can know them: {name}: {example}"))
        return None
    below = before or Wanted(name, dict(entry.space), entry)
    return _merged(Wanted(name, below.specification, entry, minimum=below.minimum), keys, stated=True)


def _merged(want: Wanted, keys: Mapping[str, Any], stated: bool = False) -> Wanted:
    """`want` with these keys in place of its own."""
    own = {key: value for key, value in keys.items() if key != "minimum"}
    return Wanted(
        name=want.name,
        specification={**want.specification, **own},
        entry=want.entry,
        stated=frozenset(own) if stated else frozenset(),
        by_user=want.by_user,
        minimum=keys.get("minimum", want.minimum),
    )


def condition_names(text: Any) -> frozenset[str]:
    """The parameters a condition speaks of; none where it cannot be read."""
    try:
        return parse(text).names
    except ExpressionError:
        return frozenset()
