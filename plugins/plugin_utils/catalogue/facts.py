# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a guest and its hypervisor, and what they stand for where the machine's own size is searched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.expressions import parse

Facts = Mapping[str, float]

FACTS = {
    "guest.memory_mib": "memory of the machine, MiB",
    "guest.vcpus": "virtual CPUs of the machine",
    "guest.disk_mib": "size of the disk that holds /, MiB",
    "hypervisor.vcpus": "CPUs of the hypervisor",
    "hypervisor.memory_mib": "memory of the hypervisor, MiB",
    "hypervisor.free_memory_mib": "memory the hypervisor has free while the machine runs, MiB",
    "hypervisor.numa_nodes": "NUMA nodes of the hypervisor",
}
# Where the parameter is searched, what the machine has now says nothing about what it will have.
SEARCHED = {"guest.memory_mib": "vm.memory_mib", "guest.vcpus": "vm.vcpus"}
# What no machine can be given more of than its hypervisor has.
CEILINGS = {
    "vm.vcpus": "hypervisor.vcpus",
    "vm.memory_mib": "hypervisor.memory_mib",
    "vm.memory.maximum_mib": "hypervisor.memory_mib",
}
# An ordinary machine on an ordinary host: every entry of the catalogue must make sense there.
TYPICAL: Facts = {
    "guest.memory_mib": 4096,
    "guest.vcpus": 4,
    "guest.disk_mib": 20480,
    "hypervisor.vcpus": 16,
    "hypervisor.memory_mib": 65536,
    "hypervisor.free_memory_mib": 32768,
    "hypervisor.numa_nodes": 2,
}


def largest(specification: Mapping[str, Any]) -> float | None:
    """The largest number a parameter can take, None where it takes none."""
    lists = (specification.get(key) for key in ("range", "special", "values"))
    return max((value for each in lists if isinstance(each, list) for value in each if is_number(value)), default=None)


def in_terms_of(text: str, searched: Collection[str], facts: Facts) -> str:
    """A constraint over parameters only: each fact in it replaced, by the parameter that is searched or by its number.

    ExpressionError where the text is no expression; facts that have no value stay as they are.
    """
    expression = parse(text)
    replacements = {name: number(facts[name]) for name in expression.names if name in facts}
    replacements.update({fact: name for fact, name in SEARCHED.items() if name in searched})
    return expression.renamed({name: new for name, new in replacements.items() if name in expression.names})


def number(value: float) -> str:
    """A number for people: no more digits than it has, and no `.0`."""
    short = float(f"{value:.12g}")
    return str(int(short)) if short.is_integer() else str(short)
