# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel parameters (kernel.sysctl.*) under /proc/sys: checked, written and read back. Nothing is written to /etc."""

from __future__ import annotations

import os
import stat
from typing import Any, Iterable, Iterator, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, Value, shown
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

PREFIX = "kernel.sysctl."

# Setting one of a pair makes the kernel clear the other, so only one of them can be in force.
_EXCLUSIVE = {
    "vm.dirty_bytes": "vm.dirty_ratio",
    "vm.dirty_background_bytes": "vm.dirty_background_ratio",
}
_PARTNER = {**_EXCLUSIVE, **{second: first for first, second in _EXCLUSIVE.items()}}


class SysctlError(Exception):
    """Applying failed; the text says why and what was put back."""


class Sysctls:
    """The kernel parameters of this machine. Keys are written as sysctl writes them, without `kernel.sysctl.`.

    root: where /proc/sys is mounted.
    """

    def __init__(self, root: str = "/proc/sys") -> None:
        self._root = root

    def read(self, key: str) -> Value:
        """The value in force: an int where it is one whole number, else text with single spaces. Raises OSError."""
        with open(self._path(key), encoding="utf-8", errors="replace") as file:
            return canonical(file.read())

    def faults(self, target: Mapping[str, Value], write: bool) -> list[str]:
        """Every reason why these keys cannot be read, or with `write` be given these values, as sentences."""
        faults = [fault for key in target for fault in self._key_faults(key, write)]
        return faults or (self._exclusions(target) if write else [])

    def plan(self, target: Mapping[str, Value]) -> list[Change]:
        """What applying `target` changes."""
        return [
            Change(PREFIX + key, before, after, "live")
            for key, after in target.items()
            for before in [self.read(key)]
            if before != after
        ]

    def apply(self, target: Mapping[str, Value]) -> None:
        """Write `target` and verify it. Raises SysctlError after putting back what was written."""
        touched = list(target) + [_PARTNER[key] for key in target if key in _PARTNER]
        before = {key: self.read(key) for key in touched if os.path.exists(self._path(key))}
        problems = self._write(target)
        if not problems:
            return
        leftover = self._write(before)
        ending = (
            f"PUTTING BACK FAILED: {'; '.join(leftover)}." if leftover else "What had been written before was put back."
        )
        raise SysctlError(f"{'; '.join(problems)}. {ending}")

    def _write(self, target: Mapping[str, Value]) -> list[str]:
        """Write what differs; returns what did not come into force, and why.

        The kernel checks some values against others (a minimum against its maximum) and clears some when others are
        set, so what it refused is tried again as long as something else has been accepted meanwhile.
        """
        refusals: dict[str, str] = {}
        for _attempt in target:
            refusals, accepted = {}, False
            for key, value in target.items():
                if self.read(key) != value:
                    reason = self._write_one(key, value)
                    if reason:
                        refusals[key] = reason
                    else:
                        accepted = True
            if not (refusals and accepted):
                break
        problems = []
        for key, value in target.items():
            found = self.read(key)
            if found != value and key in refusals:
                problems.append(f"{PREFIX}{key}: the kernel refuses {shown(value)}: {refusals[key]}")
            elif found != value:
                problems.append(f"{PREFIX}{key}: wrote {shown(value)}, but the kernel has {shown(found)} in force")
        return problems

    def _write_one(self, key: str, value: Value) -> str:
        """Write a value; returns the kernel's reason when it refuses."""
        try:
            with open(self._path(key), "w", encoding="utf-8") as file:
                file.write(f"{value}\n")
        except OSError as error:
            return f"{error.strerror} (errno {error.errno})"
        return ""

    def _key_faults(self, key: str, write: bool) -> Iterator[str]:
        name = PREFIX + key
        parts = _parts(key)
        if any(part in ("", ".", "..") for part in parts):
            yield f"{name}: not a key: expected names joined by single dots."
            return
        path = self._path(key)
        if not os.path.exists(path):
            yield f"{name}: this kernel has no such key.{did_you_mean(key, self._keys())}"
            return
        if os.path.isdir(path):
            yield f"{name}: this is a group of keys, not one. It has: {', '.join(sorted(os.listdir(path)))}."
            return
        mode = stat.S_IMODE(os.stat(path).st_mode)
        if not mode & 0o444:
            yield f"{name}: this key triggers an action and has no value that could be read back."
            return
        if write and not mode & 0o222:
            yield f"{name}: the kernel lets nobody write this key (mode {mode:04o})."
            return
        if write and not os.access(path, os.W_OK):
            yield f"{name}: no permission to write. Run the task with become."
            return
        try:
            self.read(key)
        except PermissionError:
            yield f"{name}: no permission to read. Run the task with become."
        except OSError as error:
            yield f"{name}: cannot be read: {error.strerror} (errno {error.errno})."

    def _exclusions(self, target: Mapping[str, Value]) -> list[str]:
        """Values the kernel would clear: left unsaid they would be lost, being in no configuration to go back to."""
        faults = []
        for key in target:
            partner = _PARTNER.get(key)
            if partner is None or not target[key] or not os.path.exists(self._path(partner)):
                continue
            if partner not in target and self.read(partner):
                faults.append(
                    f"{PREFIX}{key}: setting it makes the kernel clear {PREFIX}{partner}, now {self.read(partner)}. "
                    f"Say so in the configuration: {PREFIX}{partner}: 0."
                )
            elif target.get(partner) and key in _EXCLUSIVE:
                faults.append(
                    f"{PREFIX}{key} and {PREFIX}{partner} exclude each other: setting one makes the kernel clear the "
                    "other. Give one of them the value 0."
                )
        return faults

    def _keys(self) -> Iterator[str]:
        for folder, _folders, files in os.walk(self._root):
            for file in files:
                path = os.path.relpath(os.path.join(folder, file), self._root)
                yield path.translate(_DOTS_AND_SLASHES)

    def _path(self, key: str) -> str:
        return os.path.join(self._root, *_parts(key))


