# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a change, and how it is shown."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, change_results, costliest, diff_text


def test_costliest_follows_the_order_of_the_tiers():
    assert costliest(["live", "recreate", "reboot"]) == "recreate"
    assert costliest(["reload", "live", "restart"]) == "restart"
    assert costliest([]) == "none"


def test_result_of_changes():
    changes = [Change("vm.vcpus", 2, 4, "live"), Change("vm.disk.iothread", False, True, "reboot", "why")]
    assert change_results(changes) == {
        "changed": True,
        "tier": "reboot",
        "changes": [
            {"parameter": "vm.vcpus", "before": 2, "after": 4, "tier": "live"},
            {"parameter": "vm.disk.iothread", "before": False, "after": True, "tier": "reboot"},
        ],
        "diff": {"prepared": "vm.vcpus: 2 -> 4 (live)\nvm.disk.iothread: false -> true (reboot, why)\n"},
    }


def test_no_changes():
    assert change_results([]) == {"changed": False, "tier": "none", "changes": [], "diff": {"prepared": ""}}
    assert diff_text([]) == ""
