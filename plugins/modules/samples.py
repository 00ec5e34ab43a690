#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: samples
short_description: Take up what was watched of a machine during a run
version_added: 0.2.0
author: evolve.vm contributors (@evolve-vm)
description:
  - Collects what M(evolve.vm.sampler) has seen of a slot, keeps the points in the study's store, and sends them to the
    database of metrics where one is named. What follows from the points of the run's time is returned as metrics.
  - With a database the points are read back from it, so that it is the source of the metrics. Raw points are read and
    aggregated here, so that every database gives the same number.
  - A database that does not answer holds up no run and loses no point. The points wait in a spool under O(home) and are
    sent later, in order; the metrics then follow from the sampler's own points.
  - Delegate it to the machine on which the sampler runs.
extends_documentation_fragment:
  - evolve.vm.study
attributes:
  action:
    details:
      - Only the module M(evolve.vm.sampler) runs on the target.
options:
  state:
    description:
      - V(collected) takes up what was watched during one run.
      - V(sent) sends what still waits for the database, trying for up to a minute.
    type: str
    choices: [collected, sent]
    default: collected
  monitoring:
    description: What M(evolve.vm.study) returned under that name. Required with O(state=collected).
    type: dict
  database:
    description: Database of metrics, as C(evolve_monitoring_database) names it.
    type: dict
  slot:
    description: Name of the slot. Required with O(state=collected).
    type: str
  trial:
    description: Number of the trial, which the points are tagged with. Required with O(state=collected).
    type: int
  began_ms:
    description: When the run began, by the controller's clock, as M(evolve.vm.benchmark) returns it.
    type: int
  ended_ms:
    description: When it ended.
    type: int
  wanted:
    description: Names of metrics to return beside those that always are.
    type: list
    elements: str
    default: []
  sampler:
    description: Further options of M(evolve.vm.sampler), such as its C(directory).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Take up what was watched meanwhile
  evolve.vm.samples:
    study: web-tier
    home: /srv/evolve
    slot: "{{ inventory_hostname }}"
    trial: "{{ next.run.trial }}"
    monitoring: "{{ opened.monitoring }}"
    began_ms: "{{ benchmark_result.began_ms }}"
    ended_ms: "{{ benchmark_result.ended_ms }}"
  delegate_to: hypervisor1
  become: true
  register: watched
"""

RETURN = r"""
metrics:
  description: The metrics that follow from the points of the run's time, means and some percentiles.
  returned: with O(state=collected)
  type: dict
  sample: {cpu_utilisation_percent: 61.2, response_time_ms: 3.9, response_time_p95_ms: 7.25}
points:
  description: How many points were taken up.
  returned: with O(state=collected)
  type: int
source:
  description: Where the numbers are from.
  returned: with O(state=collected)
  type: str
  sample: the sampler
problems:
  description: What could not be done or seen, in sentences. They are shown as warnings, too.
  returned: with O(state=collected)
  type: list
  elements: str
seconds:
  description: How long it took.
  returned: with O(state=collected)
  type: float
waiting:
  description: How many points still wait for the database.
  returned: with O(state=sent)
  type: int
"""
