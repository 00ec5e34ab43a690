# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files below /sys (kernel.sysfs.*): choices such as that of transparent hugepages, limits of disks, CPU governors."""

from __future__ import annotations

import os
import platform
import re
from typing import Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value, shown
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.module_utils.tunables.disks import Disks
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.files import FileTunables
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import SYSFS
from ansible_collections.evolve.vm.plugins.module_utils.tunables.paths import key as key_of
from ansible_collections.evolve.vm.plugins.module_utils.tunables.paths import parts
from ansible_collections.evolve.vm.plugins.module_utils.tunables.values import choices, chosen, kind_fault

_CPUS = ["devices", "system", "cpu"]
_SCHEDULER = ["queue", "scheduler"]


class Sysfs(FileTunables):
    """The files below /sys of this machine.

    `block.root` stands for the disk that holds /, `block.all` for every disk, `devices.system.cpu.all` for every CPU.
    root: where /sys is mounted. modules: the kernel's modules that are not loaded yet.
    """

    prefix = SYSFS

    def __init__(self, root: str = "/sys", proc: str = "/proc", modules: str | None = None) -> None:
        self._root = root
        self._disks = Disks(proc, root)
        self._modules = modules or f"/lib/modules/{platform.release()}"

    def paths(self, name: str) -> list[str]:
        names = parts(name[len(SYSFS) :])
        every = self._every(names)
        if every is not None:
            paths = [os.path.join(self._root, *each) for each in every]
            present = [path for path in paths if os.path.exists(path)]
            # Those that have it: a CPU that is not at work has no governor.
            if present:
                return present
            names = every[0] if every else names
        elif names[:2] == ["block", "root"]:
            names = ["block", self._disks.root_disk(), *names[2:]]
        path = os.path.join(self._root, *names)
        if not os.path.exists(path):
            raise TunablesError(self._missing(names))
        return [path]

    def decode(self, content: str) -> Value:
        return chosen(content)

    def value_fault(self, name: str, content: str, value: Value) -> str:
        known = choices(content)
        if not known:
            return kind_fault(chosen(content), value)
        if parts(name[len(SYSFS) :])[-2:] == _SCHEDULER:
            # The kernel loads what is named, and lists only what has been loaded.
            known += [scheduler for scheduler in self._schedulers() if scheduler not in known]
        if str(value) in known:
            return ""
        return f"found {shown(value)!r}, expected one of {', '.join(known)}.{did_you_mean(str(value), known)}"

    def companions(self, target: Mapping[str, Value]) -> list[str]:
        # Another scheduler gives a disk another queue.
        queues = [name[: -len("scheduler")] + "nr_requests" for name in target if name.endswith(".queue.scheduler")]
        return [name for name in queues if name not in target and not super(Sysfs, self).faults({}, [name])]

    def _every(self, names: list[str]) -> list[list[str]] | None:
        """The paths that a path with the part `all` stands for; None for any other path."""
        if names[:4] == [*_CPUS, "all"]:
            folder = os.path.join(self._root, *_CPUS)
            present = [each for each in os.listdir(folder) if re.fullmatch(r"cpu\d+", each)]
            at_work = [each for each in present if names[4:] == ["online"] or self._is_online(folder, each)]
            return [[*_CPUS, each, *names[4:]] for each in sorted(at_work, key=lambda each: int(each[3:]))]
        if names[:2] == ["block", "all"]:
            return [["block", each, *names[2:]] for each in self._disks.names()]
        return None

    @staticmethod
    def _is_online(folder: str, cpu: str) -> bool:
        try:
            with open(os.path.join(folder, cpu, "online"), encoding="ascii") as file:
                return file.read().strip() != "0"
        except FileNotFoundError:
            # The first CPU is always at work on many machines, and has no such file.
            return True

    def _missing(self, names: list[str]) -> str:
        """Which part of a path is missing, and what was meant perhaps."""
        depth = next(i for i in range(1, len(names) + 1) if not os.path.exists(os.path.join(self._root, *names[:i])))
        folder = os.path.join(self._root, *names[: depth - 1])
        siblings = os.listdir(folder) if os.path.isdir(folder) else []
        siblings += ["root"] if names[: depth - 1] == ["block"] else []
        rest = names[depth:]
        whole = [each for each in siblings if os.path.exists(os.path.join(folder, each, *rest))]
        hint = did_you_mean(names[depth - 1], whole) and did_you_mean(
            key_of(names), [key_of([*names[: depth - 1], each, *rest]) for each in whole]
        )
        missing = os.path.join(self._root, *names[:depth])
        return f"this kernel has no such file: there is no {missing}.{hint or did_you_mean(names[depth - 1], siblings)}"

    def _schedulers(self) -> list[str]:
        """I/O schedulers whose modules can be loaded."""
        found = []
        for file, pattern in (
            ("modules.alias", r"^alias (\S+)-iosched "),
            ("modules.dep", r"^\S*/([^/:]+)-iosched\.ko[^/:]*:"),
        ):
            try:
                with open(os.path.join(self._modules, file), encoding="utf-8", errors="replace") as lines:
                    found += re.findall(pattern, lines.read(), re.MULTILINE)
            except OSError:
                continue
        return found
