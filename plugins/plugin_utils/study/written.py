# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search space of a study: from what the user wrote, with the help of the catalogue, to what is searched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.deriving import derive, needs_facts
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.wanted import collect
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace, SearchSpaceError
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.study.families import space_faults

if TYPE_CHECKING:
    from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import Definition

# The variables that a search space is written in, without `evolve_`.
WRITTEN = ("parameters", "constraints", "profile", "allow_risk")


def as_written(variables: Mapping[str, Any]) -> dict[str, Any]:
    """What the user wrote of the search space."""
    return {key: value for key, value in plain(variables).items() if key in WRITTEN and value is not None}


def facts_to_find(variables: Mapping[str, Any], stored: Definition | None = None) -> list[str]:
    """The facts of the machines that have to be known before the search space is."""
    written = as_written(variables)
    if stored is not None and _is_the_same(stored, written):
        return []
    return sorted(needs_facts(written.get("parameters"), written.get("profile") or []))


def searched_names(variables: Mapping[str, Any]) -> list[str]:
    """The parameters that the user and the profiles name, known or not."""
    written = as_written(variables)
    return list(collect(written.get("parameters"), written.get("profile") or [], catalogue(), []))


def read_space(
    variables: Mapping[str, Any],
    faults: list[Fault],
    facts: Mapping[str, float],
    stored: Definition | None,
    own_apps: Collection[str],
) -> dict[str, Any]:
    """The parts of a study's definition that say what is searched; faults are added to the list."""
    written = as_written(variables)
    if stored is not None and _is_the_same(stored, written):
        kept = ("parameters", "constraints", "written", "derived")
        return {key: getattr(stored, key) for key in kept}
    if "parameters" not in written and "profile" not in written:
        faults.append(Fault("evolve_parameters", "is missing, and no evolve_profile is named; see docs/guide for both"))
        return {}
    before = len(faults)
    derived = derive(written.get("parameters"), written.get("profile") or [], facts, written.get("allow_risk") or [])
    faults += derived.faults
    own = written.get("constraints", [])
    # What is no list is refused by the space.
    also = [text for text in derived.constraints if text not in own] if isinstance(own, list) else []
    constraints = [*own, *also] if also else own
    space = None
    if not derived.faults:
        try:
            space = SearchSpace.from_mapping(derived.parameters, constraints)
        except SearchSpaceError as error:
            faults += error.faults
    faults += space_faults(derived.parameters, space, own_apps)
    if len(faults) > before:
        return {"parameters": derived.parameters}
    return {
        "parameters": derived.parameters,
        "constraints": constraints,
        "written": written,
        "derived": derived.lines,
    }


def _is_the_same(stored: Definition, written: Mapping[str, Any]) -> bool:
    """Whether a stored study was written like this; one that says nothing of it was written as it is."""
    before = stored.written or {"parameters": stored.parameters, "constraints": stored.constraints}
    return _complete(before) == _complete(written)


def _complete(written: Mapping[str, Any]) -> dict[str, Any]:
    return {key: written.get(key) or [] for key in WRITTEN}
