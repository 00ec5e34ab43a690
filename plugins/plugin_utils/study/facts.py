# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts that ranges are derived from, out of what was read from a machine and its hypervisor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def facts_from(readings: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, float], list[str]]:
    """The facts of the first machine that answered, and why others did not.

    readings: host -> `guest` (what guest_facts returned: vcpus, memory_mib, disk_mib), `hypervisor` (what vm_config
    returned with state=read: vcpus, memory_mib, numa_nodes, machines) and `message`, each as far as there is one. The
    slots of a study are alike, so one of them speaks for all; of hypervisors the smallest does, so that a range suits
    every one of them.
    """
    silent = [f"{host}: {reading['message']}" for host, reading in readings.items() if reading.get("message")]
    guests = [reading["guest"] for reading in readings.values() if reading.get("guest")]
    hosts = [_hypervisor(reading["hypervisor"]) for reading in readings.values() if reading.get("hypervisor")]
    facts = {f"guest.{name}": float(value) for name, value in (guests[0] if guests else {}).items()}
    names = hosts[0] if hosts else {}
    return {**facts, **{f"hypervisor.{name}": min(host[name] for host in hosts) for name in names}}, silent


def _hypervisor(capacity: Mapping[str, Any]) -> dict[str, float]:
    used = sum(machine["memory_mib"] for machine in capacity["machines"].values())
    return {
        "vcpus": float(capacity["vcpus"]),
        "memory_mib": float(capacity["memory_mib"]),
        "free_memory_mib": max(0.0, float(capacity["memory_mib"] - used)),
        "numa_nodes": float(capacity.get("numa_nodes", 1)),
    }
