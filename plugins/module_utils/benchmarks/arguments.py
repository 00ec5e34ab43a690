# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module benchmark; its action plugin checks the same ones on the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.early_abort import BEYOND, ERRORS_PERCENT
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import LOOPBACK

DIRECTORY = "/var/tmp/evolve-benchmark"

ARGUMENT_SPEC: dict[str, Any] = {
    "definition": {"type": "raw", "required": True},
    "state": {"type": "str", "choices": ["measured", "surveyed", "serving", "stopped"], "default": "measured"},
    "place": {"type": "str"},
    "target": {"type": "str", "default": LOOPBACK},
    "directory": {"type": "path", "default": DIRECTORY},
    "early_abort": {
        "type": "dict",
        "options": {
            "limits": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "metric": {"type": "str", "required": True},
                    "direction": {"type": "str", "choices": ["maximize", "minimize"], "required": True},
                    "limit": {"type": "float", "required": True},
                },
            },
            "beyond": {"type": "float", "default": BEYOND},
            "seconds": {"type": "float"},
            "errors_percent": {"type": "float", "default": ERRORS_PERCENT},
        },
    },
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
