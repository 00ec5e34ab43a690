# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what the data files say can be right. A fault here is one of the collection, not of its user."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.changes import TIERS
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.entries import SPACE_KEYS, Entry, Profile
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.facts import FACTS, TYPICAL
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.ranges import RangeError, is_range
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.risks import RISKS, same, without
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.expressions import ExpressionError, parse
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import Parameter, read

# What values are counted in; plain numbers of things have no unit.
UNITS = {
    "B": "bytes",
    "KiB": "1024 bytes",
    "MiB": "1024 KiB",
    "GiB": "1024 MiB",
    "ns": "nanoseconds",
    "us": "microseconds",
    "ms": "milliseconds",
    "cs": "hundredths of a second",
    "s": "seconds",
    "min": "minutes",
    "h": "hours",
    "percent": "hundredths",
    "pages": "pages of the kernel's memory, 4 KiB on x86",
    "IOPS": "I/O operations per second",
    "MiB/s": "MiB per second",
    "Mbit/s": "megabits per second",
    "MB/s": "megabytes per second",
}
_REQUIRED = ("type", "summary", "source", "tier")
_OPTIONAL = ("setting", "example", "constraints", "risk", "risks", "since", "until", "flavor")
_KEYS = {*SPACE_KEYS, *_REQUIRED, *_OPTIONAL}
_SENTENCE = re.compile(r"[A-Z][^\n]*[^.\s]\.")
_NEXT_SENTENCE = re.compile(r"[a-z)]\. [A-Z]")


def read_entry(prefix: str, key: str, family: str, raw: Any, faults: list[Fault]) -> Entry | None:
    """The entry, or None with what is wrong with it added to `faults`."""
    name, before = f"{prefix}{key}", len(faults)
    if not isinstance(raw, Mapping):
        faults.append(Fault(name, f"found {raw!r}, expected a mapping"))
        return None
    faults += _key_faults(name, raw)
    faults += _text_faults(name, raw)
    faults += _range_faults(name, raw)
    faults += _risk_faults(name, raw)
    if len(faults) > before:
        return None
    entry = Entry(
        name=name,
        space={key: raw[key] for key in SPACE_KEYS if key in raw},
        summary=raw["summary"],
        source=raw["source"],
        tier=raw["tier"],
        family=family,
        setting=raw.get("setting", key),
        example=tuple(raw.get("example", ())),
        constraints=tuple(raw.get("constraints", ())),
        risk=raw.get("risk", ""),
        risks=tuple(raw.get("risks", {}).items()),
        since=raw.get("since", ""),
        until=raw.get("until", ""),
        flavor=raw.get("flavor", ""),
    )
    faults += _space_faults(entry)
    return entry if len(faults) == before else None


def read_profile(
    name: str, raw: Any, entries: Mapping[str, Entry], names: Collection[str], faults: list[Fault]
) -> Profile | None:
    """The profile, or None with what is wrong with it added to `faults`. names: all parameters there are."""
    before = len(faults)
    if not isinstance(raw, Mapping) or set(raw) - {"about", "parameters", "constraints"}:
        faults.append(Fault(name, f"found {raw!r}, expected a mapping with about, parameters and constraints"))
        return None
    if not is_sentence(raw.get("about")):
        faults.append(Fault(f"{name}.about", f"found {raw.get('about')!r}, expected one sentence with a full stop"))
    overrides = _overrides(f"{name}.parameters", raw.get("parameters"), faults)
    for parameter, keys in overrides.items():
        where = f"{name}.{parameter}"
        if parameter not in names:
            faults.append(Fault(where, f"is not in the catalogue.{did_you_mean(parameter, names)}"))
        elif parameter in entries and entries[parameter].example and "values" not in keys:
            faults.append(Fault(f"{where}.values", "is missing; only its user can know them"))
        faults += [
            Fault(f"{where}.{key}", f"unknown key; accepted: {listing(SPACE_KEYS)}, minimum")
            for key in keys
            if key not in (*SPACE_KEYS, "minimum")
        ]
    constraints = raw.get("constraints", [])
    faults += expression_faults(name, "constraints", constraints, names)
    return Profile(name, raw["about"], overrides, tuple(constraints)) if len(faults) == before else None


def _overrides(where: str, parameters: Any, faults: list[Fault]) -> dict[str, Mapping[str, Any]]:
    if isinstance(parameters, list):
        named: dict[str, Mapping[str, Any]] = {str(name): {} for name in parameters}
        if len(named) < len(parameters):
            faults.append(Fault(where, "names a parameter more than once"))
        return named
    if isinstance(parameters, Mapping) and all(
        keys is None or isinstance(keys, Mapping) for keys in parameters.values()
    ):
        return {str(name): keys or {} for name, keys in parameters.items()}
    faults.append(Fault(where, f"found {parameters!r}, expected a list of names, or names with the keys that differ"))
    return {}


def expression_faults(name: str, key: str, texts: Any, names: Collection[str]) -> Iterator[Fault]:
    """Constraints that cannot be read, or speak of what is neither a parameter of the catalogue nor a fact."""
    if not isinstance(texts, (list, tuple)):
        yield Fault(f"{name}.{key}", f"found {texts!r}, expected a list of expressions")
        return
    for text in texts:
        try:
            unknown = sorted(parse(text).names - {*names, *FACTS})
        except ExpressionError as error:
            yield Fault(f"{name}.{key}", str(error))
            continue
        for other in unknown:
            yield Fault(
                f"{name}.{key}", f"{text}: {other} is neither a parameter nor a fact.{did_you_mean(other, names)}"
            )


