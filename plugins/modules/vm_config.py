#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a virtual machine the vm.* values of a configuration, or reads those in force."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_config
short_description: Size a virtual machine from a configuration
version_added: 0.1.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Gives a virtual machine the C(vm.*) values of a configuration and reads back what is really in force.
  - Runs on the hypervisor, or on any host that reaches it.
  - Changes vCPUs, memory, CPU share, pinning and limits of a running guest live where the machine allows it.
    Everything else is done by one clean shutdown, one new definition and one start for all of it. What cannot be done
    live after all (a guest that does not let go of a CPU, or whose balloon does not move) is done by a restart, and
    reported as tier V(reboot).
  - The definition for the next start always ends up with the same values as the running machine.
  - Maxima of vCPUs and memory are raised where the configuration needs it, and not lowered again unless
    C(vm.memory.maximum_mib) asks for it.
  - Nothing else in the machine's definition is touched. What an edit has to take away, such as the address of a disk
    that goes to another bus, is kept in the definition's metadata and comes back when the value does.
  - Values that the host or the machine cannot have are told, all at once, before anything is touched.
  - When anything fails half-way, the previous definition and values are put back before the task fails.
  - One task at a time changes a machine. Another waits up to ten minutes, also for one that a controller which was
    killed has left behind, and then fails with C(failure_class=infrastructure).
