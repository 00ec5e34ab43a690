#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: baseline
short_description: Fix the baseline configuration of a study
version_added: 0.1.0
author: evolve.vm contributors (@evolve-vm)
description:
  - Takes what was read from the slots as the configuration that the search must beat, and to which slots are restored.
  - Slots that differ are refused, because trials on machines that are not alike cannot be compared.
  - Once fixed, the baseline of a study does not change.
extends_documentation_fragment:
  - evolve.vm.study
options:
  readings:
    description:
      - What was read from each slot, by host. V(readback) holds the present value of every parameter, V(message) says
        why a slot could not be read.
    type: dict
    required: true
  founders:
    description:
      - What was read from other machines, in the same form. Their configurations enter the initial population.
      - What lies outside the search space becomes the nearest in it.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Fix the baseline
  evolve.vm.baseline:
    study: web-tier
    home: /srv/evolve
    readings:
      clone-1:
        readback: {vm.vcpus: 2, kernel.sysctl.vm.swappiness: 60}
      clone-2:
        readback: {vm.vcpus: 2, kernel.sysctl.vm.swappiness: 60}
    founders:
      db-1:
        readback: {vm.vcpus: 8, kernel.sysctl.vm.swappiness: 10}
"""

RETURN = r"""
harvest:
  description: The baseline configuration.
  returned: always
  type: dict
founders:
  description: A line on each founder of the initial population, and on each that was not taken.
  returned: when fixed
  type: list
  elements: str
"""
