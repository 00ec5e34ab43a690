# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel.* part of a configuration: which kinds of names there are, and the types of their values. Pure."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.module_utils.tunables.values import canonical

FAMILY = "kernel."
SYSCTL = "kernel.sysctl."
SYSFS = "kernel.sysfs."
MODULE = "kernel.module."
BOOT = "kernel.boot."
PREFIXES = (SYSCTL, SYSFS, MODULE, BOOT)

# Those whose values can be true and false: a module's Y and N, a bare word on the command line and its absence.
_WITH_SWITCHES = (MODULE, BOOT)


def parse_configuration(configuration: Mapping[str, Any]) -> tuple[dict[str, Value], list[str]]:
    """The kernel.* part of a configuration as name -> canonical value, and one fault a name or value that is wrong."""
    values: dict[str, Value] = {}
    faults: list[str] = []
    for name, given in configuration.items():
        if not name.startswith(FAMILY):
            continue
        fault = name_fault(name) or _value_fault(name, given)
        if fault:
            faults.append(fault)
        else:
            values[name] = bool(given) if isinstance(given, bool) else canonical(str(given))
    return values, faults


def parse_names(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The kernel.* names among `names`, and one fault a name of a kind that does not exist."""
    own = [name for name in names if name.startswith(FAMILY)]
    faults = {name: name_fault(name) for name in own}
    return [name for name in own if not faults[name]], [fault for fault in faults.values() if fault]


def name_fault(name: str) -> str:
    """What is wrong with a kernel.* name whatever machine it is for, as a sentence; empty if nothing is."""
    prefix = next((prefix for prefix in PREFIXES if name.startswith(prefix)), None)
    if prefix is None:
        hint = did_you_mean(".".join(name.split(".")[:2]) + ".", PREFIXES)
        return (
            f"{name}: no such parameter.{hint} Kernel parameters are named {SYSCTL}<key>, {SYSFS}<path>, "
            f"{MODULE}<module>.<parameter> or {BOOT}<parameter>, for example {SYSCTL}vm.swappiness."
        )
    if prefix == MODULE and not all(name[len(MODULE) :].partition(".")):
        return f"{name}: no such parameter. Expected {MODULE}<module>.<parameter>."
    key = name[len(prefix) :]
    if prefix == BOOT and (
        not key or key == "--" or any(character in '="' or character.isspace() for character in key)
    ):
        return f"{name}: not a name that can stand on a kernel command line."
    return "" if key else f"{name}: names nothing. Expected something after {prefix}"


def _value_fault(name: str, given: Any) -> str:
    switch = name.startswith(_WITH_SWITCHES)
    if not isinstance(given, (int, str)) or (isinstance(given, bool) and not switch):
        quoting = " A word such as 'on' needs quotes, as YAML reads it as true." if isinstance(given, bool) else ""
        return f"{name}: found {given!r}, expected a whole number{', true, false' if switch else ''} or text.{quoting}"
    if isinstance(given, str) and any(character in given for character in "\n\0"):
        return f"{name}: found {given!r}, expected one line."
    if isinstance(given, str) and '"' in given and name.startswith(BOOT):
        return f"{name}: found {given!r}, expected text without double quotes, which no command line can hold."
    return ""
