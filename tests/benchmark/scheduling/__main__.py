# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the benchmark: `run` scenarios, then `report` what there is."""

from __future__ import annotations

import argparse
from pathlib import Path

from ansible_collections.evolve.vm.tests.benchmark.scheduling.results import Results
from ansible_collections.evolve.vm.tests.benchmark.scheduling.scenarios import SCENARIOS
from ansible_collections.evolve.vm.tests.benchmark.scheduling.setup import REPOSITORY

DIRECTORY = REPOSITORY / ".cache" / "bench-scheduling"
DOCUMENTS = REPOSITORY / "docs" / "benchmarks"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-scheduling", description=__doc__)
    parser.add_argument("--results", type=Path, default=DIRECTORY, help="folder of the results")
    steps = parser.add_subparsers(dest="step", required=True)
    run = steps.add_parser("run", help="run scenarios, whose figures are added to the results")
    run.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all unless given")
    run.add_argument("--variants", type=lambda text: text.split(","), help="only these variants of the scenario")
    run.add_argument("--scale", type=float, default=1.0, help="0.1 makes trials ten times as quick, for a look")
    run.add_argument("--seeds", type=int, help="how many seeds, from 1")
    run.add_argument("--slots", type=int)
    run.add_argument("--trials", type=int)
    run.add_argument("--seconds", type=float, help="the least that a trial takes")
    run.add_argument("--spread", type=float, help="the most that it takes longer")
    run.add_argument("--algorithm", choices=["guided", "textbook"])
    run.add_argument("--forks", type=int)
    steps.add_parser("report", help="write the page, the figure and the CSV file into docs/benchmarks")
    return parser.parse_args()


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
    # Needs ansible-core, which that environment does not have.
    from ansible_collections.evolve.vm.tests.benchmark.scheduling.runner import measure

    for name in chosen.scenarios or SCENARIOS:
        measure(name, chosen, results)


if __name__ == "__main__":
    main()
