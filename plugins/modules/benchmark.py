#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the machine it runs on."""

from __future__ import annotations

DOCUMENTATION = r"""
module: benchmark
short_description: Measures a machine with a benchmark
version_added: 0.1.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Prepares a benchmark, warms it up, runs it several times, returns its metrics and removes everything it made.
  - A metric that is missing, negative, not a number or contradicted by the rest of the output is a failure, never a
    score.
  - The files of the benchmark are removed and its processes killed also after a failure, a timeout or a signal.
  - One task at a time changes or measures a machine. Another waits up to ten minutes, also for one that a controller
    which was killed has left behind, and then fails with C(failure_class=infrastructure).
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what it would do, without doing it.
    support: full
    details:
      - Returns the commands that would be run; no metrics.
  diff_mode:
    description: Will return details on what has changed when in C(diff_mode).
    support: none
  platform:
    description: Target operating systems.
    support: full
    platforms: Linux
options:
  definition:
    description:
      - What to measure; usually the variable C(evolve_benchmark).
      - The key C(name) names the tool; C(sysbench) (version 1.0) is the one there is.
      - C(seconds) (10), C(warmup_seconds) (3) and C(repeats) (2) hold for each test. The warm-up run is thrown
        away, because the first run after a boot is 20 to 25 per cent low.
      - C(timeout_seconds) bounds all of it, preparation included. It defaults to twice the time that the runs take,
        plus 120.
      - C(tests) is a list of C(fileio), C(memory), C(cpu); without it, all three. Each can have its options under
        its own name.
      - The options of C(fileio) are C(total_size_mib) (64), C(file_count) (4), C(block_size_kib) (16), C(mode)
        (C(rndrw); also C(rndrd), C(rndwr), C(seqrd), C(seqwr), C(seqrewr)), C(fsync_every) (20 operations; 0 is
        only at the end) and C(threads).
      - The options of C(memory) are C(block_size_kib) (1024), C(operation) (C(write) or C(read)), C(total_size_mib)
        (0, which is until the time is over) and C(threads).
      - The options of C(cpu) are C(max_prime) (10000) and C(threads).
      - C(threads) defaults to the number of CPUs that are online when the benchmark starts.
    type: dict
    required: true
  directory:
    description:
      - Where the benchmark puts its files. It is created if it does not exist and removed again; its parent must
        exist.
      - It decides which disk is measured.
    type: path
    default: /var/tmp/evolve-benchmark
  hypervisor:
    description:
      - V(simulated) answers from a documented response surface, on the controller, without a virtual machine. The
        action plugin of the same name does that.
      - With V(libvirt) the benchmark really runs on the target.
    type: str
    choices: [libvirt, simulated]
    default: libvirt
  simulation_directory:
    description:
      - Where the simulated machines are kept, one file each, on the controller.
      - Required with O(hypervisor=simulated), else not used.
    type: path
  simulation:
    description:
      - How the simulated machine behaves. Only with O(hypervisor=simulated), else not used.
    type: dict
    default: {}
    suboptions:
      seed:
        description: The same seed, machine name and history give the same numbers.
        type: int
        default: 0
      noise:
        description: Standard deviation of a run's metrics, in log units.
        type: float
        default: 0.03
      slot_effect:
        description: How far one machine is from another at most, in log units. It is fixed by the machine's name.
        type: float
        default: 0.02
      outlier_share:
        description: Share of the measurements that something disturbs.
        type: float
        default: 0.03
      seconds_per_run:
        description: How long one repeat really takes; the task sleeps that long.
        type: float
        default: 0.0
      seconds_spread:
        description:
          - The repeats of a measurement take up to this many seconds longer each, all the same. How many follows from
            the seed, the machine's name and its history.
        type: float
        default: 0.0
        version_added: 0.2.0
      log:
        description:
          - File on the controller to which each measurement adds a line once it has taken its time, a JSON object. It
            has the name of the C(machine), the C(measurement)'s number on it, when it C(began) (seconds since 1970) and
            the C(seconds) it took.
        type: path
        version_added: 0.2.0
      lost_after:
        description:
          - After this many measurements the machine is unreachable, for every task, until its file in
            O(simulation_directory) is removed.
        type: int
      junk_after:
        description: After this many measurements the benchmark prints nonsense.
        type: int
seealso:
  - module: evolve.vm.vm_config
  - module: evolve.vm.tunables
"""

