# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel was started with (kernel.boot.*): its own command line in /proc/cmdline."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.tunables.command_line import DEFAULT, is_absent, value_of
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import BOOT


class BootParameters:
    """The parameters on the command line of the kernel that runs. path: where that can be read."""

    prefix = BOOT

    def __init__(self, path: str = "/proc/cmdline") -> None:
        self._path = path

    def line(self) -> str:
        """The whole command line."""
        with open(self._path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().strip()

    def read(self, name: str, asked: Value = False) -> Value:
        """The value in force. What is absent is given in the word for it that was `asked`: false or default."""
        value = value_of(self.line(), self.word(name))
        return DEFAULT if value is False and asked == DEFAULT else value

    def is_in_force(self, name: str, value: Value) -> bool:
        """Whether the kernel was started with this value."""
        found = value_of(self.line(), self.word(name))
        if is_absent(value):
            return is_absent(found)
        return found == value and isinstance(found, bool) == isinstance(value, bool)

    @staticmethod
    def word(name: str) -> str:
        """What a parameter is called on the command line."""
        return name[len(BOOT) :]
