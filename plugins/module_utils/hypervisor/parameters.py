# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vm.* parameters: their names, types and accepted values, independent of any hypervisor."""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

PREFIX = "vm."
VCPUS = "vm.vcpus"
CPU_SHARES = "vm.cpu.shares"
CPU_QUOTA_PERCENT = "vm.cpu.quota_percent"
CPU_PINNING = "vm.cpu.pinning"
CPU_TOPOLOGY = "vm.cpu.topology"
MEMORY_MIB = "vm.memory_mib"
MEMORY_MAXIMUM_MIB = "vm.memory.maximum_mib"
MEMORY_HUGEPAGES = "vm.memory.hugepages"
DISK_CLASS = "vm.disk.class"
DISK_BUS = "vm.disk.bus"
DISK_CACHE = "vm.disk.cache"
DISK_IO = "vm.disk.io"
DISK_IOTHREAD = "vm.disk.iothread"
DISK_QUEUES = "vm.disk.queues"
DISK_DISCARD = "vm.disk.discard"
DISK_READ_IOPS = "vm.disk.read_iops"
DISK_WRITE_IOPS = "vm.disk.write_iops"
DISK_TOTAL_IOPS = "vm.disk.total_iops"
DISK_READ_MIB_PER_SECOND = "vm.disk.read_mib_per_second"
DISK_WRITE_MIB_PER_SECOND = "vm.disk.write_mib_per_second"
DISK_TOTAL_MIB_PER_SECOND = "vm.disk.total_mib_per_second"
NETWORK_MODEL = "vm.network.model"
NETWORK_QUEUES = "vm.network.queues"
NETWORK_INBOUND_MBIT_PER_SECOND = "vm.network.inbound_mbit_per_second"
NETWORK_OUTBOUND_MBIT_PER_SECOND = "vm.network.outbound_mbit_per_second"


class Accepted(NamedTuple):
    """What a parameter accepts: a `number` between its ends, one of `choices`, a `switch`, or the `name` of a thing."""

    kind: str
    minimum: int = 1
    maximum: int | None = None
    zero: str = ""
    """What 0 means, where that is something of its own."""
    choices: tuple[str, ...] = ()


_SWITCH = Accepted("switch")
_LIMIT = Accepted("number", 0, zero="no limit")
_QUEUES = Accepted("number", 1, 256)

PARAMETERS: dict[str, Accepted] = {
    VCPUS: Accepted("number"),
    CPU_SHARES: Accepted("number", 1, 262144),
    CPU_QUOTA_PERCENT: Accepted("number", 0, 100, zero="no limit"),
    CPU_PINNING: Accepted("choice", choices=("none", "one_to_one", "numa_node")),
    CPU_TOPOLOGY: Accepted("choice", choices=("sockets", "cores", "threads")),
    MEMORY_MIB: Accepted("number"),
    MEMORY_MAXIMUM_MIB: Accepted("number"),
    MEMORY_HUGEPAGES: _SWITCH,
    DISK_CLASS: Accepted("name"),
    DISK_BUS: Accepted("choice", choices=("virtio", "scsi", "sata")),
    DISK_CACHE: Accepted("choice", choices=("none", "writeback", "writethrough", "directsync", "unsafe")),
    DISK_IO: Accepted("choice", choices=("threads", "native", "io_uring")),
    DISK_IOTHREAD: _SWITCH,
    DISK_QUEUES: _QUEUES,
    DISK_DISCARD: Accepted("choice", choices=("ignore", "unmap")),
    DISK_READ_IOPS: _LIMIT,
    DISK_WRITE_IOPS: _LIMIT,
    DISK_TOTAL_IOPS: _LIMIT,
    DISK_READ_MIB_PER_SECOND: _LIMIT,
    DISK_WRITE_MIB_PER_SECOND: _LIMIT,
    DISK_TOTAL_MIB_PER_SECOND: _LIMIT,
    NETWORK_MODEL: Accepted("choice", choices=("virtio", "e1000e", "e1000", "rtl8139")),
    NETWORK_QUEUES: _QUEUES,
    NETWORK_INBOUND_MBIT_PER_SECOND: _LIMIT,
    NETWORK_OUTBOUND_MBIT_PER_SECOND: _LIMIT,
}
NAMES: tuple[str, ...] = tuple(PARAMETERS)

