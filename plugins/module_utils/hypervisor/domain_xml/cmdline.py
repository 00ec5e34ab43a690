# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel command line of a machine whose kernel the hypervisor boots itself."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Mapping

from ansible_collections.evolve.vm.plugins.module_utils import command_line
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.boot_parameters import PREFIX
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import (
    insert_after,
    remove_if_empty,
)


def boots_directly(root: ET.Element) -> bool:
    """Whether the definition names the kernel; else the guest's own boot loader has the command line."""
    return root.find("os/kernel") is not None


def line_of(root: ET.Element) -> str:
    element = root.find("os/cmdline")
    return "" if element is None else element.text or ""


def read_boot(root: ET.Element, name: str) -> command_line.BootValue:
    return command_line.read(line_of(root), name[len(PREFIX) :])


def edit_boot(root: ET.Element, name: str, value: command_line.BootValue) -> None:
    system = root.find("os")
    if system is None:
        return
    element = system.find("cmdline")
    if element is None:
        element = insert_after(system, ("kernel", "initrd"), "cmdline")
    element.text = command_line.edit(element.text or "", name[len(PREFIX) :], value)
    remove_if_empty(system, "cmdline")


def faults(root: ET.Element, target: Mapping[str, command_line.BootValue]) -> list[str]:
    """A word that is there several times may mean something each time (console=), so it is its owner's."""
    found = []
    for name, value in target.items():
        times = command_line.occurrences(line_of(root), name[len(PREFIX) :])
        if times > 1 and not command_line.equal(read_boot(root, name), value):
            found.append(
                f"{name}: stands {times} times on the machine's kernel command line; only its owner can change that."
            )
    return found
