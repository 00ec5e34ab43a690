#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the machine it runs on."""

from __future__ import annotations

DOCUMENTATION = r"""
module: benchmark
short_description: Measures a machine with benchmarks
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
      - A dictionary describes one benchmark. A list of them several, which are run one after the other; the names of
        their metrics then begin with the benchmark's C(label) (by default its C(name)) and a dot.
      - The key C(name) names the tool. The tools, their options and their metrics are in the collection's
        C(docs/guide/12-benchmarks.md) and C(docs/reference/metrics.md).
      - C(seconds) (10), C(warmup_seconds) (3), C(repeats) (2) and C(cooldown_seconds) (0, the pause before each run)
        hold for each test of a tool. The warm-up run is thrown away, because the first run after a boot is 20 to 25 per
        cent low.
      - C(seed) (1) goes to every tool that draws at random.
      - C(timeout_seconds) bounds all of it, preparation included. It defaults to twice the time that the runs take,
        plus 120.
      - C(place) says where it runs, C(guest), C(controller) or the name of a host in the inventory. The role of the
        same name delegates to that host; the module looks at it for O(place) only.
    type: raw
    required: true
  state:
    description:
      - V(measured) runs the benchmarks on the machine of the task.
      - V(surveyed) says which programs are missing on it.
      - V(serving) starts on the machine of the task what benchmarks need there that run on another one, such as the
        server of iperf3; V(stopped) stops that. It ends by itself once all benchmarks must be over.
    type: str
    choices: [measured, surveyed, serving, stopped]
    default: measured
    version_added: 0.2.0
  place:
    description: Only the benchmarks of O(definition) whose C(place) is this one are run; by default all of them.
    type: str
    version_added: 0.2.0
  target:
    description:
      - Address of the machine that is measured, as seen from the machine of the task. It stands in place of the word
        target in braces in O(definition).
    type: str
    default: 127.0.0.1
    version_added: 0.2.0
  early_abort:
    description:
      - When to end a benchmark that is hopeless, after its warm-up or between its runs. What it has given until then is
        the result, and RV(cut_short) says why. By default all runs are made.
    type: dict
    version_added: 0.2.0
    suboptions:
      limits:
        description: What goals demand.
        type: list
        elements: dict
        default: []
        suboptions:
          metric:
            description: Name of the metric.
            type: str
            required: true
          direction:
            description: V(maximize) for a limit that it must reach, V(minimize) for one that it must not exceed.
            type: str
            choices: [maximize, minimize]
            required: true
          limit:
            description: The limit.
            type: float
            required: true
      beyond:
        description: How many times beyond its limit a metric is hopeless.
        type: float
        default: 2.0
      seconds:
        description:
          - After how many seconds, preparation included, to stop whatever runs. The task then fails with
            C(failure_class=configuration).
        type: float
      errors_percent:
        description: More failed requests than this, in per cent, are hopeless.
        type: float
        default: 50.0
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
    - The metrics of each tool are in the collection's C(docs/reference/metrics.md).
  returned: success
  type: dict
  sample:
    fileio_operations_per_second: 3140.5
    fileio_latency_p95_ms: 1.742
runs:
  description: The metrics of each run.
  returned: success
  type: list
  elements: dict
seconds:
  description: How long it took, preparation and warm-up included.
  returned: success
  type: float
  sample: 34.2
window_seconds_ago:
  description: When the first run began and when the last one ended, in seconds before the module did.
  returned: success, if anything was run
  type: list
  elements: float
  sample: [28.904, 1.311]
  version_added: 0.2.0
began_ms:
  description: When the first run began, by the controller's clock, in milliseconds since 1970.
  returned: success, if anything was run
  type: int
  sample: 1795406402096
  version_added: 0.2.0
ended_ms:
  description: When the last run ended, by the controller's clock.
  returned: success, if anything was run
  type: int
  sample: 1795406429689
  version_added: 0.2.0
version:
  description: What the tool calls itself; C(simulated) for a simulated machine.
  returned: success
  type: str
  sample: sysbench 1.0.20
cut_short:
  description: Why fewer runs were made than asked for; empty otherwise.
  returned: success
  type: str
  sample: "after the warm-up: latency_p95_ms is 412, more than 2 times its limit of 50"
  version_added: 0.2.0
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
missing:
  description: The programs that are not there, each with its C(name) and the name of Debian's C(package) of it.
  returned: with O(state=surveyed)
  type: list
  elements: dict
  sample: [{name: fio, package: fio}]
  version_added: 0.2.0
failure_class:
  description:
    - V(measurement) if the benchmark gave no number that can be trusted, V(infrastructure) if it could not run on
      this machine at all, V(configuration) if it was given up as hopeless.
  returned: failure
  type: str
  sample: measurement
"""

from copy import deepcopy
from typing import Any, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.arguments import ARGUMENT_SPEC
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import GUEST as GUEST_PLACE
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import (
    BenchmarkDefinition,
    parse_definition,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.early_abort import EarlyAbort
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import (
    measure,
    missing_programs,
    planned_result,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.serving import start_servers, stop_servers
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import online_cpus
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Program
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
        result = _do(definition, module.params, module.check_mode)
    except MachineBusy as error:
        module.fail_json(msg=str(error), failure_class="infrastructure")
    except BenchmarkError as error:
        module.fail_json(msg=str(error), failure_class=error.failure_class)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**{"changed": False, **result})


def _do(definition: BenchmarkDefinition, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    directory, target = options["directory"], options["target"]
    if options["state"] == "surveyed":
        return {"missing": [program._asdict() for program in missing_programs(_needed(definition, options["place"]))]}
    if options["state"] == "serving":
        return {"changed": not check_mode and start_servers(definition, directory)}
    if options["state"] == "stopped":
        return {"changed": not check_mode and stop_servers(directory)}
    if options["place"] is not None:
        definition = definition.on(options["place"])
    if check_mode:
        return planned_result(definition, online_cpus(), target)
    with machine_lock(GUEST):
        return measure(definition, directory, target, EarlyAbort.from_options(options["early_abort"]))


def _needed(definition: BenchmarkDefinition, place: str | None) -> list[Program]:
    """What has to be installed at a place; on the measured machine also what serves benchmarks that run elsewhere."""
    if place is None:
        return [program for benchmark in definition.benchmarks for program in benchmark.programs]
    needed = [program for benchmark in definition.on(place).benchmarks for program in benchmark.programs]
    if place == GUEST_PLACE:
        serving = [b for b in definition.elsewhere() if any(job.server() is not None for job in b.jobs)]
        needed += [program for benchmark in serving for program in benchmark.programs]
    return needed


if __name__ == "__main__":
    main()
