# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a kernel gets another command line for its next start."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value


class Word(NamedTuple):
    """One parameter that takes a restart. name: in a configuration. word: on the command line, with `value`.

    present: of a module's parameter the value it has now, as the command line would say it; None of any other.
    """

    name: str
    word: str
    value: Value
    present: str | None = None


class Loader(ABC):
    """One way to start a kernel. Methods raise TunablesError."""

    @abstractmethod
    def faults(self, words: Sequence[Word], in_force: bool) -> list[str]:
        """Every reason why the next start cannot be given these words, as sentences. in_force: they are already."""

    @abstractmethod
    def prepare(self, words: Sequence[Word], in_force: bool) -> None:
        """Have the next start, and only that, use these words, which have no faults.

        What was there before is put back on failure.
        """

    @abstractmethod
    def was_tried(self, words: Sequence[Word]) -> bool:
        """Whether the machine has been restarted since these same words were prepared, and nobody has asked since."""

    @abstractmethod
    def settle(self, words: Sequence[Word]) -> None:
        """The words are in force: let the start after this one be the usual again."""

    @abstractmethod
    def withdraw(self) -> None:
        """Take back whatever was prepared."""


class DirectBoot(Loader):
    """The hypervisor hands over kernel and command line: in here nothing is prepared, and nothing left to undo."""

    def faults(self, words: Sequence[Word], in_force: bool) -> list[str]:
        return []

    def prepare(self, words: Sequence[Word], in_force: bool) -> None:
        return

    def was_tried(self, words: Sequence[Word]) -> bool:
        return False

    def settle(self, words: Sequence[Word]) -> None:
        return

    def withdraw(self) -> None:
        return
