#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tell
short_description: Tell a study what a run gave
version_added: 0.1.0
author: evolve.vm contributors (@evolve-vm)
description:
  - Records a measurement, after checking that the machine really was in the configuration of the trial and that the
    metrics can be scored. Otherwise it fails, and the failure is to be told with O(failure).
  - Records a failure, decides whose fault it was, and whether the trial is run again.
extends_documentation_fragment:
  - evolve.vm.study
options:
  run:
    description: The identifier that M(evolve.vm.ask) gave. Required, unless O(slot) is given.
    type: int
  slot:
    description: Name of a slot that was put back on its baseline, where M(evolve.vm.ask) had asked for that.
    type: str
  applied:
    description: Results of the modules that applied the configuration.
    type: list
    elements: dict
    default: []
  benchmark:
    description: Result of M(evolve.vm.benchmark).
    type: dict
    default: {}
  watched:
    description: Result of M(evolve.vm.samples), the metrics of which are added to those of the benchmark.
    type: dict
    default: {}
    version_added: 0.2.0
  database:
    description:
      - Database of metrics that is to have the result as well, as C(evolve_monitoring_database) names it. The result
        is put into the spool on the controller; the next M(evolve.vm.samples) sends it.
    type: dict
    version_added: 0.2.0
  failure:
    description:
      - Result of the step that failed. Its C(failure_class), C(lost) and C(unreachable) are taken into account.
    type: dict
  restored:
    description: Whether the slot answers again on its baseline, after the failure or because that was asked for.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Record the measurement
  evolve.vm.tell:
    study: web-tier
    home: /srv/evolve
    run: "{{ next.run.id }}"
    applied: ["{{ vm_sizing_result }}", "{{ kernel_tunables_result }}"]
    benchmark: "{{ benchmark_result }}"

- name: Record a failure
  evolve.vm.tell:
    study: web-tier
    home: /srv/evolve
    run: "{{ next.run.id }}"
    failure: "{{ ansible_failed_result }}"
    restored: true
"""

RETURN = r"""
metrics:
  description: The metrics as recorded, C(vm_cost) included.
  returned: when measured
  type: dict
failure_class:
  description: Whose fault a failure was.
  returned: when failed
  type: str
"""
