# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogue knows of one parameter, and a set of parameters that are searched together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.facts import Facts
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.ranges import facts_in, is_range, resolve
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.risks import same
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.expressions import Expression
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import read

# Keys of an entry that are those of a parameter of a search space as well.
SPACE_KEYS = ("type", "range", "step", "scale", "special", "values", "ordered", "unit", "default", "when")


@dataclass(frozen=True)
class Entry:
    """One parameter. `space` is what a search space needs, as written in the data: ends may be expressions over facts.

    setting: the application's own name of it. example: values such as a user has to give, where only the user can know
    them. risk: what any change of it can cost; risks: what single values cost (pairs of value and risk). since, until:
    first and last version of the application (of Linux, for kernel.*) that has it. flavor: which server of those that
    share an application has it, where not all do, such as mariadb.
    """

    name: str
    space: Mapping[str, Any]
    summary: str
    source: str
    tier: str
    family: str
    setting: str
    example: tuple[Any, ...] = ()
    constraints: tuple[str, ...] = ()
    risk: str = ""
    risks: tuple[tuple[Any, str], ...] = ()
    since: str = ""
    until: str = ""
    flavor: str = ""

    @property
    def unit(self) -> str:
        return str(self.space.get("unit", ""))

    @property
    def default(self) -> Any:
        """What is in force where nobody has said anything; None where that depends on the machine."""
        return self.space.get("default")

    @property
    def facts(self) -> frozenset[str]:
        """The facts that its range speaks of."""
        return frozenset().union(*(facts_in(end) for end in self.space.get("range", ())))

    def risk_of(self, value: Any) -> str | None:
        """What this value can cost, None where it costs nothing but speed."""
        if self.risk:
            return None if self.default is not None and same(value, self.default) else self.risk
        return next((risk for risky, risk in self.risks if same(value, risky)), None)

    def specification(self, facts: Facts) -> dict[str, Any]:
        """The parameter of a search space that it is on a machine with these facts, with numbers only.

        RangeError where it has no range there.
        """
        plain = {key: list(value) if isinstance(value, list) else value for key, value in self.space.items()}
        if is_range(plain):
            found = resolve(plain, facts)
            plain["range"] = [found.low, found.high]
        return acceptable(self.name, plain)


@dataclass(frozen=True)
class Family:
    """The entries of one data file: they start with `prefix` and belong together."""

    name: str
    prefix: str
    about: str


@dataclass(frozen=True)
class Profile:
    """A ready set of parameters for one kind of work. overrides: name -> keys that differ from its entry."""

    name: str
    about: str
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    constraints: tuple[str, ...] = ()


def acceptable(name: str, specification: dict[str, Any], when: Expression | None = None) -> dict[str, Any]:
    """The specification without a default that it does not accept itself: there the range has left it behind."""
    if "default" not in specification:
        return specification
    rest = {key: value for key, value in specification.items() if key != "default"}
    parameter = read(name, rest, [], when)
    return specification if parameter is None or not parameter.problem(specification["default"]) else rest
