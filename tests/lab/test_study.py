# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study on real virtual machines, one of which is switched off on the way; and estates that are not ready."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from .conftest import INVENTORY, NAME, REPOSITORY, ansible

BASELINE = {"vm.vcpus": 2, "vm.memory_mib": 1024, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60}
STUDY: dict[str, Any] = {
    "evolve_study": "real",
    "evolve_parameters": {
        "vm.vcpus": {"type": "int", "range": [1, 3]},
        "vm.memory_mib": {"type": "int", "range": [512, 1024], "step": 128},
        "vm.disk.cache": {"type": "choice", "values": ["none", "writeback"]},
        "kernel.sysctl.vm.swappiness": {"type": "int", "range": [0, 100]},
    },
    "evolve_constraints": [],
    "evolve_goals": [
        {"metric": "cpu_events_per_second", "direction": "maximize"},
        {"metric": "vm_cost", "direction": "minimize"},
    ],
    "evolve_benchmark": {"name": "sysbench", "tests": ["cpu"], "seconds": 1, "warmup_seconds": 0, "repeats": 1},
    "evolve_budget": {"trials": 4},
    "evolve_algorithm_options": {"population": 3},
    "evolve_baseline_repeats": 2,
    "evolve_verification": {"blocks": 1},
}


def arguments(home: Path, **changes: Any) -> list[str]:
    variables = {**STUDY, "evolve_home": str(home), **changes}
    return [str(REPOSITORY / "playbooks" / "evolve.yml"), "-e", json.dumps(variables)]


def virsh(*words: str) -> str:
    return subprocess.run(["virsh", "-c", "qemu:///system", *words], capture_output=True, text=True, check=True).stdout


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(home / "evolve.sqlite") as connection:
        return connection.execute(query).fetchall()


def folded(text: str) -> str:
    """With white space folded: long messages are wrapped."""
    return " ".join(text.split())


def present(slot: str) -> dict[str, Any]:
    """What a slot really has, asked from libvirt and from its kernel, not from our own modules."""
    domain = f"{NAME}-{slot}"
    counts = {
        line.split()[0] + line.split()[1]: int(line.split()[2])
        for line in virsh("vcpucount", domain).splitlines()
        if line
    }
    answer = ansible("ansible", slot, "-m", "ansible.builtin.command", "-a", "cat /proc/sys/vm/swappiness").stdout
    return {
        "vm.vcpus": counts["currentlive"],
        "vm.memory_mib": int(virsh("dommemstat", domain).split("actual ", 1)[1].split()[0]) // 1024,
        "vm.disk.cache": "none" if "cache='none'" in virsh("dumpxml", domain) else "writeback",
        "kernel.sysctl.vm.swappiness": int(answer.split(">>\n", 1)[1].split()[0]),
    }


def test_a_study_goes_on_when_a_machine_is_switched_off_and_ends_in_a_verdict(lab: Path, tmp_path: Path) -> None:
    output = []
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(INVENTORY), *arguments(tmp_path)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "NO_COLOR": "1"}
    pipe = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, text=True, **pipe) as process:
        assert process.stdout is not None
        for line in process.stdout:
            output.append(line)
            if line.rstrip() == "Search":  # the headline; the report has a line that begins so
                # It may just be shutting down by itself, for its first trial.
                subprocess.run(["virsh", "-c", "qemu:///system", "destroy", f"{NAME}-slot-2"], check=False)
    said = "".join(output)
    assert process.returncode == 0, said
    assert "Judge and report" in said

    (verdict,) = rows(tmp_path, "select verdict from studies")[0]
    assert json.loads(verdict)["verdict"] in ("better", "equivalent", "inconclusive", "worse", "no_improvement")
    assert rows(tmp_path, "select count(*) from trials where number > 0 and status in ('measured', 'failed')") == [(4,)]
    measured = "select m.readback, t.configuration from measurements m join trials t on t.number = m.trial"
    for readback, configuration in rows(tmp_path, f"{measured} where m.status = 'measured'"):
        wanted = json.loads(configuration)
        assert {name: json.loads(readback)[name] for name in wanted} == wanted
    best = yaml.safe_load((tmp_path / "studies" / "real" / "best.yml").read_text())["evolve_configuration"]
    assert set(best) == set(BASELINE)
    for slot in ("slot-1", "slot-2"):
        assert present(slot) == BASELINE, "back on the baseline"


def test_apply_shows_applies_and_goes_back(lab: Path, tmp_path: Path) -> None:
    apply = str(REPOSITORY / "playbooks" / "apply.yml")

    def run(configuration: dict[str, Any], *more: str) -> str:
        given = json.dumps({"evolve_configuration": configuration, "evolve_constraints": []})
        ended = ansible("ansible-playbook", apply, "-l", "slot-2", "-e", given, *more)
        assert ended.returncode == 0, ended.stdout
        return folded(ended.stdout)

    wanted = {**BASELINE, "vm.memory_mib": 640, "kernel.sysctl.vm.swappiness": 11, "vm.disk.cache": "none"}
    shown = run(wanted, "--check", "--diff")
    assert "vm.disk.cache: writeback -> none (reboot)" in shown
    assert "kernel.sysctl.vm.swappiness: 60 -> 11 (live)" in shown
    assert present("slot-2") == BASELINE, "nothing was touched"
    assert "changed 3 of 4 parameters" in run(wanted)
    assert present("slot-2") == wanted
    assert "changed 0 of 4 parameters" in run(wanted)
    run(BASELINE)
    assert present("slot-2") == BASELINE


def test_without_libvirt_the_study_does_not_begin(lab: Path, tmp_path: Path) -> None:
    nowhere = "qemu+unix:///system?socket=/nonexistent/libvirt-sock"
    ended = ansible("ansible-playbook", *arguments(tmp_path, evolve_hypervisor_uri=nowhere))
    assert ended.returncode != 0
    assert "libvirt is not running there" in folded(ended.stdout)
    assert rows(tmp_path, "select count(*) from measurements") == [(0,)]


def test_without_sudo_in_the_guest_the_study_does_not_begin(lab: Path, tmp_path: Path) -> None:
    # On the hypervisor root needs no sudo; in the guests the user evolve does, and does not find it.
    ended = ansible("ansible-playbook", *arguments(tmp_path, ansible_become_exe="/nonexistent/sudo"))
    assert ended.returncode != 0
    assert "sudo" in folded(ended.stdout)
    assert "slot-1 takes no part in the study, and was not touched: " in folded(ended.stdout)
    assert rows(tmp_path, "select count(*) from measurements") == [(0,)]
