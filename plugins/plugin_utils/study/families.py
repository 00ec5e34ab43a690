# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parameters can be applied, by family (the start of their names), and which values a machine accepts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.apps.registry import DRIVERS
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor import parameters as vm
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import NumericParameter
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace

APP = "app."
# Those that are known; `custom` is what drives any that a user describes.
APPLICATIONS = tuple(name for name in DRIVERS if name != "custom")
# Kernel parameters by the start of their names: what one is, and an example.
KERNEL = {
    "kernel.sysctl.": ("a kernel tunable", "kernel.sysctl.vm.swappiness"),
    "kernel.sysfs.": ("a file below /sys", "kernel.sysfs.kernel.mm.transparent_hugepage.enabled"),
    "kernel.module.": ("a parameter of a kernel module", "kernel.module.zswap.enabled"),
    "kernel.boot.": ("a parameter of the kernel command line", "kernel.boot.mitigations"),
}
# What a change costs where the catalogue does not say: the most it can cost in its family.
_TIERS = {
    vm.PREFIX: "reboot",
    "kernel.sysctl.": "live",
    "kernel.sysfs.": "live",
    "kernel.module.": "reboot",
    "kernel.boot.": "reboot",
    APP: "restart",
}
# What a tier costs beside the others, roughly in seconds.
_COSTS = {"none": 0.0, "live": 0.0, "reload": 1.0, "restart": 5.0, "reboot": 60.0, "recreate": 300.0}


def name_fault(name: str, own_apps: Collection[str] = ()) -> Fault | None:
    """What is wrong with a parameter's name, if anything. `own_apps`: applications that the user has described."""
    if name in vm.NAMES:
        return None
    if name.startswith(vm.PREFIX):
        hint = suggestion(name, vm.NAMES) or f" The parameters of a virtual machine are: {listing(vm.NAMES)}."
        return Fault(name, f"unknown parameter.{hint}")
    if name.startswith(APP):
        return _app_fault(name, [*APPLICATIONS, *(app for app in own_apps if app not in APPLICATIONS)])
    for prefix, (meaning, example) in KERNEL.items():
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            complete = rest and (prefix != "kernel.module." or all(rest.partition(".")))
            return None if complete else Fault(name, f"names no {meaning.split(' ', 1)[1]}, such as {example}")
    starts = [vm.PREFIX, *KERNEL, f"{APP}<application>."]
    hint = suggestion(name, [*vm.NAMES, *catalogue().names()])
    return Fault(name, f"unknown parameter; names start with {listing(starts)}.{hint}")


def _app_fault(name: str, apps: Collection[str]) -> Fault | None:
    app, dummy, setting = name.removeprefix(APP).partition(".")
    if app not in apps:
        problem = f"there is no application {app!r}; there are: {listing(apps)}, and those you describe in evolve_apps"
        return Fault(name, f"{problem}.{suggestion(app, list(apps))}")
    return None if setting else Fault(name, f"names no setting of {app}")


def apply_costs(names: Collection[str]) -> dict[str, float]:
    """What changing each of these parameters costs, for the engine to choose between candidates as promising."""
    return {name: _COSTS[tier_of(name)] for name in names}


def tier_of(name: str) -> str:
    """What changing a parameter costs, as far as it is known before it is done."""
    return catalogue().tier(name) or next((tier for prefix, tier in _TIERS.items() if name.startswith(prefix)), "none")


def space_faults(
    specifications: Mapping[str, Any], space: SearchSpace | None, own_apps: Collection[str] = ()
) -> list[Fault]:
    """Parameters that cannot be applied, and vm.* values that no hypervisor accepts (once `space` is readable)."""
    named = [name_fault(str(name), own_apps) for name in specifications]
    faults = [fault for fault in named if fault is not None]
    if space is None or faults:
        return faults
    for name, parameter in space.parameters.items():
        if name.startswith(vm.PREFIX):
            ends = (parameter.low, parameter.high) if isinstance(parameter, NumericParameter) else None
            values = [round(end) if end.is_integer() else end for end in ends] if ends else parameter.values()
            for value in values:
                dummy, problems = vm.parse_vm_configuration({name: value})
                faults += [Fault(name, problem.removeprefix(f"{name}: ")) for problem in problems]
    return faults


def configuration_faults(configuration: Any, own_apps: Collection[str] = ()) -> list[Fault]:
    """Everything wrong with a configuration file, as far as it can be told without a machine."""
    where = "evolve_configuration"
    if not isinstance(configuration, Mapping) or not configuration:
        return [Fault(where, f"found {configuration!r}, expected a mapping such as {{vm.vcpus: 4}}")]
    named = {str(name): name_fault(str(name), own_apps) for name in configuration}
    faults = [fault for fault in named.values() if fault is not None]
    known = {name: value for name, value in configuration.items() if named[str(name)] is None}
    dummy, problems = vm.parse_vm_configuration(known)
    faults += [Fault(*problem.split(": ", 1)) for problem in problems]
    for name, value in known.items():
        if not str(name).startswith(vm.PREFIX) and not isinstance(value, (bool, int, float, str)):
            faults.append(Fault(str(name), f"found {value!r}, expected a number, a text, true or false"))
    return faults
