# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module tunables on this machine's own kernel, without changing it; changing a real one is in tests/lab."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.evolve.vm.plugins.modules import tunables

SWAPPINESS = Path("/proc/sys/vm/swappiness")
NAME = "kernel.sysctl.vm.swappiness"


def test_reads(run_module):
    result = run_module(
        tunables, state="read", parameters=[NAME, "kernel.sysctl.kernel.ostype", "vm.vcpus"], configuration={NAME: 1}
    )
    assert result["changed"] is False
    assert result["readback"] == {NAME: int(SWAPPINESS.read_text()), "kernel.sysctl.kernel.ostype": "Linux"}


def test_value_in_force_already_changes_nothing(run_module):
    present = int(SWAPPINESS.read_text())
    if os.access(SWAPPINESS, os.W_OK):
        result = run_module(tunables, configuration={NAME: str(present), "vm.vcpus": 2})
        assert (result["changed"], result["tier"], result["readback"]) == (False, "none", {NAME: present})
    else:
        assert (
            "no permission to write. Run the task with become." in run_module(tunables, configuration={NAME: 1})["msg"]
        )


def test_check_mode_says_what_would_change_and_writes_nothing(run_module, monkeypatch):
    present = int(SWAPPINESS.read_text())
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    result = run_module(tunables, check_mode=True, configuration={NAME: present + 1})
    assert result["changes"] == [{"parameter": NAME, "before": present, "after": present + 1, "tier": "live"}]
    assert result["diff"]["prepared"] == f"{NAME}: {present} -> {present + 1} (live)\n"
    assert result["readback"] == {NAME: present}
    assert int(SWAPPINESS.read_text()) == present


def test_every_fault_in_one_failure(run_module):
    result = run_module(
        tunables,
        configuration={"kernel.sysctl.vm.swapiness": 1, NAME: True, "kernel.scheduler": "x"},
        parameters=["kernel.sysctl.kernel.ostyp", "kernel.scheduler", "kernel.sysctl.vm.swapiness"],
    )
    lines = result["msg"].splitlines()
    assert lines[0] == "Nothing was changed."
    assert [line.split(":")[0] for line in lines[1:]] == [
        NAME,
        "kernel.scheduler",
        "kernel.sysctl.vm.swapiness",
        "kernel.sysctl.kernel.ostyp",
    ]
    assert "Did you mean vm.swappiness?" in lines[3]


def test_simulated_is_not_answered_by_the_module(run_module):
    assert "action plugin evolve.vm.tunables" in run_module(tunables, hypervisor="simulated")["msg"]


def test_all_kinds_are_read_from_this_machine(run_module):
    line = Path("/proc/cmdline").read_text().split(" -- ")[0].split()
    names = ["kernel.boot.evolve_is_not_there", NAME]
    bare = next((word for word in line if word.replace("_", "").isalnum()), None)
    names += [f"kernel.boot.{bare}"] if bare else []
    huge = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    names += ["kernel.sysfs.kernel.mm.transparent_hugepage.enabled"] if huge.exists() else []
    efficient = Path("/sys/module/workqueue/parameters/power_efficient")
    names += ["kernel.module.workqueue.power_efficient"] if efficient.exists() else []
    read = run_module(tunables, state="read", parameters=names)["readback"]
    assert list(read) == names
    assert read["kernel.boot.evolve_is_not_there"] is False
    assert read.get(f"kernel.boot.{bare}", True) is True
    if huge.exists():
        assert f"[{read['kernel.sysfs.kernel.mm.transparent_hugepage.enabled']}]" in huge.read_text()
    if efficient.exists():
        assert read["kernel.module.workqueue.power_efficient"] is (efficient.read_text() == "Y\n")


def test_check_mode_plans_a_restart(run_module):
    result = run_module(
        tunables, check_mode=True, boot_loader="direct", configuration={"kernel.boot.evolve_is_not_there": True}
    )
    assert (result["tier"], result["restart_required"]) == ("reboot", True)
    assert result["boot_parameters"] == {"evolve_is_not_there": True}
    refused = run_module(tunables, boot_loader="direct", configuration={"kernel.boot.evolve_is_not_there": True})
    assert "its hypervisor has to change it" in refused["msg"]
