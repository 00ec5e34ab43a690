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
extends_documentation_fragment:
  - evolve.vm.study
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
"""

RETURN = r"""
path:
  description: Path of the page.
  returned: success
  type: str
summary:
  description: Everything the report says, as plain values.
  returned: success
  type: dict
text:
  description: The summary for the terminal.
  returned: success
  type: str
"""
