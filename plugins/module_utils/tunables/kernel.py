# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel of this machine: every kind of tunable behind one set of methods."""

from __future__ import annotations

import os
import platform
from typing import Iterable, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.tunables.boot import BootParameters
from ansible_collections.evolve.vm.plugins.module_utils.tunables.command_line import DEFAULT
from ansible_collections.evolve.vm.plugins.module_utils.tunables.files import FileTunables, settings
from ansible_collections.evolve.vm.plugins.module_utils.tunables.grub import Grub
from ansible_collections.evolve.vm.plugins.module_utils.tunables.interface import Kernel, Setting
from ansible_collections.evolve.vm.plugins.module_utils.tunables.loaders import DirectBoot, Loader, Word
from ansible_collections.evolve.vm.plugins.module_utils.tunables.modules import ModuleParameters, text
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import BOOT
from ansible_collections.evolve.vm.plugins.module_utils.tunables.sysctl import Sysctls
from ansible_collections.evolve.vm.plugins.module_utils.tunables.sysfs import Sysfs
from ansible_collections.evolve.vm.plugins.module_utils.tunables.values import same


class LinuxKernel(Kernel):
    """root: where / is."""

    def __init__(self, root: str = "/") -> None:
        self._modules = ModuleParameters(os.path.join(root, "sys/module"))
        self._files: tuple[FileTunables, ...] = (
            Sysctls(os.path.join(root, "proc/sys")),
            Sysfs(
                os.path.join(root, "sys"),
                os.path.join(root, "proc"),
                os.path.join(root, "lib/modules", platform.release()),
            ),
            self._modules,
        )
        self._boot = BootParameters(os.path.join(root, "proc/cmdline"))
        self._root = root

    def faults(self, target: Mapping[str, Value], asked: Iterable[str]) -> list[str]:
        names = list(asked)
        return [
            fault
            for kind in self._files
            for fault in kind.faults(
                {name: value for name, value in target.items() if name.startswith(kind.prefix)},
                [name for name in names if name.startswith(kind.prefix)],
            )
        ]

    def settled(self, target: Mapping[str, Value]) -> dict[str, Value]:
        return {
            name: value if name.startswith(BOOT) else self._kind(name).settled(name, value)
            for name, value in target.items()
        }

    def is_live(self, name: str) -> bool:
        return not name.startswith(BOOT) and self._kind(name).is_live(name)

    def read(self, name: str, asked: Value = False) -> Value:
        return self._boot.read(name, asked) if name.startswith(BOOT) else self._kind(name).read(name)

    def is_in_force(self, name: str, value: Value) -> bool:
        return self._boot.is_in_force(name, value) if name.startswith(BOOT) else same(self.read(name), value)

    def live_settings(self, target: Mapping[str, Value]) -> tuple[list[Setting], list[Setting]]:
        own: list[Setting] = []
        touched: list[Setting] = []
        for kind in self._files:
            part = {name: value for name, value in target.items() if name.startswith(kind.prefix)}
            own += settings(kind, part)
            touched += settings(kind, {name: kind.read(name) for name in kind.companions(part)})
        return own, touched

    def words(self, target: Mapping[str, Value]) -> list[Word]:
        found = []
        for name, value in target.items():
            if name.startswith(BOOT):
                found.append(Word(name, self._boot.word(name), False if value == DEFAULT else value))
            else:
                found.append(Word(name, self._modules.word(name), text(value), self._modules.present_text(name)))
        return found

    def is_said(self, word: str) -> bool:
        return self._boot.read(BOOT + word) is not False

    def loader(self, chosen: str) -> Loader:
        grub = Grub(self._root)
        return grub if chosen == "grub" or (chosen == "auto" and grub.starts_this_machine()) else DirectBoot()

    def _kind(self, name: str) -> FileTunables:
        return next(kind for kind in self._files if name.startswith(kind.prefix))
