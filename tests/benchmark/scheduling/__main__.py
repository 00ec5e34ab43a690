# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the benchmark: `run` scenarios, then `report` what there is."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from ansible_collections.evolve.vm.tests.benchmark.scheduling.estate import REPOSITORY, Setup
from ansible_collections.evolve.vm.tests.benchmark.scheduling.figures import course, figures
from ansible_collections.evolve.vm.tests.benchmark.scheduling.results import Results, circumstances
from ansible_collections.evolve.vm.tests.benchmark.scheduling.scenarios import SCENARIOS, Scenario
from ansible_collections.evolve.vm.tests.benchmark.scheduling.study import run
from ansible_collections.evolve.vm.tests.postgresql import new_database, postgresql_server

DIRECTORY = REPOSITORY / ".cache" / "bench-scheduling"
DOCUMENTS = REPOSITORY / "docs" / "benchmarks"
_SHOWN = ("elapsed_seconds", "utilisation", "utilisation_without_tail", "overhead_median", "cpu_a_trial")
_SHOWN += ("resident_mib", "total_mib", "duplicates", "true_fitness")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-scheduling", description=__doc__)
    parser.add_argument("--results", type=Path, default=DIRECTORY, help="folder of the results")
    steps = parser.add_subparsers(dest="step", required=True)
    measure = steps.add_parser("run", help="run scenarios, whose figures are added to the results")
    measure.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all unless given")
    measure.add_argument("--variants", type=lambda text: text.split(","), help="only these variants of the scenario")
    measure.add_argument("--scale", type=float, default=1.0, help="0.1 makes trials ten times as quick, for a look")
    measure.add_argument("--seeds", type=int, help="how many seeds, from 1")
    measure.add_argument("--slots", type=int)
    measure.add_argument("--trials", type=int)
    measure.add_argument("--seconds", type=float, help="the least that a trial takes")
    measure.add_argument("--spread", type=float, help="the most that it takes longer")
    measure.add_argument("--algorithm", choices=["guided", "textbook"])
    measure.add_argument("--forks", type=int)
    steps.add_parser("report", help="write the page, the figure and the CSV file into docs/benchmarks")
    return parser.parse_args()


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


def main() -> None:
    chosen = arguments()
    results = Results(chosen.results)
    if chosen.step == "report":
        # Needs matplotlib, which only the environment of bench-search has.
        from ansible_collections.evolve.vm.tests.benchmark.scheduling import report

        report.write(results, DOCUMENTS)
        return
    if unknown := [name for name in chosen.scenarios if name not in SCENARIOS]:
        raise SystemExit(f"No such scenario: {', '.join(unknown)}. There are: {', '.join(SCENARIOS)}")
    for name in chosen.scenarios or SCENARIOS:
        measure(name, chosen, results)


if __name__ == "__main__":
    main()
