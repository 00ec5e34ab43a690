# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vm.* parameters: their names, types and accepted values, independent of any hypervisor."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

PREFIX = "vm."
VCPUS = "vm.vcpus"
MEMORY_MIB = "vm.memory_mib"
DISK_CACHE = "vm.disk.cache"
DISK_IO = "vm.disk.io"
DISK_IOTHREAD = "vm.disk.iothread"

CHOICES: dict[str, tuple[str, ...]] = {
    DISK_CACHE: ("none", "writeback", "writethrough", "directsync", "unsafe"),
    DISK_IO: ("threads", "native", "io_uring"),
}
NUMBERS = (VCPUS, MEMORY_MIB)
SWITCHES = (DISK_IOTHREAD,)
NAMES: tuple[str, ...] = (*NUMBERS, *CHOICES, *SWITCHES)

_TRUE = ("true", "yes", "on")
_FALSE = ("false", "no", "off")


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


def _name_fault(name: str) -> str | None:
    if name in NAMES:
        return None
    return f"{name}: no such parameter.{did_you_mean(name, NAMES)} Known: {', '.join(NAMES)}."


def _parse(name: str, given: Any) -> tuple[Value | None, str | None]:
    if name in NUMBERS:
        number = _whole_number(given)
        if number is None or number < 1:
            return None, f"{name}: found {given!r}, expected a whole number of at least 1."
        return number, None
    if name in SWITCHES:
        switch = _truth(given)
        if switch is None:
            return None, f"{name}: found {given!r}, expected true or false."
        return switch, None
    if isinstance(given, str) and given in CHOICES[name]:
        return str(given), None
    return None, f"{name}: found {given!r}, expected one of {', '.join(CHOICES[name])}."


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
