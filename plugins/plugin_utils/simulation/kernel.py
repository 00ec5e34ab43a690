# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel of a simulated machine, behind the interface that the real one has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value, shown
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import MEMORY_MIB
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.module_utils.tunables.command_line import DEFAULT, is_absent
from ansible_collections.evolve.vm.plugins.module_utils.tunables.interface import Kernel, Setting
from ansible_collections.evolve.vm.plugins.module_utils.tunables.loaders import Loader, Word
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import BOOT, MODULE, PREFIXES, SYSCTL
from ansible_collections.evolve.vm.plugins.module_utils.tunables.values import kind_fault, same
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.baseline import (
    SYSCTLS,
    TUNABLES,
    USUAL_START,
    Tunable,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulatedMachine
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.surface import HUGEPAGE_MIB

_HUGEPAGES = f"{SYSCTL}vm.nr_hugepages"
# As a real kernel, it finds free memory for so many huge pages and silently leaves out the rest.
_MOST_HUGEPAGES_SHARE = 0.8
_KNOWN: dict[str, Tunable] = {**{SYSCTL + key: sysctl for key, sysctl in SYSCTLS.items()}, **TUNABLES}


class SimulatedKernel(Kernel):
    """The kernel of one machine. `save` keeps what was written."""

    def __init__(self, machine: SimulatedMachine) -> None:
        machine.require_answer()
        self._machine = machine
        self._before = self._state()

    def save(self) -> None:
        """Write the machine's file, if there is anything new."""
        if self._state() != self._before:
            self._machine.save()

    def faults(self, target: Mapping[str, Value], asked: Iterable[str]) -> list[str]:
        known = [name for name in [*target, *asked] if not name.startswith(BOOT)]
        faults = [f"{name}: this kernel has no such key.{_meant(name)}" for name in known if name not in _KNOWN]
        return faults + [
            f"{name}: {fault}"
            for name, value in target.items()
            if name in _KNOWN
            for fault in [_value_fault(_KNOWN[name], value, self.read(name))]
            if fault
        ]

    def settled(self, target: Mapping[str, Value]) -> dict[str, Value]:
        return dict(target)

    def is_live(self, name: str) -> bool:
        return not name.startswith(BOOT) and _KNOWN[name].live

    def read(self, name: str, asked: Value = False) -> Value:
        if name.startswith(SYSCTL):
            return self._machine.sysctls[name.removeprefix(SYSCTL)]
        value = self._machine.tunables.get(name, False)
        return DEFAULT if value is False and asked == DEFAULT else value

    def is_in_force(self, name: str, value: Value) -> bool:
        found = self.read(name)
        return same(found, value) or (name.startswith(BOOT) and is_absent(found) and is_absent(value))

    def live_settings(self, target: Mapping[str, Value]) -> tuple[list[Setting], list[Setting]]:
        return [_SimulatedSetting(self._machine, name, name, value) for name, value in target.items()], []

    def words(self, target: Mapping[str, Value]) -> list[Word]:
        # A word for a module is not told apart here from the value that it gives the module.
        return [Word(name, name.removeprefix(BOOT).removeprefix(MODULE), value) for name, value in target.items()]

    def is_said(self, word: str) -> bool:
        return self.read(BOOT + word) is not False

    def loader(self, chosen: str) -> Loader:
        return _SimulatedLoader(self._machine)

    def _state(self) -> tuple[dict[str, Value], ...]:
        return dict(self._machine.sysctls), dict(self._machine.tunables), dict(self._machine.next_boot)


class _SimulatedSetting(Setting):
    """One value of a machine."""

    def __init__(self, machine: SimulatedMachine, name: str, place: str, value: Value) -> None:
        super().__init__(name, place, value)
        self._machine = machine
        key = name.removeprefix(SYSCTL)
        self._values, self._key = (machine.sysctls, key) if key != name else (machine.tunables, name)

    def found(self) -> Value:
        return self._values[self._key]

    def as_found(self) -> Setting:
        return _SimulatedSetting(self._machine, self.name, self.place, self.found())

    def write(self) -> str:
        if not _KNOWN[self.name].accepts(self.value):
            return "Invalid argument (errno 22)"
        self._values[self._key] = self._taken()
        return ""

    def _taken(self) -> Value:
        """What the kernel makes of a value that it accepts."""
        if self.name != _HUGEPAGES:
            return self.value
        memory_mib = int(self._machine.values[MEMORY_MIB])
        return min(int(self.value), int(_MOST_HUGEPAGES_SHARE * memory_mib / HUGEPAGE_MIB))


class _SimulatedLoader(Loader):
    """Gives the next start, and only that, other parameters; vm_config starts the machine."""

    def __init__(self, machine: SimulatedMachine) -> None:
        self._machine = machine

    def faults(self, words: Sequence[Word], in_force: bool) -> list[str]:
        return []

    def prepare(self, words: Sequence[Word], in_force: bool) -> None:
        self._machine.next_boot = {
            word.name: word.value for word in words if not same(USUAL_START.get(word.name, False), word.value)
        }

    def was_tried(self, words: Sequence[Word]) -> bool:
        return False

    def settle(self, words: Sequence[Word]) -> None:
        self._machine.next_boot = {}

    def withdraw(self) -> None:
        self._machine.next_boot = {}


def _meant(name: str) -> str:
    prefix = next(prefix for prefix in PREFIXES if name.startswith(prefix))
    keys = [known.removeprefix(prefix) for known in _KNOWN if known.startswith(prefix)]
    return did_you_mean(name.removeprefix(prefix), keys)


def _value_fault(tunable: Tunable, value: Value, present: Value) -> str:
    """As a real kernel's files tell before anything is written."""
    if tunable.listed and value not in tunable.words:
        words = ", ".join(tunable.words)
        return f"found {shown(value)!r}, expected one of {words}.{did_you_mean(str(value), tunable.words)}"
    if not tunable.live and not tunable.accepts(value):
        return f"found {value!r}, which the kernel would not take at its start."
    if isinstance(tunable.default, bool):
        return "" if isinstance(value, bool) else f"found {value!r}, expected true or false."
    return "" if tunable.listed else kind_fault(present, value)
