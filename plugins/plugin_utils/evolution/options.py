# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the options of an algorithm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError, listing, suggestion

CROSSOVERS = ("uniform", "one_point", "blend")


class OptionsError(InputError):
    """The algorithm's options are not usable."""

    subject = "the algorithm's options"


@dataclass(frozen=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    def problem(self, value: Any) -> str:
        """What is wrong with a value, or nothing."""
        fine = isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most
        return "" if fine else f"found {value!r}, expected a whole number {self.least} to {self.most}"


@dataclass(frozen=True)
class Share:
    """A number above 0 and at most 1."""

    def problem(self, value: Any) -> str:
        """What is wrong with a value, or nothing."""
        fine = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1
        return "" if fine else f"found {value!r}, expected a number above 0 and at most 1"


@dataclass(frozen=True)
class Choice:
    """One of some words."""

    words: Sequence[str]

    def problem(self, value: Any) -> str:
        """What is wrong with a value, or nothing."""
        if value in self.words:
            return ""
        return f"found {value!r}, expected one of {listing(self.words)}.{suggestion(str(value), self.words)}"


Setting = Whole | Share | Choice


def faults_of(options: Mapping[str, Any], known: Mapping[str, Setting]) -> list[Fault]:
    """Everything that is wrong with options as the user wrote them."""
    faults = []
    for name, value in options.items():
        if name not in known:
            faults.append(Fault(name, f"unknown; accepted: {listing(known)}.{suggestion(name, list(known))}"))
        elif problem := known[name].problem(value):
            faults.append(Fault(name, problem))
    return faults


_BREEDING: dict[str, Setting] = {
    "population": Whole(2, 1000),
    "elites": Whole(0, 999),
    "tournament": Whole(1, 1000),
    "crossover": Choice(CROSSOVERS),
    "crossover_rate": Share(),
    "mutation_rate": Share(),
    "mutation_sigma": Share(),
}


@dataclass(frozen=True)
class BreedingOptions:
    """Settings of the textbook algorithm. Rates are probabilities; `mutation_sigma` is in unit coordinates."""

    population: int = 10
    elites: int = 2
    tournament: int = 3
    crossover: str = "uniform"
    crossover_rate: float = 0.9
    mutation_rate: float = 0.2
    mutation_sigma: float = 0.2

    @classmethod
    def from_mapping(cls, options: Mapping[str, Any]) -> BreedingOptions:
        """Options as the user wrote them; OptionsError lists every fault."""
        faults = faults_of(options, _BREEDING)
        if not faults:
            result = cls(**options)
            if result.elites < result.population:
                return result
            faults.append(
                Fault("elites", f"found {result.elites}, expected fewer than the population ({result.population})")
            )
        raise OptionsError(faults)
