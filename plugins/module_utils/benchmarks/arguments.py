# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module benchmark; its action plugin checks the same ones on the controller."""

from __future__ import annotations

from typing import Any

DIRECTORY = "/var/tmp/evolve-benchmark"

ARGUMENT_SPEC: dict[str, Any] = {
    "definition": {"type": "dict", "required": True},
    "directory": {"type": "path", "default": DIRECTORY},
    "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
    "simulation_directory": {"type": "path"},
    "simulation": {
        "type": "dict",
        "default": {},
        "options": {
            "seed": {"type": "int", "default": 0},
            "noise": {"type": "float", "default": 0.03},
            "slot_effect": {"type": "float", "default": 0.02},
            "outlier_share": {"type": "float", "default": 0.03},
            "seconds_per_run": {"type": "float", "default": 0.0},
            "seconds_spread": {"type": "float", "default": 0.0},
            "log": {"type": "path"},
            "lost_after": {"type": "int"},
            "junk_after": {"type": "int"},
        },
    },
}
