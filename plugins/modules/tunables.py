#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the kernel.* values of a configuration into force, or reads those in force."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tunables
short_description: Set kernel parameters from a configuration until the next boot
version_added: 0.1.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Brings the C(kernel.*) values of a configuration into force and reads back what the kernel made of them.
  - Runs on the machine whose kernel is meant, as root.
  - What can be set while the kernel runs is written to C(/proc/sys) and C(/sys) only. Nothing is written to C(/etc), so
    a reboot returns the machine to what it had.
  - Everything is checked before anything is written, and all faults are told at once. When the kernel refuses a value,
    what this call had written before is put back and the task fails with the reason of the kernel.
  - C(kernel.boot.*), and those of C(kernel.module.*) that cannot be written while the kernel runs, need a restart with
    another kernel command line, which this module prepares but does not make. Where GRUB starts the machine it copies
    the usual entry of the menu, gives it the other command line (in C(custom.cfg) beside C(grub.cfg)) and has GRUB
    start it once (C(next_entry), as C(grub-reboot) does). The boot after that is the usual one again, and a machine
    that does not come up is back after it has been switched off and on. Where the hypervisor hands over the kernel, it
    has to change the command line, and RV(boot_parameters) says to what.
  - One task at a time changes or measures a machine. Another waits up to ten minutes, also for one that a controller
    which was killed has left behind, and then fails with C(failure_class=infrastructure).
options:
  configuration:
    description:
      - A configuration, as a flat dictionary of parameter names and values. Names of other families are ignored.
      - C(kernel.sysctl.<key>) - a whole number or text. The key is written as C(sysctl) writes it, for example
        C(kernel.sysctl.vm.swappiness); several numbers are one text, such as V(4096 87380 6291456).
      - C(kernel.sysfs.<path>) - a file below C(/sys), written like a key, for example
        C(kernel.sysfs.kernel.mm.transparent_hugepage.enabled); a whole number or text, and of a file that lists choices
        the one that is meant. The disk that holds C(/) is C(block.root), all disks are C(block.all), and all CPUs
        C(devices.system.cpu.all).
      - C(kernel.module.<module>.<parameter>) - of a module that is loaded or built in; a whole number, text, or true
        and false where the kernel shows Y and N.
      - C(kernel.boot.<parameter>) - on the kernel command line. V(true) is the bare word, V(false) is its absence, and
        a whole number or text stands after C(=). The text V(default) is absence, too. Of a parameter that is there
        several times the last is read and changed.
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
  stage:
    description:
      - What of the configuration is meant, where something else restarts the machine between two calls.
      - V(boot) prepares what needs a restart, also where it is in force already, so that a restart for any other reason
        keeps it. Of the rest nothing is looked at, as it may be there only after the restart.
      - V(running) sets what can be set while the kernel runs. It fails, before it changes anything, when what needs a
        restart is not in force, and takes back what had been prepared, so that the next boot is the usual one.
      - V(all) does both. Where RV(restart_required) is then true, restart the machine and call it again. It fails when
        the values are still not in force then.
    type: str
    choices: [boot, running, all]
    default: all
    version_added: 0.2.0
  boot_loader:
    description:
      - What gives the kernel its command line.
      - V(grub) is the GRUB in C(/boot/grub) or C(/boot/grub2). Its environment has to be on a plain partition with a
        file system that GRUB writes to. Where entries are files of their own (Fedora, RHEL), C(grubby) has to be
        installed.
      - V(direct) is the hypervisor. This module then touches nothing for what needs a restart.
      - V(auto) is GRUB where it is there and the running kernel was started by it, else the hypervisor.
    type: str
    choices: [auto, grub, direct]
    default: auto
    version_added: 0.2.0
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

- name: Try other huge pages and another I/O scheduler
  evolve.vm.tunables:
    configuration:
      kernel.sysfs.kernel.mm.transparent_hugepage.enabled: madvise
      kernel.sysfs.block.root.queue.scheduler: none
      kernel.module.zswap.enabled: true
  become: true

- name: Have the next boot, and only that, go without mitigations
  evolve.vm.tunables:
    configuration:
      kernel.boot.mitigations: 'off'
      kernel.boot.nosmt: false
  become: true
  register: prepared

- name: Boot
  ansible.builtin.reboot:
  become: true
  when: prepared.restart_required

- name: Make sure of it
  evolve.vm.tunables:
    stage: running
    configuration:
      kernel.boot.mitigations: 'off'
      kernel.boot.nosmt: false
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
  description: The dearest of what was changed, V(live) or V(reboot); V(none) when nothing was.
  type: str
  returned: success
  sample: live
restart_required:
  description: Whether something of the configuration is prepared, or is the hypervisor's to prepare, and not in force
    yet.
  type: bool
  returned: success
boot_parameters:
  description:
    - What the hypervisor has to say on the kernel command line, by the names there; V(true) is the bare word, V(false)
      its absence. Empty for machines that GRUB starts.
  type: dict
  returned: success
  sample: {mitigations: 'off', virtio_blk.queue_depth: '64'}
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
  description: The values really in force; whole numbers and true and false as such, other values as text with single
    spaces.
  type: dict
  returned: success
  sample: {kernel.sysctl.vm.swappiness: 10}
"""

from contextlib import nullcontext

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.machine_lock import GUEST, MachineBusy, machine_lock
from ansible_collections.evolve.vm.plugins.module_utils.simulated import refuse_simulated
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.kernel import LinuxKernel
from ansible_collections.evolve.vm.plugins.module_utils.tunables.tuning import BOOT_LOADERS, STAGES, tune_kernel


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "configuration": {"type": "dict", "default": {}},
            "parameters": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": ["applied", "read"], "default": "applied"},
            "stage": {"type": "str", "choices": list(STAGES), "default": "all"},
            "boot_loader": {"type": "str", "choices": list(BOOT_LOADERS), "default": "auto"},
            "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
            "simulation_directory": {"type": "path"},
        },
        supports_check_mode=True,
    )
    refuse_simulated(module, "tunables")
    try:
        changing = module.params["state"] == "applied" and not module.check_mode
        with machine_lock(GUEST) if changing else nullcontext():
            result = tune_kernel(LinuxKernel(), module.params, module.check_mode)
    except MachineBusy as error:
        module.fail_json(msg=str(error), failure_class="infrastructure")
    except TunablesError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