options:
  name:
    description: Name of the virtual machine as the hypervisor knows it.
    type: str
    required: true
  hypervisor:
    description:
      - The platform the machine runs on.
      - V(simulated) is a machine that does not exist. It is answered on the controller by the action plugin of the
        same name, never by this module.
    type: str
    choices: [libvirt, simulated]
    default: libvirt
  uri:
    description: Where libvirt listens.
    type: str
    default: qemu:///system
  configuration:
    description:
      - A configuration, as a flat dictionary of parameter names and values. Names of other families are ignored.
      - C(vm.vcpus) - number of vCPUs. Live up to the maximum that the machine was started with.
      - C(vm.cpu.topology) - how the guest sees them. V(sockets), V(cores) of one socket, or V(threads), two for each
        core. The maximum of vCPUs becomes two at least for the latter two, and even for the last.
      - C(vm.cpu.pinning) - V(none), V(one_to_one) (each vCPU on a host CPU of its own as far as there are, in turn),
        or V(numa_node) (all vCPUs on the CPUs of one NUMA node, that of the machine's memory where it is bound to
        one). Live. CPUs that the definition leaves out (C(cpuset)) stay out. V(custom) is what reads back of any
        other pinning.
      - C(vm.cpu.shares) - weight against other machines on busy CPUs, 1024 usually, or 100 on hosts with cgroups of
        version 2. Live.
      - C(vm.cpu.quota_percent) - percent of one CPU that each vCPU may use, V(0) for no limit. Live.
      - C(vm.memory_mib) - memory in MiB. Live up to the maximum that the machine was started with, by its balloon.
      - C(vm.memory.maximum_mib) - memory in MiB that it can have without a restart.
      - C(vm.memory.hugepages) - whether its memory is made of huge pages, which the host must have reserved.
      - C(vm.disk.class) - name of a class of disks, which is the storage pool that holds the disk, or that which
        O(disk_classes) says. The disk is moved while the machine is off.
      - C(vm.disk.bus) - V(virtio), V(scsi) (a virtio-scsi controller of its own) or V(sata). The disk gets a name
        that goes with the bus, and stays the one that O(disk) names. Where the hypervisor boots the kernel itself,
        C(root=) on its command line follows. The guest must have the driver and must not depend on the name.
      - C(vm.disk.cache) - V(none), V(writeback), V(writethrough), V(directsync) or V(unsafe).
      - C(vm.disk.io) - V(threads), V(native) or V(io_uring). V(native) needs the cache V(none) or V(directsync).
      - C(vm.disk.iothread) - whether the disk has a thread of its own. Only for disks on bus virtio or scsi.
      - C(vm.disk.queues) - number of its queues. More than one only for disks on bus virtio or scsi.
      - C(vm.disk.discard) - V(ignore) or V(unmap), what becomes of blocks that the guest discards.
      - C(vm.disk.read_iops), C(vm.disk.write_iops), C(vm.disk.total_iops) - operations per second, V(0) for no limit.
        A limit on the total excludes the other two. Live.
      - C(vm.disk.read_mib_per_second), C(vm.disk.write_mib_per_second), C(vm.disk.total_mib_per_second) - the same
        for MiB.
      - C(vm.network.model) - V(virtio), V(e1000e), V(e1000) or V(rtl8139). The card stays in its slot.
      - C(vm.network.queues) - number of its queues. More than one only for virtio.
      - C(vm.network.inbound_mbit_per_second), C(vm.network.outbound_mbit_per_second) - what the guest may receive and
        send, V(0) for no limit. Live. See O(network_limits).
      - C(kernel.boot.*) - words of the kernel command line, such as C(kernel.boot.mitigations) or
        C(kernel.boot.nvme.poll_queues). V(true) is the bare word, V(false) or V(default) its absence. Only of
        machines whose kernel the hypervisor boots itself (C(<kernel>) in the definition); of others these names are
        ignored here.
    type: dict
    default: {}
  parameters:
    description:
      - Names of the values to read back. Names of other families are ignored.
      - By default those in O(configuration), or all that the machine has if there are none.
    type: list
    elements: str
  state:
    description:
      - V(applied) brings the configuration into force.
      - V(read) only reports, and adds what the hypervisor has and holds as RV(hypervisor).
    type: str
    choices: [applied, read]
    default: applied
  disk:
    description: The disk that C(vm.disk.*) is about, by its target such as V(vda). By default the first.
    type: str
  interface:
    description: The interface that C(vm.network.*) is about, by its MAC address. By default the first.
    type: str
  disk_classes:
    description:
      - The storage pool of each class of disks, such as C(ssd) in C(nvme_pool).
      - A class that is not named here is the pool of the same name.
    type: dict
    default: {}
  network_limits:
    description:
      - Who limits the network. With V(guest) the names C(vm.network.inbound_mbit_per_second) and
        C(vm.network.outbound_mbit_per_second) are ignored here, and left to traffic control inside the guest.
      - V(host) needs the queueing disciplines htb and sfq in the kernel of the hypervisor.
    type: str
    choices: [host, guest]
    default: host
  running:
    description:
      - Whether to start a machine that is shut off.
      - With V(false) only its definition is changed. A running machine stays running in both cases.
    type: bool
    default: true
  restart:
    description: Restart the machine even where nothing demands it, for example to get rid of a guest that hangs.
    type: bool
    default: false
  shutdown_timeout_seconds:
    description:
      - How long a guest may take to shut down cleanly when it is asked to.
      - After that it is switched off, and RV(forced_off) says so.
    type: int
    default: 60
  boot_timeout_seconds:
    description:
      - How long a guest that has been started may take until its balloon driver gives back what it has above
        C(vm.memory_mib). After that it is started once more, and at last without that headroom.
      - A guest whose memory is not above that is not waited for.
    type: int
    default: 120
  simulation_directory:
    description: Where simulated machines are kept, for O(hypervisor=simulated) only.
    type: path
  simulation:
    description:
      - What the host of a simulated machine has, for O(hypervisor=simulated) only.
      - The host is the one that the task is delegated to. Machines that were sized through different hosts stand on
        different hosts.
    type: dict
    default: {}
    suboptions:
      host_vcpus:
        description: Its logical CPUs.
        type: int
        default: 64
      host_memory_mib:
        description: Its memory in MiB.
        type: int
        default: 262144
requirements:
  - libvirt-python on the host the module runs on (package python3-libvirt)
attributes:
  check_mode:
    support: full
    description: Reports what would change and how, and touches nothing.
  diff_mode:
    support: full
    description: One line for each parameter, old value, new value and tier.
  platform:
    support: full
    description: Where the module runs.
    platforms: posix
seealso:
  - module: evolve.vm.tunables
  - module: evolve.vm.guest_resources
"""

EXAMPLES = r"""
- name: Give a machine four vCPUs and another disk cache
  evolve.vm.vm_config:
    name: web1
    configuration:
      vm.vcpus: 4
      vm.disk.cache: none
  delegate_to: hypervisor1
  become: true
  register: sizing

