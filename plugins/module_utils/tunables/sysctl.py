# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel parameters (kernel.sysctl.*) under /proc/sys. Nothing is written to /etc."""

from __future__ import annotations

import os
from typing import Iterable, Iterator, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.files import FileTunables
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import SYSCTL
from ansible_collections.evolve.vm.plugins.module_utils.tunables.paths import DOTS_AND_SLASHES, parts

# Setting one of a pair makes the kernel clear the other, so only one of them can be in force.
_EXCLUSIVE = {
    f"{SYSCTL}vm.dirty_bytes": f"{SYSCTL}vm.dirty_ratio",
    f"{SYSCTL}vm.dirty_background_bytes": f"{SYSCTL}vm.dirty_background_ratio",
}
_PARTNER = {**_EXCLUSIVE, **{second: first for first, second in _EXCLUSIVE.items()}}


class Sysctls(FileTunables):
    """The kernel parameters of this machine. After the prefix a key is written as sysctl writes it.

    root: where /proc/sys is mounted.
    """

    prefix = SYSCTL

    def __init__(self, root: str = "/proc/sys") -> None:
        self._root = root

    def paths(self, name: str) -> list[str]:
        key = name[len(SYSCTL) :]
        path = os.path.join(self._root, *parts(key))
        if not os.path.exists(path):
            raise TunablesError(f"this kernel has no such key.{did_you_mean(key, self._keys())}")
        return [path]

    def faults(self, target: Mapping[str, Value], asked: Iterable[str]) -> list[str]:
        return super().faults(target, asked) or self._exclusions(target)

    def companions(self, target: Mapping[str, Value]) -> list[str]:
        partners = [_PARTNER[name] for name in target if name in _PARTNER]
        return [name for name in partners if name not in target and self._exists(name)]

    def _exclusions(self, target: Mapping[str, Value]) -> list[str]:
        """Values the kernel would clear: left unsaid they would be lost, being in no configuration to go back to."""
        faults = []
        for name, value in target.items():
            partner = _PARTNER.get(name)
            if partner is None or not value or not self._exists(partner):
                continue
            if partner not in target and self.read(partner):
                faults.append(
                    f"{name}: setting it makes the kernel clear {partner}, now {self.read(partner)}. "
                    f"Say so in the configuration: {partner}: 0."
                )
            elif target.get(partner) and name in _EXCLUSIVE:
                faults.append(
                    f"{name} and {partner} exclude each other: setting one makes the kernel clear the other. "
                    "Give one of them the value 0."
                )
        return faults

    def _exists(self, name: str) -> bool:
        return os.path.exists(os.path.join(self._root, *parts(name[len(SYSCTL) :])))

    def _keys(self) -> Iterator[str]:
        for folder, dummy, files in os.walk(self._root):
            for file in files:
                path = os.path.relpath(os.path.join(folder, file), self._root)
                yield path.translate(DOTS_AND_SLASHES)
