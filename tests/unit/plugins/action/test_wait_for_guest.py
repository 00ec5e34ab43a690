# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action wait_for_guest, run by Ansible itself; a real guest that boots is in tests/lab/test_applying.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]


def wait(*options):
    """Run the action ad hoc; returns what Ansible printed in one line."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("ansible"),
            *("guest", "-i", "guest,", "-m", "evolve.vm.wait_for_guest", "--one-line"),
            *options,
        ],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_guest_that_answers():
    output = wait("-c", "local")
    assert "SUCCESS" in output
    assert '"changed": false' in output


def test_guest_that_does_not_answer_in_time_is_a_failure_with_the_reason():
    output = wait("-e", "ansible_host=127.0.0.1 ansible_port=1", "-a", "timeout_seconds=1 pause_seconds=0.2")
    assert "FAILED!" in output
    assert "The guest does not answer after" in output
    assert "Connection refused" in output


def test_guest_without_a_shell_is_a_failure():
    output = wait("-c", "local", "-e", "ansible_shell_executable=/bin/false", "-a", "timeout_seconds=0")
    assert "The guest does not answer after 0 s: the command true failed" in output


def test_check_mode_waits_for_nothing():
    assert "SKIPPED" in wait("-e", "ansible_host=127.0.0.1 ansible_port=1", "--check")
