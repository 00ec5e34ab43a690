#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches virtual machines from outside, by a process that goes on after the task, and collects what it has seen."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sampler
short_description: Watch virtual machines from outside
version_added: 0.2.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Starts a process that reads the counters of virtual machines from their hypervisor and asks their applications
    questions (probes), at an interval of 1 s to 60 min. Nothing is needed in the guests.
  - Runs on the hypervisor, or, with O(hypervisor=none), on any machine from which the guests are reached, such as a
    load generator or the controller.
  - There is one process for each O(name). To start it again with other options changes what it does, without a gap
    for the machines and probes that stay the same.
  - It ends by itself when nobody has collected or started it again for O(lease_seconds), so that nothing is left
    behind by a controller that was killed.
  - Every point is a mean since the reading before, or what was so at its moment. A machine that is off, a counter that
    began anew, another number of vCPUs, disks or network cards - none of these makes a wrong point, but there is none.
    RV(gaps) tells when a machine could not be read at all.
  - The statistics of the guest's memory come through its balloon, which is told to report as often as the machine is
    read. That changes the running machine only, not its definition. A machine without the balloon's driver has no
    points of memory, of which the task warns once.
  - The metrics of the hypervisor are C(cpu_utilisation_percent), C(cpu_steal_percent), C(memory_used_mib),
    C(memory_used_percent), C(disk_read_operations_per_second), C(disk_write_operations_per_second),
    C(disk_read_mib_per_second), C(disk_write_mib_per_second), C(disk_read_latency_ms), C(disk_write_latency_ms),
    C(network_received_mbit_per_second) and C(network_sent_mbit_per_second). Disks and network cards of a machine are
    added up. Where libvirt has no statistics of many machines at once (Xen), there is no C(cpu_steal_percent).
  - A probe gives C(response_time_ms) and C(availability_percent), a probe of the network C(network_latency_ms) and
    C(network_lost_percent).
