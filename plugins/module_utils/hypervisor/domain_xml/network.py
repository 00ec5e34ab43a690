# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network interface that the vm.network.* parameters are about: its card, its queues and its bandwidth."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from typing import Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import (
    About,
    child,
    remove_if_empty,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.notes import (
    drop_note,
    new_note,
    note_of,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import UnsuitableMachine
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    NETWORK_INBOUND_MBIT_PER_SECOND,
    NETWORK_LIMITS,
    NETWORK_MODEL,
    NETWORK_OUTBOUND_MBIT_PER_SECOND,
    NETWORK_QUEUES,
)

DIRECTIONS = {NETWORK_INBOUND_MBIT_PER_SECOND: "inbound", NETWORK_OUTBOUND_MBIT_PER_SECOND: "outbound"}
"""As seen from the guest: inbound is what it receives."""

KILOBYTES_PER_MBIT = 125
"""libvirt counts in thousands of bytes a second."""

_DEFAULT_MODEL = "rtl8139"
_VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")
_PASSED_THROUGH = ("hostdev", "vdpa")
_QUEUED_TYPES = ("network", "bridge", "direct", "ethernet", "vhostuser")
_LIMITED_TYPES = ("network", "bridge", "direct", "ethernet")


def find_interface(root: ET.Element, about: About) -> ET.Element | None:
    """The interface meant; None in a machine without any that libvirt emulates."""
    interfaces = [each for each in root.findall("devices/interface") if each.get("type") not in _PASSED_THROUGH]
    if about.interface is None:
        return next(iter(interfaces), None)
    for each in interfaces:
        if address_of(each).lower() == about.interface.lower():
            return each
    listing = ", ".join(filter(None, map(address_of, interfaces))) or "none"
    raise UnsuitableMachine(f"The machine has no interface with the MAC address {about.interface}. It has: {listing}.")


def address_of(interface: ET.Element) -> str:
    """Its MAC address."""
    mac = interface.find("mac")
    return "" if mac is None else mac.get("address", "")


def device_of(interface: ET.Element) -> str:
    """What libvirt knows it by: its device on the host while the machine runs, else its MAC address."""
    target = interface.find("target")
    return ("" if target is None else target.get("dev", "")) or address_of(interface)


def read_model(interface: ET.Element) -> str:
    model = interface.find("model")
    return _DEFAULT_MODEL if model is None else model.get("type", _DEFAULT_MODEL)


def edit_model(root: ET.Element, interface: ET.Element, value: Value) -> None:
    """Another card in the same slot, for the guest names its interface by that.

    Only virtio has a <driver>; libvirt drops it from another card, so that a note has to keep it.
    """
    about = f"interface:{address_of(interface)}"
    was_virtio = read_model(interface) in _VIRTIO
    child(interface, "model").set("type", str(value))
    if was_virtio and value not in _VIRTIO:
        for driver in interface.findall("driver"):
            new_note(root, about).append(copy.deepcopy(driver))
            interface.remove(driver)
    elif not was_virtio and value in _VIRTIO:
        note = note_of(root, about)
        for driver in [] if note is None else note:
            interface.insert(list(interface).index(child(interface, "model")) + 1, copy.deepcopy(driver))
        drop_note(root, about)


def read_queues(interface: ET.Element) -> int:
    driver = interface.find("driver")
    return 1 if driver is None or read_model(interface) not in _VIRTIO else int(driver.get("queues", 1))


def edit_queues(interface: ET.Element, value: Value) -> None:
    driver = child(interface, "driver")
    driver.attrib.pop("queues", None)
    if int(value) > 1:
        driver.set("queues", str(value))
    remove_if_empty(interface, "driver")


def read_limit(interface: ET.Element, name: str) -> int:
    """A limit in Mbit per second; 0 for none."""
    limit = interface.find(f"bandwidth/{DIRECTIONS[name]}")
    return in_mbit(0 if limit is None else int(limit.get("average", 0)))


def in_mbit(kilobytes: int) -> int:
    """A limit below one Mbit per second is still no absence of limits."""
    return max(1, round(kilobytes / KILOBYTES_PER_MBIT)) if kilobytes else 0


def edit_limit(interface: ET.Element, name: str, value: Value) -> None:
    bandwidth = child(interface, "bandwidth")
    if value:
        child(bandwidth, DIRECTIONS[name]).set("average", str(int(value) * KILOBYTES_PER_MBIT))
    else:
        for limit in bandwidth.findall(DIRECTIONS[name]):
            bandwidth.remove(limit)
    remove_if_empty(interface, "bandwidth")


def faults(interface: ET.Element, target: Mapping[str, Value]) -> list[str]:
    """Why this interface cannot have these values."""
    found = []
    model, queues = str(target.get(NETWORK_MODEL, read_model(interface))), read_queues(interface)
    kind = interface.get("type", "")
    if model not in _VIRTIO and int(target.get(NETWORK_QUEUES, queues)) > 1:
        hint = "" if NETWORK_QUEUES in target else f" It has {queues} now: set {NETWORK_QUEUES} to 1 as well."
        found.append(f"{NETWORK_QUEUES}: the card would be {model}; only virtio has more than one queue.{hint}")
    elif int(target.get(NETWORK_QUEUES, 1)) > max(queues, 1) and kind not in _QUEUED_TYPES:
        found.append(f"{NETWORK_QUEUES}: an interface of type {kind} has only one queue.")
    for name in NETWORK_LIMITS:
        if name not in target or target[name] == read_limit(interface, name):
            continue
        limit = interface.find(f"bandwidth/{DIRECTIONS[name]}")
        if kind not in _LIMITED_TYPES:
            found.append(f"{name}: libvirt cannot limit an interface of type {kind}.")
        elif limit is not None and set(limit.attrib) - {"average"}:
            peak = int(limit.get("peak", 0))
            if not target[name] or (peak and int(target[name]) * KILOBYTES_PER_MBIT > peak):
                found.append(
                    f"{name}: {target[name]} is not possible: the interface's definition has further limits "
                    f"({', '.join(f'{key} {limit.attrib[key]}' for key in sorted(limit.attrib))}) that go with a lower "
                    "one. Remove them first."
                )
    return found
