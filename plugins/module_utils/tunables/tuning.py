# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of tunables: check, plan, apply, read back."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import change_results
from ansible_collections.evolve.vm.plugins.module_utils.tunables.sysctl import (
    PREFIX,
    SysctlError,
    Sysctls,
    parse_sysctl_configuration,
    parse_sysctl_names,
)


def tune_kernel(sysctls: Sysctls, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module result.

    options: configuration, parameters (None for those of the configuration) and state as the module tunables has them.
    Raises SysctlError, with every fault of the input in one message.
    """
    target, faults = parse_sysctl_configuration(options["configuration"])
    asked, name_faults = parse_sysctl_names(options["parameters"] or [])
    if options["parameters"] is None:
        asked = list(target)
    faults += name_faults
    writing = target if options["state"] == "applied" else {}
    faults += sysctls.faults(writing, write=True)
    faults += sysctls.faults({key: "" for key in asked if key not in writing}, write=False)
    if faults:
        # A name in both the configuration and the parameters has its fault twice.
        raise SysctlError("\n".join(["Nothing was changed.", *dict.fromkeys(faults)]))

    changes = sysctls.plan(writing)
    if changes and not check_mode:
        sysctls.apply(writing)
    return {**change_results(changes), "readback": {PREFIX + key: sysctls.read(key) for key in asked}}
