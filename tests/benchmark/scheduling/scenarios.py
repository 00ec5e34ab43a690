# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: each scenario is a few studies that differ in one thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ansible_collections.evolve.vm.tests.benchmark.scheduling.setup import Setup


@dataclass(frozen=True)
class Scenario:
    """`usual` is the study, and `variants` says how its variants differ from it, by name.

    postgresql: whether its studies are kept on a server, made for the purpose. seeds: how many are run unless told.
    """

    usual: Setup
    variants: Callable[[Setup], Mapping[str, Setup]]
    postgresql: bool = False
    seeds: int = 1


# With one slot there is no tail, but every trial takes its time alone: fewer of them say as much.
_ALONE_SHARE = 16


def _utilisation(usual: Setup) -> dict[str, Setup]:
    return {
        "steady_state": usual,
        "generational": replace(usual, scheduling="generational"),
        "one slot": replace(usual, slots=1, forks=2, trials=max(2, usual.trials // _ALONE_SHARE)),
    }


def _same(usual: Setup) -> dict[str, Setup]:
    return {usual.algorithm: usual}


def _strategies(usual: Setup) -> dict[str, Setup]:
    return {name: replace(usual, strategy=name) for name in ("steady_state", "free")}


def _controllers(usual: Setup) -> dict[str, Setup]:
    return {str(count): replace(usual, controllers=count) for count in (1, 2, 4)}


SCENARIOS = {
    "utilisation": Scenario(Setup(16, 400, 20.0, 80.0, options={"population": 16}), _utilisation),
    "overhead": Scenario(Setup(8, 200, 5.0, 5.0), _same),
    "slots-200": Scenario(Setup(200, 2000, 60.0), _same),
    "slots-1000": Scenario(Setup(1000, 10_000, algorithm="textbook", forks=8), _same),
    "strategies": Scenario(Setup(4, 60), _strategies),
    "controllers": Scenario(Setup(16, 96, 5.0, 5.0), _controllers, postgresql=True, seeds=3),
}
