# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules are for real machines: simulated ones are answered for on the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def refuse_simulated(module: AnsibleModule, name: str, kind: str = "machines") -> None:
    """Fail where the machine is a simulated one: the module `name` was called past its action plugin."""
    if module.params["hypervisor"] == "simulated":
        module.fail_json(
            msg=f"hypervisor: simulated is answered on the controller by the action plugin evolve.vm.{name}, "
            f"and this is the module for real {kind}. Call it by its full name, from a task of its own."
        )