def condition_faults(entry: Entry, names: Collection[str]) -> Iterator[Fault]:
    """What is wrong with the names an entry's condition and constraints speak of, once all entries are known."""
    yield from expression_faults(entry.name, "constraints", entry.constraints, names)
    if "when" in entry.space:
        yield from expression_faults(entry.name, "when", [entry.space["when"]], names)
        if facts := sorted(parse(entry.space["when"]).names & FACTS.keys()):
            yield Fault(f"{entry.name}.when", f"speaks of {listing(facts)}; a condition may speak of parameters only")


def _key_faults(name: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    for key in raw:
        if key not in _KEYS:
            yield Fault(
                f"{name}.{key}", f"unknown key; accepted: {listing(sorted(_KEYS))}.{did_you_mean(str(key), _KEYS)}"
            )
    for key in _REQUIRED:
        if key not in raw:
            yield Fault(f"{name}.{key}", "is missing")


def is_sentence(text: Any) -> bool:
    return isinstance(text, str) and bool(_SENTENCE.fullmatch(text)) and not _NEXT_SENTENCE.search(text)


def _text_faults(name: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    if "summary" in raw and not is_sentence(raw["summary"]):
        yield Fault(f"{name}.summary", f"found {raw['summary']!r}, expected one sentence with a full stop")
    source = raw.get("source", "https://")
    if not isinstance(source, str) or not source.startswith("https://"):
        yield Fault(f"{name}.source", f"found {source!r}, expected a link that starts with https://")
    for key, accepted in (("tier", TIERS[1:]), ("unit", tuple(UNITS))):
        if key in raw and raw[key] not in accepted:
            yield Fault(f"{name}.{key}", f"found {raw[key]!r}, expected one of {listing(accepted)}")
    for key in ("setting", "since", "until", "flavor"):
        if key in raw and (not isinstance(raw[key], str) or not raw[key]):
            yield Fault(f"{name}.{key}", f"found {raw[key]!r}, expected a text; quote it")
    if not isinstance(raw.get("constraints", []), list):
        yield Fault(f"{name}.constraints", f"found {raw['constraints']!r}, expected a list of expressions")


def _range_faults(name: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    """What `read` of the engine would not find: it is handed numbers, and values in place of the example."""
    if raw.get("type") in ("int", "float") and not is_range(raw):
        yield Fault(
            f"{name}.range", f"found {raw.get('range')!r}, expected two ends: numbers, or expressions over facts"
        )
    if "example" in raw:
        if raw.get("type") != "choice" or "values" in raw:
            yield Fault(f"{name}.example", "stands in place of the values of a choice; it has values, or is no choice")
        elif not isinstance(raw["example"], list) or len(raw["example"]) < 2:
            yield Fault(f"{name}.example", f"found {raw['example']!r}, expected a list of at least two values")


def _risk_faults(name: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    risks = raw.get("risks", {})
    if "risk" in raw and "risks" in raw:
        yield Fault(f"{name}.risk", "stands beside risks; either any change of it is risky, or single values are")
    if not isinstance(risks, Mapping) or ("risks" in raw and not risks):
        yield Fault(f"{name}.risks", f"found {risks!r}, expected a mapping of values to risks")
        return
    for key, risk in [("risk", raw["risk"])] if "risk" in raw else [("risks", risk) for risk in risks.values()]:
        if risk not in tuple(RISKS):
            yield Fault(f"{name}.{key}", f"found {risk!r}, expected one of {listing(RISKS)}")


def _space_faults(entry: Entry) -> Iterator[Fault]:
    """What is wrong with it as a parameter of a search on an ordinary machine."""
    try:
        space = entry.specification(TYPICAL)
    except RangeError as error:
        yield Fault(f"{entry.name}.range", str(error))
        return
    if entry.example:
        space["values"] = list(entry.example)
    found: list[Fault] = []
    when = space.pop("when", None)
    space.pop("default", None)
    parameter = read(entry.name, space, found)
    yield from found
    if when is not None:
        try:
            parse(when)
        except ExpressionError as error:
            yield Fault(f"{entry.name}.when", str(error))
    if parameter is not None:
        yield from _value_faults(entry, space, parameter)


def _value_faults(entry: Entry, space: Mapping[str, Any], parameter: Parameter) -> Iterator[Fault]:
    # A default may lie outside a range that follows from the machine: there it is left out of the search space.
    follows = any(isinstance(end, str) for end in entry.space.get("range", ()))
    if "default" in entry.space and not follows and (problem := parameter.problem(entry.default)):
        yield Fault(f"{entry.name}.default", problem)
    for value, dummy in entry.risks:
        if problem := parameter.problem(value):
            yield Fault(f"{entry.name}.risks", problem)
        elif space["type"] in ("int", "float") and without(space, value) is None:
            yield Fault(
                f"{entry.name}.risks", f"{value} can only be left out where it is special or an end of the range"
            )
    if any(same(first, second) for i, (first, dummy) in enumerate(entry.risks) for second, dummy in entry.risks[:i]):
        yield Fault(f"{entry.name}.risks", "names a value more than once")
