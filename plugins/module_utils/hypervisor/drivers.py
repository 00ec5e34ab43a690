# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drivers by the name users call them."""

from __future__ import annotations

from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import NotAvailable
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.interface import Hypervisor
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_driver import LibvirtHypervisor

DRIVERS: dict[str, type[Hypervisor]] = {"libvirt": LibvirtHypervisor}


def driver_for(name: str, **options: Any) -> Hypervisor:
    """An open connection of the driver `name`; `options` are the driver's own. Raises `NotAvailable`."""
    if name not in DRIVERS:
        raise NotAvailable(f"There is no driver for hypervisor {name} here; there is: {', '.join(DRIVERS)}.")
    return DRIVERS[name](**options)