options:
  name:
    description: Name of the sampler on this machine, such as that of the study or the rollout it is for.
    type: str
    required: true
  state:
    description:
      - V(started) has the sampler run with these options.
      - V(collected) gives what was sampled since O(since_ms), and lets the sampler run for another O(lease_seconds).
      - V(stopped) ends it and removes its files. With O(since_ms) it gives what was sampled since then, before.
    type: str
    choices: [started, collected, stopped]
    default: started
  hypervisor:
    description:
      - Where the counters come from. With V(none) there are only probes.
      - V(simulated) is a machine that does not exist. It is answered on the controller by the action plugin of the
        same name, never by this module.
    type: str
    choices: [libvirt, none, simulated]
    default: libvirt
  uri:
    description: Where libvirt listens.
    type: str
    default: qemu:///system
  interval:
    description:
      - How often each machine is read and each probe asks, from 1 s to 60 min. A number is seconds, a text is one such
        as V(1s), V(30s), V(5min) or V(1h).
    type: raw
    default: 5
  machines:
    description: The machines to watch. Required for O(state=started), unless they are simulated.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the machine as the hypervisor knows it.
        type: str
        required: true
      host:
        description: What its points are tagged with, by default its name.
        type: str
      address:
        description: Where its probes ask. Required by those that do not say it themselves.
        type: str
  probes:
    description:
      - What each machine is asked, at each interval. V({target}) in any text stands for the machine's address.
      - All have C(kind), C(name) and C(timeout_seconds) (by default the interval, and 5 at most). An answer that takes
        longer is none. Where there are several of an application, or of the network, the points are tagged with the
        name of the probe, or its kind. A name that is given is always a tag.
      - Kind V(icmp) - an echo request, for the network. C(host).
      - Kind V(tcp) - a connection is made. C(port), C(host), and C(network), V(true) where it stands for the network.
      - Kind V(http) - a request, until the whole answer. C(url), C(method) (V(GET)), C(expected_status) (a list, by
        default 200 to 299), C(expected_text), which the answer has to hold, C(ca), a file with the authority that
        signed the certificate, and C(validate_certs) (V(true)). Redirects are not followed.
      - Kind V(sql) - a query over a session that is kept open. C(engine) (V(postgresql) or V(mysql), which is MariaDB
        too), C(query) (V(SELECT 1)), C(host), C(port), or C(socket) (of PostgreSQL its folder), C(user), C(database).
        Needs psql, or mariadb or mysql. Where the server closes the session, that counts as unavailable.
      - Kind V(redis) - a PING over a connection that is kept open. C(host), C(port), or C(socket), C(user).
      - Kind V(command) - a program, by C(command), a list or a text that is split as a shell does it. It answers well
        by ending with exit code 0, and is killed with its children when it takes too long. Starting a process takes
        some ms, which is part of its time.
      - Passwords come from the environment of the task that starts the sampler - C(PGPASSWORD), C(MYSQL_PWD),
        C(REDISCLI_AUTH). For others, stop it first.
    type: list
    elements: dict
    default: []
  directory:
    description:
      - Where samplers keep their files, up to 128 MiB and 24 hours of samples each.
      - By default C(/run/evolve.vm/sampling) for root, and C(evolve.vm/sampling) in C($XDG_RUNTIME_DIR), or in
        C(evolve.vm-UID) of the folder for temporary files, for others.
    type: path
  lease_seconds:
    description: How long it goes on when nobody collects. At least two intervals.
    type: int
    default: 3600
  since_ms:
    description:
      - The time after which samples are given, in milliseconds since 1970 by the clock of this machine. Give the
        RV(newest_ms) of the call before.
      - By default all there are with O(state=collected), and none with O(state=stopped).
    type: int
  hosts:
    description: Give the samples of these hosts only, by default of all.
    type: list
    elements: str
    default: []
  simulation_directory:
    description: Where simulated machines are kept, for O(hypervisor=simulated) only.
    type: path
  simulation:
    description: How simulated machines behave, for O(hypervisor=simulated) only.
    type: dict
    default: {}
    suboptions:
      seed:
        description: Of the noise.
        type: int
        default: 0
requirements:
  - libvirt-python on the host the module runs on (package python3-libvirt), for O(hypervisor=libvirt)
attributes:
  check_mode:
    support: full
    description: Checks the options and says what would change. To collect does not renew the lease then.
  diff_mode:
    support: none
    description: There is nothing to show.
  platform:
    support: full
    description: Where the module runs.
    platforms: linux
seealso:
  - module: evolve.vm.benchmark
  - module: evolve.vm.vm_config
"""

EXAMPLES = r"""
- name: Watch two machines and their web servers
  evolve.vm.sampler:
    name: web-tier
    interval: 1s
    machines:
      - {name: web1, address: 192.0.2.11}
      - {name: web2, address: 192.0.2.12}
    probes:
      - {kind: icmp}
      - {kind: http, url: 'http://{target}/health', expected_text: ok}
  delegate_to: hypervisor1
  become: true

- name: Collect what was seen
  evolve.vm.sampler:
    name: web-tier
    state: collected
    since_ms: "{{ seen.newest_ms | default(omit) }}"
  delegate_to: hypervisor1
  become: true
  register: seen

- name: Ask a database from the load generator
  evolve.vm.sampler:
    name: db-tier
    hypervisor: none
    machines: [{name: db1, address: 192.0.2.21}]
    probes: [{kind: sql, engine: postgresql, user: probe, database: shop}]
  delegate_to: load1
  environment: {PGPASSWORD: "{{ probe_password }}"}

- name: Watch no longer
  evolve.vm.sampler:
    name: web-tier
    state: stopped
  delegate_to: hypervisor1
  become: true
"""

RETURN = r"""
running:
  description: Whether the sampler runs after this task.
  type: bool
  returned: success
