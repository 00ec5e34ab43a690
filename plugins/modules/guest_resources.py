#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings hot-plugged CPUs to work inside a guest and reports what CPUs and memory it has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: guest_resources
short_description: Bring hot-plugged CPUs online in a guest
version_added: 0.1.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - A CPU that the hypervisor plugs into a running Linux guest does no work until the guest brings it online. This
    module does that, and reports the CPUs and the memory that the guest really has.
  - Runs in the guest, as root.
options:
  vcpus:
    description:
      - How many CPUs are to be online, as C(vm.vcpus) says. Offline CPUs are brought online until that many are.
      - The task fails when it does not come to exactly that many in time.
      - Without it the module only reports.
    type: int
  timeout_seconds:
    description: How long to wait for CPUs to appear, or to vanish.
    type: int
    default: 30
attributes:
  check_mode:
    support: full
    description: Reports the CPUs online now, waits for nothing and changes nothing.
  diff_mode:
    support: none
    description: There is nothing to show beside V(brought_online).
  platform:
    support: full
    description: Where the module runs.
    platforms: Linux
seealso:
  - module: evolve.vm.vm_config
"""

EXAMPLES = r"""
- name: Put the CPUs to work that the hypervisor has just plugged in
  evolve.vm.guest_resources:
    vcpus: 4
  become: true
"""

RETURN = r"""
vcpus:
  description: Number of CPUs online.
  type: int
  returned: success
  sample: 4
memory_mib:
  description: Memory the guest can use (MemTotal), somewhat less than the machine has.
  type: int
  returned: success
  sample: 976
brought_online:
  description: Numbers of the CPUs this call brought online.
  type: list
  elements: int
  returned: success
  sample: [2, 3]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.guest.resources import GuestError, GuestResources


def main() -> None:
    module = AnsibleModule(
        argument_spec={"vcpus": {"type": "int"}, "timeout_seconds": {"type": "int", "default": 30}},
        supports_check_mode=True,
    )
    guest = GuestResources()
    brought: list = []
    try:
        if module.params["vcpus"] is not None and not module.check_mode:
            brought = guest.bring_online(module.params["vcpus"], module.params["timeout_seconds"])
        module.exit_json(
            changed=bool(brought),
            vcpus=len(guest.online()),
            memory_mib=guest.memory_mib(),
            brought_online=brought,
        )
    except (GuestError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