_DOTS_AND_SLASHES = str.maketrans("./", "/.")


def _parts(key: str) -> list[str]:
    # As sysctl(8) has it: a slash inside a key stands for a dot in a name, such as that of interface eth0.100.
    return key.translate(_DOTS_AND_SLASHES).split("/")


def canonical(content: str) -> Value:
    """A value as the kernel shows it, without its tabs and line ends; an int where it is one whole number."""
    text = " ".join(content.split())
    # Only what Python writes the same way: to the kernel 010 is eight.
    return int(text) if text.lstrip("-").isdecimal() and str(int(text)) == text else text


def parse_sysctl_configuration(configuration: Mapping[str, Any]) -> tuple[dict[str, Value], list[str]]:
    """The kernel.sysctl.* part of a configuration as key -> canonical value, and one fault a value of a wrong type."""
    values: dict[str, Value] = {}
    faults: list[str] = []
    for name, given in configuration.items():
        if not name.startswith("kernel."):
            continue
        if not name.startswith(PREFIX):
            faults.append(_unknown(name))
        elif isinstance(given, bool) or not isinstance(given, (int, str)):
            faults.append(f"{name}: found {given!r}, expected a whole number or text.")
        elif isinstance(given, str) and ("\n" in given or "\0" in given):
            faults.append(f"{name}: found {given!r}, expected one line.")
        else:
            values[name[len(PREFIX) :]] = canonical(str(given))
    return values, faults


def parse_sysctl_names(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The keys of the kernel.sysctl.* names among `names`, and one fault a kernel.* name of another kind."""
    own = [name for name in names if name.startswith("kernel.")]
    return (
        [name[len(PREFIX) :] for name in own if name.startswith(PREFIX)],
        [_unknown(name) for name in own if not name.startswith(PREFIX)],
    )


def _unknown(name: str) -> str:
    return f"{name}: no such parameter. Kernel parameters are named {PREFIX}<key>, for example {PREFIX}vm.swappiness."
