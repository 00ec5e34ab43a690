# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of kernel modules (kernel.module.*) under /sys/module. Some can only be given at a start."""

from __future__ import annotations

import os
import stat
from typing import Iterable

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value, shown
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.files import FileTunables, content
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import MODULE
from ansible_collections.evolve.vm.plugins.module_utils.tunables.values import choices, chosen, kind_fault

# What the kernel reads as yes and no.
_SWITCH = {
    **dict.fromkeys(("true", "yes", "on", "y", "1"), True),
    **dict.fromkeys(("false", "no", "off", "n", "0"), False),
}


class ModuleParameters(FileTunables):
    """The parameters of the modules that are loaded or built in. root: where /sys/module is."""

    prefix = MODULE

    def __init__(self, root: str = "/sys/module") -> None:
        self._root = root

    def paths(self, name: str) -> list[str]:
        module, dummy, parameter = name[len(MODULE) :].partition(".")
        folder = os.path.join(self._root, module, "parameters")
        path = os.path.join(folder, parameter)
        if "/" in module + parameter or module in (".", "..") or parameter in (".", ".."):
            raise TunablesError("not a name: expected <module>.<parameter>.")
        if os.path.isfile(path):
            return [path]
        if os.path.isdir(folder):
            hint = did_you_mean(parameter, _names(folder)) or f" It has: {', '.join(_names(folder))}."
            raise TunablesError(f"the module {module} has no such parameter.{hint}")
        if os.path.isdir(os.path.dirname(folder)):
            raise TunablesError(f"the module {module} has no parameters that could be read.")
        raise TunablesError(f"no module {module} is loaded.{did_you_mean(module, _names(self._root))}")

    def is_live(self, name: str) -> bool:
        return bool(stat.S_IMODE(os.stat(self.paths(name)[0]).st_mode) & 0o222)

    def decode(self, content: str) -> Value:
        value = chosen(content)
        return {"Y": True, "N": False}.get(value, value) if isinstance(value, str) else value

    def encode(self, value: Value) -> str:
        # No line end: a parameter of text would keep it.
        return text(value)

    def settled(self, name: str, value: Value) -> Value:
        is_switch = isinstance(self.read(name), bool)
        return _SWITCH[str(value).lower()] if is_switch else value

    def value_fault(self, name: str, content: str, value: Value) -> str:
        present, known = self.decode(content), choices(content)
        if isinstance(present, bool):
            return "" if str(value).lower() in _SWITCH else f"found {value!r}, expected true or false."
        if known and str(value) not in known:
            return f"found {shown(value)!r}, expected one of {', '.join(known)}.{did_you_mean(str(value), known)}"
        if not known:
            fault = kind_fault(present, value)
            if fault:
                return fault
        if '"' in str(value) and not self.is_live(name):
            return f"found {value!r}, expected text without double quotes: it has to go on the kernel command line."
        return ""

    def word(self, name: str) -> str:
        """What a parameter is called on the kernel command line."""
        return name[len(MODULE) :]

    def present_text(self, name: str) -> str:
        """The value in force as the kernel shows it."""
        return text(self.decode(content(self.paths(name)[0])))


def text(value: Value) -> str:
    """A value as a module reads it."""
    return ("Y" if value else "N") if isinstance(value, bool) else str(value)


def _names(folder: str) -> Iterable[str]:
    return sorted(os.listdir(folder))
