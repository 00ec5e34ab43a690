# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module sampler, for the module itself and for the action plugin of the same name."""

from __future__ import annotations

from typing import Any

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["started", "collected", "stopped"], "default": "started"},
    "hypervisor": {"type": "str", "choices": ["libvirt", "none", "simulated"], "default": "libvirt"},
    "uri": {"type": "str", "default": "qemu:///system"},
    "interval": {"type": "raw", "default": 5},
    "machines": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "host": {"type": "str"},
            "address": {"type": "str"},
        },
    },
    "probes": {"type": "list", "elements": "dict", "default": []},
    "directory": {"type": "path"},
    "lease_seconds": {"type": "int", "default": 3600},
    "since_ms": {"type": "int"},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "simulation_directory": {"type": "path"},
    "simulation": {"type": "dict", "default": {}, "options": {"seed": {"type": "int", "default": 0}}},
}
