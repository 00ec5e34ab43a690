#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ask
short_description: Ask a study what a slot runs next
version_added: 0.1.0
author: evolve.vm contributors (@evolve-vm)
description:
  - Hands out the next run of a phase for one slot, and records that it is under way. The run is leased to this
    controller (ansible-playbook); when it is gone, others take the run over.
  - In place of a run it may say that the slot is to be put back on its baseline first.
  - Waits while the slot has nothing to do but others may still leave something over. Under the strategy
    P(evolve.vm.steady_state#strategy) that takes no worker.
extends_documentation_fragment:
  - evolve.vm.study
options:
  slot:
    description: Name of the host that asks.
    type: str
    required: true
  phase:
    description: The phase of the study.
    type: str
    choices: [baseline, search, verification]
    required: true
  wait_seconds:
    description: How long to wait for others at most.
    type: int
    default: 3600
  early_abort:
    description:
      - When a run of the search is hopeless, for the option of the same name of M(evolve.vm.benchmark). A dictionary of
        C(limit_factor) (2, times the limit of a goal), C(time_factor) (4, times what the baseline takes, at least a
        minute) and C(errors_percent) (50).
      - V(false) has every run made to its end. The baseline and the verification always are.
    type: raw
    version_added: 0.2.0
"""

EXAMPLES = r"""
- name: Ask for the next run
  evolve.vm.ask:
    study: web-tier
    home: /srv/evolve
    slot: "{{ inventory_hostname }}"
    phase: search
  register: next
"""

RETURN = r"""
done:
  description: Whether nothing is left for this slot in this phase.
  returned: success
  type: bool
restore:
  description: Whether the slot is to be put back on its baseline, and M(evolve.vm.tell) told, before it asks again.
  returned: success
  type: bool
reason:
  description: Why nothing is left, or why the slot is to be put back.
  returned: when there is no run
  type: str
run:
  description: The run to do.
  returned: when there is one
  type: dict
  contains:
    id:
      description: What the result is told under.
      type: int
    purpose:
      description: The phase it belongs to.
      type: str
    trial:
      description: Number of the trial; 0 is the baseline.
      type: int
    configuration:
      description: What to apply.
      type: dict
    early_abort:
      description: When it is hopeless, for the option of M(evolve.vm.benchmark); none where it never is.
      type: dict
    block:
      description: Number of the verification block, if it is part of one.
      type: int
    position:
      description: Place in that block, 0 to 3.
      type: int
"""
