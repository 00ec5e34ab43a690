#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Report on a study
version_added: 0.1.0
author: evolve.vm contributors (@evolve-vm)
description:
  - Writes one self-contained HTML page, and returns a summary for the terminal.
  - With O(weights) it writes nothing. It returns how the trials would rank, and which would win, with other weights.
extends_documentation_fragment:
  - evolve.vm.study
options:
  weights:
    description:
      - Other weights of the goals, a mapping of metric to weight, to see what they would make of the study.
      - Goals that are not named keep theirs. Nothing is changed.
    type: raw
"""

EXAMPLES = r"""
- name: Report on the study
  evolve.vm.report:
    study: web-tier
    home: /srv/evolve
  register: report

- name: Show the summary
  ansible.builtin.debug:
    msg: "{{ report.text }}"

- name: See what would win if latency counted more
  evolve.vm.report:
    study: web-tier
    home: /srv/evolve
    weights:
      fileio_latency_p95_ms: 5
"""

RETURN = r"""
path:
  description: Path of the page.
  returned: without O(weights)
  type: str
summary:
  description: Everything the report says, as plain values.
  returned: without O(weights)
  type: dict
what_if:
  description:
    - What the other weights would make of the study. C(present) and C(winner) are numbers of trials, 0 is the baseline.
      C(ranking) holds the best trials, with C(fitness) by these weights and C(before) by those of the study, in log
      units.
  returned: with O(weights)
  type: dict
text:
  description: The summary for the terminal.
  returned: success
  type: str
"""