EXAMPLES = r"""
- name: Measure the disk and the memory of a machine
  evolve.vm.benchmark:
    definition:
      name: sysbench
      tests: [fileio, memory]
      seconds: 5
      repeats: 3
      fileio: {total_size_mib: 256, mode: rndrw, fsync_every: 20}
  register: measured

- name: Show the throughput
  ansible.builtin.debug:
    msg: "{{ measured.metrics.fileio_operations_per_second }} operations a second"
"""

RETURN = r"""
metrics:
  description:
    - The mean of each metric over the repeats. The unit is in the name.
    - For C(fileio) these are C(fileio_operations_per_second) (reads and writes, not fsyncs),
      C(fileio_read_mib_per_second), C(fileio_written_mib_per_second), C(fileio_fsyncs_per_second),
      C(fileio_latency_mean_ms), C(fileio_latency_p95_ms); those that the mode cannot have are left out. The latency
      is that of reads, writes and fsyncs together.
    - For C(memory) these are C(memory_operations_per_second), C(memory_mib_per_second), C(memory_latency_p95_ms).
    - For C(cpu) these are C(cpu_events_per_second), C(cpu_latency_mean_ms), C(cpu_latency_p95_ms).
    - The 95th percentile comes from sysbench's histogram, whose buckets are 1.8 per cent wide and whose resolution
      is 0.001 ms. A faster operation counts as 0.001 ms.
  returned: success
  type: dict
  sample:
    fileio_operations_per_second: 3140.5
    fileio_latency_p95_ms: 1.742
runs:
  description: The metrics of each repeat.
  returned: success
  type: list
  elements: dict
seconds:
  description: How long it took, preparation and warm-up included.
  returned: success
  type: float
  sample: 34.2
version:
  description: What the tool calls itself; C(simulated) for a simulated machine.
  returned: success
  type: str
  sample: sysbench 1.0.20
commands:
  description: The commands that were run, in order; in check mode those that would be run.
  returned: success
  type: list
  elements: str
simulated:
  description: Whether the numbers come from the simulation.
  returned: with O(hypervisor=simulated)
  type: bool
  sample: true
failure_class:
  description:
    - V(measurement) if the benchmark gave no number that can be trusted, V(infrastructure) if it could not run on
      this machine at all.
  returned: failure
  type: str
  sample: measurement
"""

from copy import deepcopy

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.arguments import ARGUMENT_SPEC
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, online_cpus, planned_commands
from ansible_collections.evolve.vm.plugins.module_utils.machine_lock import GUEST, MachineBusy, machine_lock


def main() -> None:
    """Read the arguments, measure, report."""
    # A copy, because Ansible fills the defaults of sub-options into it.
    module = AnsibleModule(argument_spec=deepcopy(ARGUMENT_SPEC), supports_check_mode=True)
    if module.params["hypervisor"] == "simulated":
        module.fail_json(
            msg="A simulated machine is measured on the controller, by the action plugin evolve.vm.benchmark; "
            "the module was called without it. Call it as a task: evolve.vm.benchmark",
            failure_class="infrastructure",
        )
    try:
        definition = parse_definition(module.params["definition"], where="definition")
        if module.check_mode:
            commands = planned_commands(definition, online_cpus())
            module.exit_json(changed=False, metrics={}, runs=[], seconds=0.0, version="", commands=commands)
        with machine_lock(GUEST):
            result = measure(definition, module.params["directory"])
    except MachineBusy as error:
        module.fail_json(msg=str(error), failure_class="infrastructure")
    except BenchmarkError as error:
        module.fail_json(msg=str(error), failure_class=error.failure_class)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
