#!/usr/bin/python
# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_for_guest
short_description: Wait until a restarted guest answers
version_added: 0.1.0
author:
  - evolve.vm contributors (@evolve-vm)
description:
  - Drops the connection that may still be open to the guest as it was, and connects until a command can be run.
  - Does what M(ansible.builtin.wait_for_connection) does, without running a module in the guest, which costs an
    emulated guest several seconds.
options:
  timeout_seconds:
    description: How long the guest may take to answer.
    type: int
    default: 300
  connect_timeout_seconds:
    description: How long one attempt may take.
    type: int
    default: 5
  pause_seconds:
    description: How long to wait between attempts.
    type: float
    default: 0.5
attributes:
  action:
    support: full
    description: Runs on the controller; there is no module.
  check_mode:
    support: full
    description: Is skipped.
  diff_mode:
    support: none
    description: Changes nothing.
  platform:
    support: full
    description: What the guest may be.
    platforms: posix
seealso:
  - module: ansible.builtin.wait_for_connection
"""

EXAMPLES = r"""
- name: Wait until the guest answers again
  evolve.vm.wait_for_guest:
    timeout_seconds: 120
"""

RETURN = r"""
answered:
  description: Whether the guest answered. The task fails when it did not.
  type: bool
  returned: when not skipped
seconds:
  description: How long it took.
  type: float
  returned: when not skipped
  sample: 8.4
"""
