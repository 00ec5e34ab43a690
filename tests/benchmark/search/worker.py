# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs cells in a process of its own: reads them as JSON on standard input, answers one line of JSON for each."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, replace

from ansible_collections.evolve.vm.tests.benchmark.search import cell

# Enough for every peer to fit its first model.
WARM_UP = 14


def main() -> None:
    cells = [cell.Cell(**fields) for fields in json.load(sys.stdin)]
    # What a peer prints must not get between the answers.
    with os.fdopen(os.dup(1), "w", buffering=1) as answers:
        os.dup2(2, 1)
        # A peer imports much only when it first needs it; that is not the cost of a suggestion.
        cell.run(replace(cells[0], batch=1, readings=WARM_UP))
        for each in cells:
            answers.write(json.dumps(asdict(cell.run(each))) + "\n")


if __name__ == "__main__":
    main()
