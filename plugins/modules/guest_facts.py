#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a guest has, as far as ranges of parameters depend on it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: guest_facts
short_description: Read CPUs, memory and disk of a guest
version_added: 0.2.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Reads the facts of a Linux guest that ranges in the catalogue of parameters may depend on.
options:
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
    description: Only reads.
  diff_mode:
    support: none
    description: Changes nothing.
  platform:
    support: full
    description: Where the module runs.
    platforms: Linux
seealso:
  - module: evolve.vm.guest_resources
"""

EXAMPLES = r"""
- name: Read what the guest has
  evolve.vm.guest_facts:
  register: guest
"""

RETURN = r"""
facts:
  description: What the guest has.
  type: dict
  returned: success
  contains:
    vcpus:
      description: CPUs at work.
      type: int
    memory_mib:
      description: Memory the guest can use (MemTotal), somewhat less than the machine has.
      type: int
    disk_mib:
      description: Size of the file system at /.
      type: int
  sample: {vcpus: 2, memory_mib: 976, disk_mib: 3894}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.guest.facts import guest_facts
from ansible_collections.evolve.vm.plugins.module_utils.guest.resources import GuestError
from ansible_collections.evolve.vm.plugins.module_utils.simulated import refuse_simulated


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
            "simulation_directory": {"type": "path"},
        },
        supports_check_mode=True,
    )
    refuse_simulated(module, "guest_facts")
    try:
        module.exit_json(changed=False, facts=guest_facts())
    except (GuestError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
