# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel.boot.* parameters, which a hypervisor has in its hands where it boots the guest's kernel itself."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.tunables import values
from ansible_collections.evolve.vm.plugins.module_utils.tunables.command_line import is_absent
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import BOOT, name_fault, parse_configuration


def is_boot(name: str) -> bool:
    """Whether a name is one of kernel.boot.*."""
    return name.startswith(BOOT)


def parse_boot_configuration(configuration: Mapping[str, Any]) -> tuple[dict[str, Value], list[str]]:
    """The kernel.boot.* part of a configuration, and one fault a name or value that a command line cannot hold."""
    return parse_configuration({name: value for name, value in configuration.items() if is_boot(name)})


def boot_names(names: Iterable[str]) -> list[str]:
    """The kernel.boot.* names among `names`."""
    return [name for name in names if is_boot(name) and not name_fault(name)]


def same(name: str, first: Any, second: Any) -> bool:
    """Whether two values of a parameter are the same thing in force: of kernel.boot.*, false and `default` are."""
    if not is_boot(name):
        return bool(first == second)
    return (is_absent(first) and is_absent(second)) or values.same(first, second)
