#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: configuration
short_description: Check a configuration before anything is touched, or write one to a file
version_added: 0.1.0
author: evolve.vm contributors (@evolve-vm)
description:
  - Refuses a configuration with unknown names, impossible values or broken constraints, and names all of them at once.
attributes:
  check_mode:
    support: full
    description: Can run in check mode without changing anything.
  diff_mode:
    support: none
    description: Says in detail what would change.
  action:
    support: full
    description: Runs on the controller; the target is never contacted.
options:
  configuration:
    description: A mapping of parameter name to value.
    type: raw
    required: true
  constraints:
    description: Expressions that it must satisfy. One that speaks of a parameter without a value holds.
    type: list
    elements: str
    default: []
  apps:
    description: Applications that the user has described, by name, so that C(app.<name>.*) are known.
    type: dict
    default: {}
    version_added: 0.2.0
  file:
    description: File on the controller to write the configuration to, as a vars file that the playbook C(apply) takes.
    type: path
    version_added: 0.2.0
  about:
    description: Lines that stand as comments at the top of O(file).
    type: list
    elements: str
    default: []
    version_added: 0.2.0
"""

EXAMPLES = r"""
- name: Check the configuration
  evolve.vm.configuration:
    configuration: "{{ evolve_configuration }}"
    constraints: "{{ evolve_constraints | default([]) }}"
"""

RETURN = r"""
configuration:
  description: The configuration in plain types.
  returned: success
  type: dict
risks:
  description: The parameters whose values can cost more than speed, and what they can cost.
  returned: success
  type: dict
  sample: {vm.disk.cache: durability}
"""
