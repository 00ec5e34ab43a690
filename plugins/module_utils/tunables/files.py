# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tunables that are files have in common: how they are checked, read and written."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from typing import Iterable, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value, shown
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.interface import Setting
from ansible_collections.evolve.vm.plugins.module_utils.tunables.values import canonical, kind_fault


class FileTunables(ABC):
    """The tunables whose names begin with `prefix`. Each is one file, or several that are to hold the same.

    Methods take whole names. Only `write` changes anything.
    """

    prefix: str

    @abstractmethod
    def paths(self, name: str) -> list[str]:
        """Its files. Raises TunablesError, saying what is missing and what was meant perhaps."""

    def decode(self, content: str) -> Value:
        """The value that the content of a file says."""
        return canonical(content)

    def encode(self, value: Value) -> str:
        """What is written to a file."""
        return f"{value}\n"

    def settled(self, name: str, value: Value) -> Value:
        """A value that passed `faults` as it is read back."""
        return value

    def value_fault(self, name: str, content: str, value: Value) -> str:
        """Why a file with this content cannot be given this value; empty if it can, as far as it can be told before."""
        return kind_fault(self.decode(content), value)

    def is_live(self, name: str) -> bool:
        """Whether it can be written while the kernel runs. `paths` must know it."""
        return True

    def read(self, name: str) -> Value:
        """The value in force; where its files hold several, a text that says which holds what."""
        values = {path: self.decode(content(path)) for path in self.paths(name)}
        distinct = list(dict.fromkeys(values.values()))
        if len(distinct) == 1:
            return distinct[0]
        holders = {value: [path for path, found in values.items() if found == value] for value in distinct}
        return "; ".join(f"{shown(value)} in {', '.join(held)}" for value, held in holders.items())

    def faults(self, target: Mapping[str, Value], asked: Iterable[str]) -> list[str]:
        """Every reason why `target` cannot be written or the names in `asked` cannot be read, as sentences."""
        faults = [fault for name, value in target.items() for fault in [self._fault(name, value)] if fault]
        return faults + [fault for name in asked if name not in target for fault in [self._fault(name, None)] if fault]

    def companions(self, target: Mapping[str, Value]) -> list[str]:
        """Names whose values change when `target` is written, besides those in it."""
        return []

    def _fault(self, name: str, value: Value | None) -> str:
        try:
            paths = self.paths(name)
        except TunablesError as error:
            return f"{name}: {error}"
        writing = value is not None and self.is_live(name)
        for path in paths:
            fault = _file_fault(path, writing)
            if not fault and value is not None:
                fault = self.value_fault(name, content(path), value)
            if fault:
                return f"{name}: {fault}"
        if value is None and len({self.decode(content(path)) for path in paths}) > 1:
            return f"{name}: has no one value: {self.read(name)}. Set it once for all, or read one of them."
        return ""


def _file_fault(path: str, writing: bool) -> str:
    if os.path.isdir(path):
        return f"this is a group of keys, not one. It has: {', '.join(sorted(os.listdir(path)))}."
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if not mode & 0o444:
        return "this key triggers an action and has no value that could be read back."
    if writing and not mode & 0o222:
        return f"the kernel lets nobody write this key (mode {mode:04o})."
    if writing and not os.access(path, os.W_OK):
        return "no permission to write. Run the task with become."
    try:
        content(path)
    except PermissionError:
        return "no permission to read. Run the task with become."
    except OSError as error:
        return f"cannot be read: {error.strerror} (errno {error.errno})."
    return ""


def content(path: str) -> str:
    """The content of a file. Raises OSError."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


class FileSetting(Setting):
    """One file that is to hold a value."""

    def __init__(self, kind: FileTunables, name: str, path: str, value: Value) -> None:
        super().__init__(name, path, value)
        self._kind = kind

    def found(self) -> Value:
        return self._kind.decode(content(self.place))

    def as_found(self) -> FileSetting:
        return FileSetting(self._kind, self.name, self.place, self.found())

    def write(self) -> str:
        try:
            # Without O_CREAT and in one write: each write is one value to the kernel.
            handle = os.open(self.place, os.O_WRONLY | os.O_TRUNC)
            try:
                os.write(handle, self._kind.encode(self.value).encode())
            finally:
                os.close(handle)
        except OSError as error:
            return f"{error.strerror} (errno {error.errno})"
        return ""


def settings(kind: FileTunables, target: Mapping[str, Value]) -> list[FileSetting]:
    """One setting a file for everything in `target`."""
    return [FileSetting(kind, name, path, value) for name, value in target.items() for path in kind.paths(name)]
