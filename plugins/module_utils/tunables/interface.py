# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kernel offers to be tuned: that of the machine a module runs on, and a simulated one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Iterable, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.tunables.loaders import Loader, Word
from ansible_collections.evolve.vm.plugins.module_utils.tunables.values import same


class Setting(ABC):
    """One place that is to hold a value. name: the parameter. place: which one, of those that have several."""

    def __init__(self, name: str, place: str, value: Value) -> None:
        self.name = name
        self.place = place
        self.value = value

    @abstractmethod
    def found(self) -> Value:
        """What it holds."""

    @abstractmethod
    def write(self) -> str:
        """Write the value; returns the kernel's reason when it refuses."""

    @abstractmethod
    def as_found(self) -> Setting:
        """The setting that puts back what it holds now."""

    def holds(self) -> bool:
        """Whether it holds the value already."""
        return same(self.found(), self.value)


class Kernel(ABC):
    """Methods take whole names, such as kernel.sysctl.vm.swappiness; only what they return changes anything."""

    @abstractmethod
    def faults(self, target: Mapping[str, Value], asked: Iterable[str]) -> list[str]:
        """Every reason why `target` cannot be applied or the names in `asked` cannot be read, as sentences.

        What the other methods take has been found without faults here.
        """

    @abstractmethod
    def settled(self, target: Mapping[str, Value]) -> dict[str, Value]:
        """The values of `target` in the types that they are read back in."""

    @abstractmethod
    def is_live(self, name: str) -> bool:
        """Whether a tunable takes no restart."""

    @abstractmethod
    def read(self, name: str, asked: Value = False) -> Value:
        """The value in force. What is absent from the command line is given in the word that was `asked` for it."""

    @abstractmethod
    def is_in_force(self, name: str, value: Value) -> bool:
        """Whether a value, as `settled` gives it, is in force."""

    @abstractmethod
    def live_settings(self, target: Mapping[str, Value]) -> tuple[list[Setting], list[Setting]]:
        """What to write for `target`, all of it live, and as they are now those that the kernel changes with it."""

    @abstractmethod
    def words(self, target: Mapping[str, Value]) -> list[Word]:
        """What `target`, all of which takes a restart, is on the kernel command line."""

    @abstractmethod
    def is_said(self, word: str) -> bool:
        """Whether the command line of the kernel that runs has such a word."""

    @abstractmethod
    def loader(self, chosen: str) -> Loader:
        """What starts this machine: `auto`, or what the user says."""
