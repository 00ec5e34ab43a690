#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: metrics_check
short_description: See whether the points of a machine's agent arrive
version_added: 0.2.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Reads the database of metrics back until every metric that the agent of a machine is to write has a fresh point
    there, and says of those that have none what to look at.
  - Says how far the machine's clock is off from the controller's. Points that an agent stamps itself count for the
    wrong trial when it is.
options:
  connection:
    description:
      - The database, with C(kind) (V(influxdb), V(prometheus) or V(victoriametrics)), C(url), C(database) and the other
        keys that C(evolve_monitoring_database) has.
    type: dict
    required: true
  agent:
    description: The agent that runs on the machine.
    type: str
    choices: [node_exporter, collectd, telegraf]
    required: true
  machine:
    description:
      - The value of O(host_tag). By default the name of the host in the inventory, which the role gives its agents.
    type: str
  host_tag:
    description:
      - The tag or label that names the machine. V(instance), with host and port in O(machine), is the right one for
        scrape jobs of your own.
    type: str
    default: host
  interval_seconds:
    description: The interval of the agent. A point older than twice that and 15 seconds is stale.
    type: float
    default: 10.0
  probes:
    description: Whom the agent asks, as the variable C(evolve_monitoring_probes) has it.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What it is called in the database.
        type: str
        required: true
      kind:
        description: How it is asked.
        type: str
        choices: [http, tcp, icmp]
        required: true
      target:
        description: Who is asked.
        type: str
        required: true
      send:
        description: Makes no difference here.
        type: str
      expect:
        description: Makes no difference here.
        type: str
  timeout_seconds:
    description: How long to wait for points. By default three intervals and a minute.
    type: float
attributes:
  action:
    support: full
    description: Runs on the controller; there is no module. On the machine only the command C(date) is run.
  check_mode:
    support: full
    description: Only reads.
  diff_mode:
    support: none
    description: Changes nothing.
  platform:
    support: full
    description: What the machine may be.
    platforms: posix
seealso:
  - ref: evolve.vm.monitoring role <ansible_collections.evolve.vm.monitoring_role>
    description: Installs the agents.
"""

EXAMPLES = r"""
- name: See whether the points arrive
  evolve.vm.metrics_check:
    connection: {kind: prometheus, url: 'http://metrics.example.org:9090'}
    agent: node_exporter
    interval_seconds: 10
"""

RETURN = r"""
msg:
  description: What arrives and what does not, what to look at, and how far the clock is off.
  type: str
  returned: always
metrics:
  description: Every metric that is to arrive.
  type: list
  elements: dict
  returned: when the database could be read
  contains:
    name:
      description: The metric.
      type: str
    probe:
      description: The probe, or nothing.
      type: str
    status:
      description: V(arrives), V(missing), V(stale) or V(ahead) (its points lie in the future).
      type: str
    age_seconds:
      description: The age of the newest point; none where there is no point.
      type: float
clock_skew_seconds:
  description: The machine's clock less the controller's; none where it cannot be read.
  type: float
  returned: when the database could be read
  sample: 0.0
"""
