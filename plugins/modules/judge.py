#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: judge
short_description: Judge a study
version_added: 0.1.0
author: evolve.vm contributors (@evolve-vm)
description:
  - Says whether the winner is better than the baseline, by a confidence interval over fresh runs in random ABBA blocks.
  - Writes C(best.yml), the winner where it is better, else the baseline.
extends_documentation_fragment:
  - evolve.vm.study
"""

EXAMPLES = r"""
- name: Judge the study
  evolve.vm.judge:
    study: web-tier
    home: /srv/evolve
  register: judged
"""

RETURN = r"""
verdict:
  description: The verdict, a sentence that explains it, and the intervals in log units.
  returned: success
  type: dict
best:
  description: Path of the configuration to deploy.
  returned: success
  type: str
"""
