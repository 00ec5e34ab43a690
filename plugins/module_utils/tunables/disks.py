# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disk a file system stands on, from /proc/self/mountinfo and /sys."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError


class Mount(NamedTuple):
    """One mounted file system. device: major:minor. kind: its type. subtree: the part of it that is seen at `point`."""

    device: str
    subtree: str
    point: str
    kind: str
    source: str


class Disks:
    """The disks of this machine. proc, sys: where these are mounted."""

    def __init__(self, proc: str = "/proc", sys: str = "/sys") -> None:
        self._mounts = os.path.join(proc, "self", "mountinfo")
        self._sys = sys

    def mount_of(self, path: str) -> Mount:
        """The file system that holds `path`, an absolute one without symbolic links. Raises TunablesError."""
        holding = [mount for mount in self._all_mounts() if _is_below(path, mount.point)]
        if not holding:
            raise TunablesError(f"{self._mounts} names no file system that holds {path}.")
        longest = max(len(mount.point) for mount in holding)
        # Of several mounted on one another the last is seen.
        return [mount for mount in holding if len(mount.point) == longest][-1]

    def device_of(self, mount: Mount) -> str:
        """The folder in /sys of the block device that the file system is on. Raises TunablesError."""
        # btrfs numbers its devices itself, and only names the real one.
        candidates = (
            os.path.join(self._sys, "dev", "block", mount.device),
            os.path.join(self._sys, "class", "block", os.path.basename(os.path.realpath(mount.source))),
        )
        for candidate in candidates if mount.source.startswith("/") else candidates[:1]:
            if os.path.isdir(candidate):
                return os.path.realpath(candidate)
        raise TunablesError(f"{mount.point} ({mount.kind}, {mount.source}) is on no disk of this machine.")

    def root_disk(self) -> str:
        """The name of the one disk that holds /. Raises TunablesError, naming the disks there are."""
        try:
            disks = sorted(set(self._lowest(self.device_of(self.mount_of("/")))))
        except TunablesError as error:
            raise TunablesError(f"{error} Name a disk instead of root: {', '.join(self.names())}.") from error
        if len(disks) != 1:
            raise TunablesError(f"/ stands on several disks. Name one instead of root: {', '.join(disks)}.")
        return disks[0]

    def names(self) -> list[str]:
        """The names of all disks, without devices that the kernel makes up of nothing or of other devices."""
        block = os.path.join(self._sys, "block")
        present = sorted(os.listdir(block)) if os.path.isdir(block) else []
        return [name for name in present if os.path.exists(os.path.join(block, name, "device"))] or present

    def _lowest(self, device: str) -> list[str]:
        """The disks below a device: a partition's own, those that a mapped one or an array is made of."""
        if os.path.exists(os.path.join(device, "partition")):
            return self._lowest(os.path.dirname(device))
        slaves = os.path.join(device, "slaves")
        below = sorted(os.listdir(slaves)) if os.path.isdir(slaves) else []
        if not below:
            return [os.path.basename(device)]
        return [disk for name in below for disk in self._lowest(os.path.realpath(os.path.join(slaves, name)))]

    def _all_mounts(self) -> list[Mount]:
        with open(self._mounts, encoding="utf-8", errors="surrogateescape") as file:
            return [_mount(line) for line in file if " - " in line]


def _mount(line: str) -> Mount:
    before, dummy, after = line.partition(" - ")
    fields, (kind, source) = before.split(), after.split()[:2]
    return Mount(fields[2], _unescaped(fields[3]), _unescaped(fields[4]), kind, _unescaped(source))


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
