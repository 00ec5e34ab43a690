# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter tournament: the best of a few individuals drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution import operators
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.population import parents_of, read_population
from ansible_collections.evolve.vm.plugins.plugin_utils.filter_arguments import (
    ArgumentsError,
    read_count,
    read_seed,
    template_filter,
)


@template_filter
def tournament(population: Any, size: int = 3, seed: Any = None, count: int | None = None) -> Any:
    """The winner, or a list of `count` winners of as many tournaments, each without the winners before it."""
    faults: list[Fault] = []
    individuals = read_population("population", population, faults, genes=False)
    left = parents_of(individuals)
    if individuals and not left and not faults:
        failed = sum(1 for one in individuals if one.get("failure"))
        found = f"{failed} of {len(individuals)} failed, the others are not evaluated"
        faults.append(Fault("population", f"{found}; expected at least one individual with a fitness"))
    drawn = read_count("size", size, 1, faults)
    wanted = 1 if count is None else read_count("count", count, 0, faults)
    rng = read_seed("tournament", seed, faults)
    if faults:
        raise ArgumentsError(faults)
    by_number = {one["number"]: given for one, given in zip(individuals, population, strict=True)}
    winners = []
    for dummy in range(min(wanted, len(left))):
        winner = operators.tournament(left, drawn, rng)
        left.remove(winner)
        winners.append(by_number[winner.candidate.number])
    return winners if count is not None else winners[0]


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"tournament": tournament}
