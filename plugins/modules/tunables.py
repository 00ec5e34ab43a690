#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the kernel.sysctl.* values of a configuration into force, or reads those in force."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tunables
short_description: Set kernel parameters from a configuration until the next boot
version_added: 0.1.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Brings the C(kernel.sysctl.*) values of a configuration into force and reads back what the kernel made of them.
  - Runs on the machine whose kernel is meant, as root.
  - Writes to C(/proc/sys) only. Nothing is written to C(/etc), so a reboot returns the machine to what it had.
  - All keys are checked before anything is written. When the kernel refuses a value, what this call had written before
    is put back and the task fails with the reason of the kernel.
  - One task at a time changes or measures a machine. Another waits up to ten minutes, also for one that a controller
    which was killed has left behind, and then fails with C(failure_class=infrastructure).
options:
  configuration:
    description:
      - A configuration, as a flat dictionary of parameter names and values. Names of other families are ignored.
      - C(kernel.sysctl.<key>) - a whole number or text. The key is written as C(sysctl) writes it, for example
        C(kernel.sysctl.vm.swappiness); several numbers are one text, such as V(4096 87380 6291456).
    type: dict
    default: {}
  parameters:
    description:
      - Names of the values to read back. Names of other families are ignored.
      - By default those in O(configuration).
    type: list
    elements: str
  state:
    description:
      - V(applied) brings the configuration into force.
      - V(read) only reports.
    type: str
    choices: [applied, read]
    default: applied
  hypervisor:
    description:
      - The platform the machine runs on, as for M(evolve.vm.vm_config).
      - It makes no difference to this module, except that V(simulated) is answered on the controller by the action
        plugin of the same name, never by this module.
    type: str
    choices: [libvirt, simulated]
    default: libvirt
  simulation_directory:
    description: Where simulated machines are kept, for O(hypervisor=simulated) only.
    type: path
attributes:
  check_mode:
    support: full
    description: Reports what would change and writes nothing.
  diff_mode:
    support: full
    description: One line for each parameter, old value, new value and tier.
  platform:
    support: full
    description: Where the module runs.
    platforms: Linux
seealso:
  - module: evolve.vm.vm_config
"""

EXAMPLES = r"""
- name: Try other writeback settings until the next boot
  evolve.vm.tunables:
    configuration:
      kernel.sysctl.vm.dirty_background_ratio: 5
      kernel.sysctl.vm.dirty_ratio: 15
  become: true

- name: Read two kernel parameters
  evolve.vm.tunables:
    state: read
    parameters:
      - kernel.sysctl.vm.swappiness
      - kernel.sysctl.net.ipv4.tcp_rmem
  become: true
  register: present
"""

RETURN = r"""
tier:
  description: V(live) when something was changed, else V(none).
  type: str
  returned: success
  sample: live
changes:
  description: What was changed, or would be in check mode.
  type: list
  elements: dict
  returned: success
  contains:
    parameter:
      description: Name of the parameter.
      type: str
    before:
      description: Value before.
      type: raw
    after:
      description: Value asked for.
      type: raw
    tier:
      description: What the change cost.
      type: str
  sample: [{parameter: kernel.sysctl.vm.swappiness, before: 60, after: 10, tier: live}]
readback:
  description: The values really in force; whole numbers as such, other values as text with single spaces.
  type: dict
  returned: success
  sample: {kernel.sysctl.vm.swappiness: 10}
"""

from contextlib import nullcontext

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.machine_lock import GUEST, MachineBusy, machine_lock
from ansible_collections.evolve.vm.plugins.module_utils.tunables.sysctl import SysctlError, Sysctls
from ansible_collections.evolve.vm.plugins.module_utils.tunables.tuning import tune_kernel


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "configuration": {"type": "dict", "default": {}},
            "parameters": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": ["applied", "read"], "default": "applied"},
            "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
            "simulation_directory": {"type": "path"},
        },
        supports_check_mode=True,
    )
    if module.params["hypervisor"] == "simulated":
        module.fail_json(
            msg="hypervisor: simulated is answered on the controller by the action plugin evolve.vm.tunables, "
            "and this is the module for real machines. Call it by its full name, from a task of its own."
        )
    try:
        changing = module.params["state"] == "applied" and not module.check_mode
        with machine_lock(GUEST) if changing else nullcontext():
            result = tune_kernel(Sysctls(), module.params, module.check_mode)
    except MachineBusy as error:
        module.fail_json(msg=str(error), failure_class="infrastructure")
    except SysctlError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
