# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill the controller of a study at many moments, and say whether anything was lost: `make bench-crashes`."""

from __future__ import annotations

import argparse
import time

from ansible_collections.evolve.vm.tests.lab.crashing import crash_lab
from ansible_collections.evolve.vm.tests.simulation.crashing import crash


def main() -> int:
    """Returns 1 where anything was lost."""
    parser = argparse.ArgumentParser(prog="make bench-crashes", description=__doc__)
    parser.add_argument("--points", type=int, help="how often to kill (100, in the lab 10)")
    parser.add_argument("--lab", action="store_true", help="on real virtual machines, in a lab made for the purpose")
    parser.add_argument("--seed", type=int, default=1, help="seed of the moments (1)")
    options = parser.parse_args()
    started = time.monotonic()
    if options.lab:
        found = crash_lab(options.points or 10, options.seed, _print)
    else:
        found = crash(options.points or 100, options.seed, tell=_print)
    print(f"\n{found}; {time.monotonic() - started:.0f} s")
    return 1 if found.faults else 0


def _print(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
