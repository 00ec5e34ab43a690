#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits the network of a guest in the guest, or reads the limits in force."""

from __future__ import annotations

DOCUMENTATION = r"""
module: traffic_control
short_description: Limit the network of a guest in the guest, until its next boot
version_added: 0.1.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Brings the two network limits of a configuration into force in the guest itself, and reads back what the kernel made
    of them.
  - Meant for hypervisors whose kernel cannot limit an interface, for users who have said so with
    C(evolve_network_limits=guest). Elsewhere M(evolve.vm.vm_config) sets the same limits outside the guest, where the
    guest cannot lift them.
  - Runs on the guest, as root, with C(tc) and C(ip) of iproute2 5.11 or newer.
  - What goes out is held back by a token bucket (C(tbf), handle C(e701)) at the root of the interface. What comes in is
    redirected to an intermediate device (C(ifb), named C(evolve) and the number of the interface) with such a bucket at
    its root. Both queue for up to 50 ms what is too much and drop only what is beyond that. The simpler C(police)
    action is not used, for it drops at once, and TCP then stays far below the limit.
  - The kernel needs the modules C(sch_tbf), C(sch_ingress), C(cls_u32), C(act_mirred) and C(ifb), as the kernels of the
    usual distributions have them, their cloud kernels too.
  - Only what this module has set is changed or removed. Where the owner of the machine has queueing disciplines of
    their own at the same place, a limit there is refused before anything is changed, and what there is stays.
  - Nothing is written to disk, so a reboot lifts the limits. When a step fails, the limits of before are put back and
    the task fails with the reason of the kernel.
  - The limits hold for all traffic of the interface, that of Ansible too.
  - One task at a time changes or measures a machine. Another waits up to ten minutes, also for one that a controller
    which was killed has left behind, and then fails with C(failure_class=infrastructure).
options:
  configuration:
    description:
      - A configuration, as a flat dictionary of parameter names and values. All names but these two are ignored.
      - C(vm.network.inbound_mbit_per_second) - what the guest may receive, a whole number of megabits (1000000 bits)
        per second; V(0) for no limit.
      - C(vm.network.outbound_mbit_per_second) - what the guest may send, likewise.
    type: dict
    default: {}
  parameters:
    description:
      - Names of the values to read back. All names but these two are ignored.
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
  interface:
    description:
      - Name of the network interface in the guest.
      - By default that of the default route, of IPv4 before that of IPv6, with the lowest metric.
    type: str
attributes:
  check_mode:
    support: full
    description: Reports what would change and changes nothing.
  diff_mode:
    support: full
    description: One line for each parameter, old value, new value and tier.
  platform:
    support: full
    description: Where the module runs.
    platforms: Linux
seealso:
  - module: evolve.vm.vm_config
  - module: evolve.vm.tunables
"""

EXAMPLES = r"""
- name: See what the application does with a slow network
  evolve.vm.traffic_control:
    configuration:
      vm.network.inbound_mbit_per_second: 100
      vm.network.outbound_mbit_per_second: 20
  become: true

- name: Lift both limits
  evolve.vm.traffic_control:
    configuration:
      vm.network.inbound_mbit_per_second: 0
      vm.network.outbound_mbit_per_second: 0
    interface: eth1
  become: true

- name: Read the limits
  evolve.vm.traffic_control:
    state: read
    parameters:
      - vm.network.inbound_mbit_per_second
      - vm.network.outbound_mbit_per_second
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
      type: int
    after:
      description: Value asked for.
      type: int
    tier:
      description: What the change cost.
      type: str
  sample: [{parameter: vm.network.outbound_mbit_per_second, before: 0, after: 20, tier: live}]
readback:
  description:
    - The limits of this module that are really in force, as C(tc) reports them. V(0) means that this module has set
      none, whatever the owner of the machine may have set up.
  type: dict
  returned: success
  sample: {vm.network.outbound_mbit_per_second: 20}
interface:
  description: The network interface that was meant.
  type: str
  returned: success
  sample: eth0
"""

from contextlib import nullcontext

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.guest.traffic_control import TrafficControl, limit_traffic
from ansible_collections.evolve.vm.plugins.module_utils.guest.traffic_report import TrafficError
from ansible_collections.evolve.vm.plugins.module_utils.machine_lock import GUEST, MachineBusy, machine_lock


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "configuration": {"type": "dict", "default": {}},
            "parameters": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": ["applied", "read"], "default": "applied"},
            "interface": {"type": "str"},
        },
        supports_check_mode=True,
    )
    try:
        changing = module.params["state"] == "applied" and not module.check_mode
        with machine_lock(GUEST) if changing else nullcontext():
            result = limit_traffic(TrafficControl(module.params["interface"]), module.params, module.check_mode)
    except MachineBusy as error:
        module.fail_json(msg=str(error), failure_class="infrastructure")
    except TrafficError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
