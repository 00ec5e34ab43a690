# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel command line of a machine whose kernel the hypervisor boots itself."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.boot_parameters import same
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import (
    insert_after,
    remove_if_empty,
)
from ansible_collections.evolve.vm.plugins.module_utils.tunables.command_line import (
    KERNEL,
    LONGEST,
    edited,
    is_absent,
    value_of,
)
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import BOOT


def boots_directly(root: ET.Element) -> bool:
    """Whether the definition names the kernel; else the guest's own boot loader has the command line."""
    return root.find("os/kernel") is not None


def line_of(root: ET.Element) -> str:
    element = root.find("os/cmdline")
    return "" if element is None else element.text or ""


def read_boot(root: ET.Element, name: str) -> Value:
    return value_of(line_of(root), name[len(BOOT) :])


def edit_boot(root: ET.Element, target: Mapping[str, Value]) -> None:
    """Have the command line say what `target` says; all else that it says stays as it stands."""
    system = root.find("os")
    differing = {name: value for name, value in target.items() if not same(name, read_boot(root, name), value)}
    if system is None or not differing:
        return
    element = system.find("cmdline")
    if element is None:
        element = insert_after(system, ("kernel", "initrd"), "cmdline")
    element.text = edited(element.text or "", {name[len(BOOT) :]: value for name, value in differing.items()})
    remove_if_empty(system, "cmdline")


def faults(root: ET.Element, target: Mapping[str, Value]) -> list[str]:
    """Words that are there several times and would all go, for they could not come back; and a line too long."""
    found = []
    for name, value in target.items():
        own = _plain(name[len(BOOT) :])
        times = sum(_plain(token.text.partition("=")[0]) == own for token in KERNEL.split(line_of(root))[0])
        if times > 1 and is_absent(value):
            found.append(f"{name}: stands {times} times on the kernel command line; only its owner can take that away.")
    line = edited(line_of(root), {name[len(BOOT) :]: value for name, value in target.items()})
    if target and len(line) > LONGEST:
        found.append(
            f"{', '.join(target)}: the kernel command line would have {len(line)} characters; only {LONGEST} are sure "
            "to be read."
        )
    return found


def _plain(word: str) -> str:
    return word.replace("-", "_")