NETWORK_LIMITS = (NETWORK_INBOUND_MBIT_PER_SECOND, NETWORK_OUTBOUND_MBIT_PER_SECOND)
DISK_LIMITS = tuple(name for name in NAMES if name.startswith("vm.disk.") and PARAMETERS[name] is _LIMIT)

CACHE_WITH_NATIVE_IO = ("none", "directsync")
"""Host caches that go together with native io."""

_TRUE = ("true", "yes", "on")
_FALSE = ("false", "no", "off")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*\Z")


def parse_vm_configuration(configuration: Mapping[str, Any]) -> tuple[dict[str, Value], list[str]]:
    """The vm.* part of a configuration in canonical types, and one fault a name or value that is not accepted."""
    values: dict[str, Value] = {}
    faults: list[str] = []
    for name, given in configuration.items():
        if not name.startswith(PREFIX):
            continue
        fault = _name_fault(name)
        if fault is None:
            value, fault = _parse(name, given)
            if value is not None:
                values[name] = value
        if fault is not None:
            faults.append(fault)
    return values, faults


def parse_vm_names(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The vm.* names among `names`, and one fault a name that does not exist."""
    own = [name for name in names if name.startswith(PREFIX)]
    faults = [fault for fault in map(_name_fault, own) if fault is not None]
    return [name for name in own if name in NAMES], faults


def disk_limit_faults(values: Mapping[str, Value]) -> list[str]:
    """A limit on everything a disk does leaves no place for one on reading or writing: each such pair, as a sentence.

    values: what the disk would have, or of a configuration the part that names it.
    """
    faults = []
    for total, singles in (
        (DISK_TOTAL_IOPS, (DISK_READ_IOPS, DISK_WRITE_IOPS)),
        (DISK_TOTAL_MIB_PER_SECOND, (DISK_READ_MIB_PER_SECOND, DISK_WRITE_MIB_PER_SECOND)),
    ):
        for single in singles:
            if values.get(total) and values.get(single):
                faults.append(
                    f"{total}: {values[total]} excludes {single} {values[single]}: a disk has either a limit on the "
                    "total, or limits on reading and writing. Set one of the two to 0."
                )
    return faults


def _name_fault(name: str) -> str | None:
    if name in NAMES:
        return None
    return f"{name}: no such parameter.{did_you_mean(name, NAMES)} Known: {', '.join(NAMES)}."


def _parse(name: str, given: Any) -> tuple[Value | None, str | None]:
    accepted = PARAMETERS[name]
    value: Value | None = None
    if accepted.kind == "number":
        value = _whole_number(given)
        most = accepted.maximum
        if value is not None and (value < accepted.minimum or (most is not None and value > most)):
            value = None
    elif accepted.kind == "switch":
        value = _truth(given)
    elif accepted.kind == "choice":
        value = str(given) if isinstance(given, str) and given in accepted.choices else None
    else:
        value = str(given) if isinstance(given, str) and _NAME.match(given) else None
    if value is None:
        return None, f"{name}: found {given!r}, expected {_expectation(accepted)}."
    return value, None


def _expectation(accepted: Accepted) -> str:
    if accepted.kind == "switch":
        return "true or false"
    if accepted.kind == "choice":
        return f"one of {', '.join(accepted.choices)}"
    if accepted.kind == "name":
        return "a name of letters, digits, dots, dashes, underscores and plus signs"
    ends = f"of at least {accepted.minimum}"
    if accepted.maximum is not None:
        ends = f"from {accepted.minimum} to {accepted.maximum}"
    return f"a whole number {ends}{f' (0: {accepted.zero})' if accepted.zero else ''}"


def _whole_number(given: Any) -> int | None:
    if isinstance(given, bool):
        return None
    if isinstance(given, int):
        return int(given)
    # `-e name=value` and Jinja without native types hand numbers over as text.
    if isinstance(given, str) and given.isascii() and given.isdigit():
        return int(given)
    return None


def _truth(given: Any) -> bool | None:
    if isinstance(given, bool):
        return bool(given)
    if isinstance(given, str) and given.lower() in _TRUE + _FALSE:
        return given.lower() in _TRUE
    return None
