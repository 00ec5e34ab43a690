# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPUs and memory as the Linux guest itself has them, and bringing hot-plugged CPUs to work."""

from __future__ import annotations

import os
import time


class GuestError(Exception):
    """The guest does not have what it should have."""


class GuestResources:
    """This machine seen from inside. root: where / of the guest is."""

    def __init__(self, root: str = "/") -> None:
        self._cpus = os.path.join(root, "sys/devices/system/cpu")
        self._meminfo = os.path.join(root, "proc/meminfo")

    def online(self) -> list[int]:
        """The numbers of the CPUs at work."""
        return self._listed("online")

    def offline(self) -> list[int]:
        """The numbers of the CPUs plugged in but not at work."""
        return sorted(set(self._listed("present")) - set(self.online()))

    def memory_mib(self) -> int:
        """Memory the guest can use (MemTotal): what the machine has without what the kernel keeps for itself."""
        with open(self._meminfo, encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("MemTotal:"):
                    return int(line.split()[1]) // 1024
        raise GuestError(f"{self._meminfo} has no line MemTotal.")

    def bring_online(self, vcpus: int, seconds: float) -> list[int]:
        """Bring plugged-in CPUs to work until `vcpus` are online; returns those that this call brought to work.

        Inside, a CPU appears or vanishes some time after the hypervisor says so; `seconds` bounds the wait.
        Raises GuestError.
        """
        brought: list[int] = []
        deadline = time.monotonic() + seconds
        while True:
            missing = vcpus - len(self.online())
            refusals = {}
            for number in self.offline()[: max(0, missing)]:
                try:
                    self._start(number)
                    brought.append(number)
                except OSError as error:
                    # Its folder may not be complete yet, or another CPU is just coming or going: try again.
                    refusals[number] = f"{error.strerror} (errno {error.errno})"
            online = self.online()
            if len(online) == vcpus:
                return brought
            if time.monotonic() > deadline:
                reasons = "".join(f" CPU {number} does not come online: {why}." for number, why in refusals.items())
                raise GuestError(
                    f"{vcpus} CPUs should be online in the guest; after {seconds:g} s it has {len(online)} "
                    f"(online: {self._text('online')}; present: {self._text('present')}; "
                    f"possible: {self._text('possible')}).{reasons}"
                )
            time.sleep(0.1)

    def _start(self, number: int) -> None:
        with open(os.path.join(self._cpus, f"cpu{number}", "online"), "w", encoding="ascii") as file:
            file.write("1\n")

    def _text(self, name: str) -> str:
        with open(os.path.join(self._cpus, name), encoding="ascii") as file:
            return file.read().strip()

    def _listed(self, name: str) -> list[int]:
        """A list such as `0-3,6` as numbers."""
        numbers: list[int] = []
        for part in filter(None, self._text(name).split(",")):
            first, _dash, last = part.partition("-")
            numbers += range(int(first), int(last or first) + 1)
        return numbers