series:
  description: What was sampled, in the order of host, probe, field and time.
  type: list
  elements: dict
  returned: success
  contains:
    host:
      description: The machine's tag.
      type: str
    probe:
      description: The probe's tag; empty for the counters of the hypervisor and where a probe needs none.
      type: str
    field:
      description: The metric, its unit included.
      type: str
    points:
      description: Pairs of a time, in milliseconds since 1970 by the clock of the sampler's machine, and a value.
      type: list
      elements: list
  sample: [{host: web1, probe: '', field: cpu_utilisation_percent, points: [[1764000001000, 37.5]]}]
newest_ms:
  description: Up to this time RV(series) is complete. Give it as O(since_ms) the next time.
  type: int
  returned: success
more:
  description: There are more samples already; RV(series) holds the oldest 200000 points of them.
  type: bool
  returned: success
gaps:
  description: Times without samples.
  type: list
  elements: dict
  returned: success
  contains:
    host:
      description: The machine's tag, empty for all machines.
      type: str
    begin_ms:
      description: When it began.
      type: int
    end_ms:
      description: When it ended; null while it lasts.
      type: int
    reason:
      description: What happened.
      type: str
  sample: [{host: web1, begin_ms: 1764000001000, end_ms: 1764000031000, reason: it is shut off}]
failures:
  description: When a probe began to fail, and how.
  type: list
  elements: dict
  returned: success
  contains:
    host:
      description: The machine's tag.
      type: str
    probe:
      description: The probe's tag.
      type: str
    at_ms:
      description: The time of the first question that failed like that.
      type: int
    reason:
      description: What happened instead of the right answer.
      type: str
  sample: [{host: web1, probe: '', at_ms: 1764000001000, reason: Connection refused}]
clock_ms:
  description: The wall clock of the sampler's machine at the end of this task, in milliseconds since 1970.
  type: int
  returned: success
boot_id:
  description: Identifies the present run of that machine; another one means that it was restarted.
  type: str
  returned: success
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.sampling.arguments import ARGUMENT_SPEC
from ansible_collections.evolve.vm.plugins.module_utils.sampling.control import Control, SamplerError, usual_directory
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.definition import check_probes
from ansible_collections.evolve.vm.plugins.module_utils.sampling.settings import SettingsError, read_settings
from ansible_collections.evolve.vm.plugins.module_utils.sampling.status import boot_id
from ansible_collections.evolve.vm.plugins.module_utils.simulated import refuse_simulated


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    refuse_simulated(module, "sampler", "hypervisors")
    options = module.params
    series, gaps, failures, newest_ms, more, running = [], [], [], options["since_ms"] or 0, False, False
    changed = False
    directory = options["directory"] or usual_directory()
    try:
        control = Control(directory, options["name"])
        if options["state"] == "started":
            settings = read_settings(options)
            faults = check_probes(settings.probes, [machine.address for machine in settings.machines])
            if faults:
                module.fail_json(msg="\n".join(["The probes cannot work here:", *(f"  - {fault}" for fault in faults)]))
            changed = control.start(settings, module.check_mode)
            running = True
        else:
            stopping = options["state"] == "stopped"
            if stopping:
                changed = control.stop(module.check_mode)
            if not stopping or options["since_ms"] is not None:
                found, running = control.collect(options["since_ms"], options["hosts"], renew=not module.check_mode)
                series, gaps, failures, newest_ms, more = (
                    found.series,
                    found.gaps,
                    found.failures,
                    found.newest_ms,
                    found.more,
                )
                for text in found.warnings:
                    module.warn(text)
            if stopping and not more and not module.check_mode:
                control.remove()
    except (SettingsError, SamplerError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The files of the sampler in {directory} cannot be used: {error.strerror or error}.")
    module.exit_json(
        changed=changed,
        running=running,
        series=series,
        newest_ms=newest_ms,
        more=more,
        gaps=gaps,
        failures=failures,
        clock_ms=round(time.time() * 1000),
        boot_id=boot_id(),
    )


if __name__ == "__main__":
    main()
