# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel.boot.* parameters, which a hypervisor has in its hands where it boots the guest's kernel itself."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.evolve.vm.plugins.module_utils import command_line

PREFIX = "kernel.boot."


def parse_boot_configuration(
    configuration: Mapping[str, Any],
) -> tuple[dict[str, command_line.BootValue], list[str]]:
    """The kernel.boot.* part of a configuration, and one fault a name or value that a command line cannot hold."""
    values: dict[str, command_line.BootValue] = {}
    faults: list[str] = []
    for name, given in configuration.items():
        if name.startswith(PREFIX):
            fault = command_line.name_fault(name[len(PREFIX) :]) or command_line.value_fault(given)
            if fault:
                faults.append(f"{name}: {fault}.")
            else:
                values[name] = _plain(given)
    return values, faults


def boot_names(names: Iterable[str]) -> list[str]:
    """The kernel.boot.* names among `names`."""
    return [name for name in names if name.startswith(PREFIX) and not command_line.name_fault(name[len(PREFIX) :])]


def same(name: str, first: Any, second: Any) -> bool:
    """Whether two values of a parameter are the same thing in force: of kernel.boot.*, false and `default` are."""
    if name.startswith(PREFIX):
        return command_line.equal(first, second)
    return bool(first == second)


def _plain(given: Any) -> command_line.BootValue:
    for kind in (bool, int, float):
        if isinstance(given, kind):
            return kind(given)
    return str(given)
