# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `tc` says about the limits of a network interface: which are ours, how high they are, what belongs to others.

Pure: text in. Ours is known by its handle, its preference and the name of its intermediate device.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

HANDLE = "e701:"
"""Of our queueing disciplines, and as a number that of our filter."""
PREFERENCE = 0xE701
DEVICE_PREFIX = "evolve"

_FROM_KERNEL = "0:"
_INGRESS = "ingress"
_PREFERENCES = re.compile(r"^filter .*?\bpref (\d+)", re.MULTILINE)


class TrafficError(Exception):
    """Reading or limiting failed; the text says why and what was put back."""


class Traffic(NamedTuple):
    """Limits of ours in Mbit per second, 0 where there is none.

    owner_outbound and owner_inbound: what the owner of the machine has set up there, empty when nothing.
    has_ingress, has_filter: parts of our inbound limit that are there, also of one that was not completed.
    """

    outbound: int
    inbound: int
    owner_outbound: str = ""
    owner_inbound: str = ""
    has_ingress: bool = False
    has_filter: bool = False


class Link(NamedTuple):
    """A network interface: its number, and how many bytes a packet may have."""

    number: int
    mtu: int


def device_for(index: int) -> str:
    """Name of the intermediate device of the interface with this number."""
    return f"{DEVICE_PREFIX}{index}"


def read_traffic(qdiscs: str, filters: str, device_qdiscs: str | None, device: str) -> Traffic:
    """The limits of one interface.

    qdiscs: `tc -j qdisc show dev` it. filters: `tc filter show dev` it `parent ffff:`, as text, for the JSON of older
    releases is broken there. device_qdiscs: `tc -j qdisc show dev` our intermediate `device`; None when there is no
    such device. Raises TrafficError.
    """
    found = _parse(qdiscs)
    inbound = [each for each in found if each.get("kind") in (_INGRESS, "clsact")]
    outbound = [each for each in found if each not in inbound and each.get("handle") != _FROM_KERNEL]
    owner_outbound = [each for each in outbound if not _is_our_limit(each)]
    prefers = {int(number) for number in _PREFERENCES.findall(filters)}
    has_filter = (
        PREFERENCE in prefers and re.search(rf"\bRedirect to device {re.escape(device)}\)", filters) is not None
    )
    # An ingress without filters is ours if our device is there: one who was killed between two steps left it.
    ours = prefers == {PREFERENCE} or (not prefers and device_qdiscs is not None)
    has_ingress = bool(inbound) and ours and all(each["kind"] == _INGRESS for each in inbound)
    redirected = has_ingress and has_filter and device_qdiscs is not None
    return Traffic(
        outbound=_limit([each for each in outbound if _is_our_limit(each)]),
        inbound=_limit([each for each in _parse(device_qdiscs or "[]") if _is_our_limit(each)]) if redirected else 0,
        owner_outbound=_described(owner_outbound),
        owner_inbound="" if has_ingress else _described(inbound),
        has_ingress=has_ingress,
        has_filter=has_ingress and has_filter,
    )


def default_interface(*routes: str) -> str:
    """The interface of the default route with the lowest metric; empty without one.

    routes: `ip -j route show default`, those of IPv4 before those of IPv6.
    """
    for each in routes:
        found = [route for route in _parse(each) if route.get("dev")]
        if found:
            return str(min(found, key=lambda route: int(route.get("metric", 0)))["dev"])
    return ""


def read_links(text: str) -> dict[str, Link]:
    """The network interfaces by name. text: `ip -j link show`. Raises TrafficError."""
    return {str(each["ifname"]): Link(each["ifindex"], each["mtu"]) for each in _parse(text) if each.get("ifname")}


def _parse(text: str) -> list[dict[str, Any]]:
    try:
        return [dict(each) for each in json.loads(text or "[]")]
    except (ValueError, TypeError) as error:
        raise TrafficError(
            "tc and ip of this machine do not write proper JSON. Release 5.11 of iproute2 or a newer one is needed."
        ) from error


def _is_our_limit(qdisc: dict[str, Any]) -> bool:
    return qdisc.get("handle") == HANDLE and qdisc.get("kind") == "tbf" and bool(qdisc.get("root"))


def _limit(qdiscs: list[dict[str, Any]]) -> int:
    """In Mbit per second, from tc's bytes per second."""
    if not qdiscs:
        return 0
    rate = qdiscs[0].get("options", {}).get("rate")
    if not isinstance(rate, int):
        raise TrafficError(
            "tc of this machine does not say the rate. Release 5.11 of iproute2 or a newer one is needed."
        )
    return round(rate * 8 / 1_000_000)


def _described(qdiscs: list[dict[str, Any]]) -> str:
    return ", ".join(f"{each.get('kind')} {each.get('handle')}" for each in qdiscs)
