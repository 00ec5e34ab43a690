# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the studies of scenarios, and keeps their figures as each ends."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

from ansible_collections.evolve.vm.tests.benchmark.scheduling.circumstances import circumstances
from ansible_collections.evolve.vm.tests.benchmark.scheduling.figures import course, figures
from ansible_collections.evolve.vm.tests.benchmark.scheduling.results import Results
from ansible_collections.evolve.vm.tests.benchmark.scheduling.scenarios import SCENARIOS, Scenario
from ansible_collections.evolve.vm.tests.benchmark.scheduling.setup import Setup
from ansible_collections.evolve.vm.tests.benchmark.scheduling.study import run
from ansible_collections.evolve.vm.tests.postgresql import new_database, postgresql_server

_SHOWN = ("elapsed_seconds", "utilisation", "utilisation_without_tail", "overhead_median", "cpu_a_trial")
_SHOWN += ("resident_mib", "total_mib", "duplicates", "true_fitness")


def changed(usual: Setup, chosen: argparse.Namespace) -> Setup:
    """The scenario's study with what was chosen on the command line."""
    names = ("slots", "trials", "seconds", "spread", "algorithm", "forks")
    setup = replace(usual, **{name: getattr(chosen, name) for name in names if getattr(chosen, name) is not None})
    return replace(setup, seconds=setup.seconds * chosen.scale, spread=setup.spread * chosen.scale)


def setups(scenario: Scenario, chosen: argparse.Namespace) -> Iterator[tuple[str, Setup]]:
    """The studies to run, each with the name of its variant."""
    for seed in range(1, (chosen.seeds or scenario.seeds) + 1):
        variants = scenario.variants(replace(changed(scenario.usual, chosen), seed=seed))
        if unknown := [name for name in chosen.variants or () if name not in variants]:
            raise SystemExit(f"No such variant: {', '.join(unknown)}. There are: {', '.join(variants)}")
        yield from ((name, setup) for name, setup in variants.items() if name in (chosen.variants or variants))


def measure(name: str, chosen: argparse.Namespace, results: Results) -> None:
    scenario = SCENARIOS[name]
    size = replace(scenario.usual, algorithm=chosen.algorithm or scenario.usual.algorithm)
    full = "yes" if changed(scenario.usual, chosen) == size else "no"
    with ExitStack() as stack:
        server = stack.enter_context(postgresql_server()) if scenario.postgresql else None
        for variant, setup in setups(scenario, chosen):
            row = {"variant": variant, **circumstances(), "full": full, "scale": chosen.scale}
            with ExitStack() as own:
                if server:
                    setup = replace(setup, store=own.enter_context(new_database(server)))
                outcome = run(setup, f"{name}, {variant}, seed {setup.seed}")
            found = figures(outcome)
            results.add(name, [{**row, **found}])
            results.add(f"{name}-course", [{**row, "seed": setup.seed, **part} for part in course(outcome)])
            print("  " + "  ".join(f"{key} {found[key]:.4g}" for key in _SHOWN), flush=True)
