# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which figures came about."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from typing import Any

from ansible.release import __version__ as core_version

from ansible_collections.evolve.vm.tests.benchmark.scheduling.setup import REPOSITORY


def circumstances() -> dict[str, Any]:
    """Under which figures came about. `load` is the mean number of processes that wanted a core just before."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "core": core_version,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
    }


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=9"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"