- name: Read what a machine has
  evolve.vm.vm_config:
    name: web1
    state: read
  delegate_to: hypervisor1
  become: true
  register: present
"""

RETURN = r"""
tier:
  description: The costliest tier of the changes; V(none) without changes.
  type: str
  returned: success
  sample: reboot
changes:
  description:
    - What was changed, or would be in check mode.
    - C(vm.running) stands for the power state where that changes too.
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
  sample: [{parameter: vm.vcpus, before: 2, after: 4, tier: live}]
readback:
  description: The values really in force; of a machine that is shut off, those of its next start.
  type: dict
  returned: success
  sample: {vm.vcpus: 4, vm.disk.cache: none}
hypervisor:
  description: What the host has on which the machine stands, and what its machines may use of that.
  type: dict
  returned: success, with O(state=read)
  contains:
    vcpus:
      description: Logical CPUs of the host.
      type: int
    memory_mib:
      description: Memory of the host in MiB.
      type: int
    numa_nodes:
      description: NUMA nodes of the host.
      type: int
    machines:
      description:
        - C(vcpus) and C(memory_mib) of every machine that is active there, by its name there. On Xen C(Domain-0) is
          one of them.
        - They are what a machine may use at present, its vCPUs plugged in and its balloon as it is, not its maxima. A
          guest that is booting may use its maximum of memory until its balloon driver is at work.
      type: dict
  sample: {vcpus: 16, memory_mib: 64000, machines: {web1: {vcpus: 4, memory_mib: 4096}}}
running:
  description: Whether the machine is running now.
  type: bool
  returned: success
rebooted:
  description: Whether the guest was started or restarted.
  type: bool
  returned: always, once the machine was found
forced_off:
  description: Whether the guest did not shut down in time and was switched off.
  type: bool
  returned: always, once the machine was found
"""

from contextlib import nullcontext

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.drivers import driver_for
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import ApplyFailed, HypervisorError
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_machine import Patience
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.sizing import size_machine
from ansible_collections.evolve.vm.plugins.module_utils.machine_lock import MachineBusy, machine_lock
from ansible_collections.evolve.vm.plugins.module_utils.simulated import refuse_simulated


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
            "uri": {"type": "str", "default": "qemu:///system"},
            "configuration": {"type": "dict", "default": {}},
            "parameters": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": ["applied", "read"], "default": "applied"},
            "disk": {"type": "str"},
            "interface": {"type": "str"},
            "disk_classes": {"type": "dict", "default": {}},
            "network_limits": {"type": "str", "choices": ["host", "guest"], "default": "host"},
            "running": {"type": "bool", "default": True},
            "restart": {"type": "bool", "default": False},
            "shutdown_timeout_seconds": {"type": "int", "default": 60},
            "boot_timeout_seconds": {"type": "int", "default": 120},
            "simulation_directory": {"type": "path"},
            "simulation": {
                "type": "dict",
                "default": {},
                "options": {
                    "host_vcpus": {"type": "int", "default": 64},
                    "host_memory_mib": {"type": "int", "default": 262144},
                },
            },
        },
        supports_check_mode=True,
    )
    options = module.params
    refuse_simulated(module, "vm_config", "hypervisors")
    try:
        hypervisor = driver_for(
            options["hypervisor"],
            uri=options["uri"],
            disk=options["disk"],
            interface=options["interface"],
            pools=options["disk_classes"],
            patience=Patience(
                shutdown_seconds=options["shutdown_timeout_seconds"], boot_seconds=options["boot_timeout_seconds"]
            ),
        )
        try:
            changing = options["state"] == "applied" and not module.check_mode
            with machine_lock(options["name"]) if changing else nullcontext():
                result, warnings = size_machine(hypervisor, options["name"], options, module.check_mode)
        finally:
            hypervisor.close()
    except MachineBusy as error:
        module.fail_json(msg=str(error), rebooted=False, forced_off=False, failure_class="infrastructure")
    except ApplyFailed as error:
        module.fail_json(msg=str(error), rebooted=error.rebooted, forced_off=error.forced_off)
    except HypervisorError as error:
        module.fail_json(msg=str(error), rebooted=False, forced_off=False)
    for warning in warnings:
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
