# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill the controller of a simulated study at many moments, and say whether anything was lost: `make bench-crashes`."""

from __future__ import annotations

import argparse
import time

from ansible_collections.evolve.vm.tests.simulation.crashing import crash


def main() -> int:
    """Returns 1 where anything was lost."""
    parser = argparse.ArgumentParser(prog="make bench-crashes", description=__doc__)
    parser.add_argument("--points", type=int, default=100, help="how often to kill (100)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the moments (1)")
    options = parser.parse_args()
    started = time.monotonic()
    found = crash(options.points, options.seed, tell=lambda line: print(line, flush=True))
    print(f"\n{found}; {time.monotonic() - started:.0f} s")
    return 1 if found.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
