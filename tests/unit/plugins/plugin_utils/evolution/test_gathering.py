# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence that is kept up to date is what gathering everything would give."""

from __future__ import annotations

import random

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evidence import gather
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.gathering import Gathered
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate, Individual


def individual(number: int, value: int) -> Individual:
    return Individual(Candidate(number, {"x": value}, "initial"))


def afresh(individuals: dict[int, Individual]) -> list:
    history = [individuals[number] for number in sorted(individuals)]
    return gather(history, {number: (found.candidate.values["x"],) for number, found in individuals.items()})


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_taken_up_and_told_in_whatever_order(seed: int) -> None:
    rng = random.Random(seed)
    gathered, individuals = Gathered(), {}
    for dummy in range(120):
        number = rng.randrange(40) if rng.random() < 0.1 else max(individuals, default=-1) + 1
        if not individuals or rng.random() < 0.5:
            individuals[number] = individual(number, rng.randrange(12))
            gathered.add((individuals[number].candidate.values["x"],), individuals[number])
        else:
            found = rng.choice(list(individuals.values()))
            gathered.stir(found.candidate.number)
            if rng.random() < 0.2:
                found.failure = "configuration"
            else:
                found.readings.append(rng.random())
                found.violations.append(0.0)
                found.slots.append("a")
        if rng.random() < 0.4:
            assert gathered.evidence() == afresh(individuals)
    assert gathered.evidence() == afresh(individuals)


def test_what_was_returned_before_stays_as_it_was() -> None:
    gathered, first = Gathered(), individual(0, 1)
    gathered.add((1,), first)
    before = gathered.evidence()
    first.readings.append(0.5)
    gathered.stir(0)
    assert gathered.evidence()[0].readings == [0.5]
    assert before[0].readings == []


def test_one_taken_up_again_as_it_was_puts_nothing_out_of_order() -> None:
    gathered = Gathered()
    for number in range(3):
        gathered.add((number,), individual(number, number))
    before = gathered.evidence()
    gathered.add((2,), individual(2, 2))
    after = gathered.evidence()
    assert [a is b for a, b in zip(before, after, strict=True)] == [True, True, False]


def test_what_nothing_is_new_of_is_not_gathered_again() -> None:
    gathered = Gathered()
    for number in range(3):
        gathered.add((number,), individual(number, number))
    before = gathered.evidence()
    gathered.stir(1)
    after = gathered.evidence()
    assert [a is b for a, b in zip(before, after, strict=True)] == [True, False, True]
