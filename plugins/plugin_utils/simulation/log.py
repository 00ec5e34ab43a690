# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A log of what simulated machines did when, one JSON object a line, written by many processes at once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulationError


def add_entry(path: str, entry: Mapping[str, Any]) -> None:
    """Add a line to the file, which is created where there is none. Raises SimulationError."""
    try:
        # One write at the file's end, so that no two processes mix their lines.
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, f"{json.dumps(entry)}\n".encode())
        finally:
            os.close(handle)
    except OSError as error:
        raise SimulationError(
            f"The log of the simulation cannot be written to {path}: {error.strerror}. "
            "Name a file in a folder that can be written, or leave out log (evolve_simulation)."
        ) from error
