# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of the network of the machine one runs on (vm.network.*), set with `tc` until the next boot.

Outbound: a token bucket (tbf) at the root of the interface. Inbound: all that comes in is redirected to an intermediate
device (ifb), with a token bucket at its root. That queues what is too much, as a hypervisor does, where the simpler
police action drops it, which makes TCP stay far below the limit or swing around it.
https://man7.org/linux/man-pages/man8/tc-tbf.8.html
"""

from __future__ import annotations

import os
import subprocess
from typing import Any, Iterable, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, Value, change_results, shown
from ansible_collections.evolve.vm.plugins.module_utils.guest.traffic_report import (
    HANDLE,
    PREFERENCE,
    Link,
    Traffic,
    TrafficError,
    default_interface,
    device_for,
    read_links,
    read_traffic,
)
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

INBOUND = "vm.network.inbound_mbit_per_second"
OUTBOUND = "vm.network.outbound_mbit_per_second"
NAMES = (INBOUND, OUTBOUND)
MOST_MBIT = 1_000_000

_LEAST_BURST_BYTES = 16 << 10
_BURST_SECONDS = 0.01
"""Long enough for kernels whose timers tick 100 times a second."""
_LATENCY = "50ms"
"""How long a packet may wait before it is dropped."""


class TrafficControl:
    """The limits of one interface; None takes that of the default route. All methods raise TrafficError."""

    def __init__(self, interface: str | None = None) -> None:
        self.interface = interface or self._default()
        links = self._links()
        if self.interface not in links:
            raise TrafficError(
                f"interface: this machine has no network interface {self.interface}."
                f"{did_you_mean(self.interface, links)} It has: {', '.join(sorted(links))}."
            )
        self._device = device_for(links[self.interface].number)
        self._largest_packet = links[self.interface].mtu

    def read(self) -> Traffic:
        """What is in force now."""
        qdiscs = self._run("tc", "-j", "qdisc", "show", "dev", self.interface)
        # Asking for the filters of what is not there is an error.
        filters = ""
        if "ffff:" in qdiscs:
            filters = self._run("tc", "filter", "show", "dev", self.interface, "parent", "ffff:")
        device = self._run("tc", "-j", "qdisc", "show", "dev", self._device) if self._has_device() else None
        return read_traffic(qdiscs, filters, device, self._device)

    def values(self) -> dict[str, Value]:
        """The vm.network.* values in force."""
        found = self.read()
        return {INBOUND: found.inbound, OUTBOUND: found.outbound}

    def faults(self, target: Mapping[str, int]) -> list[str]:
        """Every reason why these limits cannot be set, as sentences."""
        found = self.read()
        return [
            f"{name}: {self.interface} has queueing disciplines of its owner ({owner}), which are not overwritten. "
            f"Leave the limit out, or remove them (tc qdisc del dev {self.interface} {where})."
            for name, owner, where in (
                (INBOUND, found.owner_inbound, found.owner_inbound.split(" ")[0]),
                (OUTBOUND, found.owner_outbound, "root"),
            )
            if owner and target.get(name)
        ]

    def apply(self, target: Mapping[str, int]) -> None:
        """Set these limits and verify them; after a failure those of before are put back."""
        before = self.values()
        try:
            self._set(target)
        except TrafficError as error:
            try:
                self._set({name: int(before[name]) for name in target})
            except TrafficError as trouble:
                raise TrafficError(f"{error} PUTTING BACK FAILED: {trouble}") from error
            raise TrafficError(f"{error} The limits of before were put back.") from error

    def _set(self, target: Mapping[str, int]) -> None:
        found = self.read()
        if OUTBOUND in target:
            self._limit_outbound(target[OUTBOUND], found)
        if INBOUND in target:
            self._limit_inbound(target[INBOUND], found)
        now = self.values()
        differing = [
            f"{name}: asked for {limit}, in force is {shown(now[name])}."
            for name, limit in target.items()
            if now[name] != limit
        ]
        if differing:
            raise TrafficError(" ".join(differing))

    def _limit_outbound(self, mbit: int, found: Traffic) -> None:
        if mbit:
            self._bucket(self.interface, mbit)
        elif found.outbound:
            # The kernel sets its own default in its place.
            self._run("tc", "qdisc", "del", "dev", self.interface, "root", "handle", HANDLE)

    def _limit_inbound(self, mbit: int, found: Traffic) -> None:
        if not mbit:
            if found.has_ingress:
                self._run("tc", "qdisc", "del", "dev", self.interface, "ingress")
            if self._has_device():
                self._run("ip", "link", "del", self._device)
            return
        # The device first: by it one who is killed in between is known to have been us.
        if not self._has_device():
            # Without it the module brings two devices of its own, which nobody has asked for.
            if not os.path.exists("/sys/module/ifb"):
                self._try("modprobe", "ifb", "numifbs=0")
            self._run("ip", "link", "add", self._device, "type", "ifb")
        self._bucket(self._device, mbit)
        self._run("ip", "link", "set", self._device, "up")
        if not found.has_filter:
            if found.has_ingress:
                # Not completed, or its device was taken away, and then the filter drops all that comes in.
                self._run("tc", "qdisc", "del", "dev", self.interface, "ingress")
            self._run("tc", "qdisc", "add", "dev", self.interface, "handle", "ffff:", "ingress")
            every_packet = ("u32", "match", "u32", "0", "0")
            redirect = ("action", "mirred", "egress", "redirect", "dev", self._device)
            place = ("dev", self.interface, "parent", "ffff:", "protocol", "all", "pref", str(PREFERENCE))
            self._run("tc", "filter", "add", *place, *every_packet, *redirect)

    def _bucket(self, device: str, mbit: int) -> None:
        """A token bucket at the root of a device; one of ours that is there already is changed in place."""
        rate = mbit * 1_000_000
        # One packet has to fit, larger ones that the kernel has put together are taken apart.
        burst = max(_LEAST_BURST_BYTES, 2 * self._largest_packet, int(rate / 8 * _BURST_SECONDS))
        limits = ("rate", f"{rate}bit", "burst", str(burst), "latency", _LATENCY)
        self._run("tc", "qdisc", "replace", "dev", device, "root", "handle", HANDLE, "tbf", *limits)

    def _has_device(self) -> bool:
        return self._device in self._links()

    def _links(self) -> dict[str, Link]:
        # Not from /sys/class/net, which may show the interfaces of another network namespace.
        return read_links(self._run("ip", "-j", "link", "show"))

    def _default(self) -> str:
        found = default_interface(
            self._run("ip", "-j", "route", "show", "default"), self._run("ip", "-6", "-j", "route", "show", "default")
        )
        if not found:
            raise TrafficError("interface: this machine has no default route, so say which network interface is meant.")
        return found

    @staticmethod
    def _try(*command: str) -> None:
        try:
            subprocess.run(command, capture_output=True, check=False)
        except OSError:
            return

    @staticmethod
    def _run(*command: str) -> str:
        try:
            # Everything it prints is to be in English, with no colours.
            environment = {**os.environ, "LC_ALL": "C"}
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        except FileNotFoundError as error:
            raise TrafficError(f"{command[0]} is not there. Install it on this machine: package iproute2.") from error
        if done.returncode:
            said = " ".join(done.stderr.split())
            if "not permitted" in said or "denied" in said:
                hint = "Run the task with become."
            else:
                hint = "The kernel needs the modules sch_tbf, sch_ingress, cls_u32, act_mirred and ifb for it."
            raise TrafficError(f"`{' '.join(command)}` failed: {said} {hint}")
        return done.stdout


def limit_traffic(control: TrafficControl, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module result.

    options: configuration, parameters (None for those of the configuration) and state as the module traffic_control
    has them. Raises TrafficError, with every fault of the input in one message.
    """
    given, faults = parse_limits(options["configuration"])
    target = given if options["state"] == "applied" else {}
    asked = [name for name in NAMES if name in (options["parameters"] if options["parameters"] is not None else given)]
    faults += control.faults(target)
    if faults:
        raise TrafficError("\n".join(["Nothing was changed.", *faults]))
    before = control.values()
    changes = [Change(name, before[name], limit, "live") for name, limit in target.items() if before[name] != limit]
    if changes and not check_mode:
        control.apply({change.parameter: target[change.parameter] for change in changes})
    now = control.values()
    return {
        **change_results(changes),
        "readback": {name: now[name] for name in asked},
        "interface": control.interface,
    }


def parse_limits(configuration: Mapping[str, Any]) -> tuple[dict[str, int], list[str]]:
    """The two limits of a configuration as numbers, and one fault a value that is not accepted."""
    values: dict[str, int] = {}
    faults: list[str] = []
    for name in _own(configuration):
        given = configuration[name]
        # `-e name=value` and Jinja without native types hand numbers over as text.
        if isinstance(given, str) and given.isascii() and given.isdigit():
            given = int(given)
        if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MOST_MBIT:
            faults.append(f"{name}: found {given!r}, expected a whole number from 0 (no limit) to {MOST_MBIT}.")
        else:
            values[name] = int(given)
    return values, faults


def _own(names: Iterable[str]) -> list[str]:
    given = set(names)
    return [name for name in NAMES if name in given]
