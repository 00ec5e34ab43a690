# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's slots as an estate whose controller can be killed, like that of the simulation."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.tests.lab.conftest import DIRECTORY, INVENTORY, NAME, REPOSITORY, lab_playbook
from ansible_collections.evolve.vm.tests.lab.test_study import STUDY
from ansible_collections.evolve.vm.tests.simulation.conftest import Estate, environment
from ansible_collections.evolve.vm.tests.simulation.crashing import Campaign, crash

# How long a study takes that nobody disturbs.
STUDY_SECONDS = 100.0
SIZE = re.compile(r"^(CPU\(s\)|Used memory): +(\d+)", re.MULTILINE)
CACHE = re.compile(r"<driver [^>]*cache='(\w+)'")


class LabEstate(Estate):
    """Two real virtual machines. What they have is asked of libvirt and of their kernels."""

    def __init__(self, folder: Path, study: dict[str, Any]) -> None:
        super().__init__(folder, slots=0)
        self.hosts = {"slot-1": {}, "slot-2": {}}
        self.variables = {**study, "evolve_home": str(self.home)}

    def command(self, playbook: str, *arguments: str) -> list[str]:
        variables = json.dumps(self.variables)
        program = str(REPOSITORY / "playbooks" / f"{playbook}.yml")
        return [str(self.core.playbook), program, "-i", str(INVENTORY), "-e", variables, *arguments]

    def machines(self) -> dict[str, dict[str, Any]]:
        return {host: {**_of_libvirt(f"{NAME}-{host}"), **_of_the_kernel(host)} for host in self.hosts}


def crash_lab(points: int, seed: int, tell: Callable[[str], None]) -> Campaign:
    """Kill the controller of studies in a lab that is made for that, and taken away at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_LAB_DIRECTORY", str(DIRECTORY))
        try:
            made = lab_playbook(lab_slots=2)
            if made.returncode:
                raise RuntimeError(made.stdout)
            return crash(points, seed, tell=tell, make=_estate, length=STUDY_SECONDS)
        finally:
            lab_playbook(lab_state="absent")


def _estate(folder: Path, number: int) -> LabEstate:
    return LabEstate(folder, {**STUDY, "evolve_seed": number + 1})


def _of_libvirt(domain: str) -> dict[str, Any]:
    sizes = dict(SIZE.findall(_output("virsh", "-c", "qemu:///system", "dominfo", domain)))
    cache = CACHE.search(_output("virsh", "-c", "qemu:///system", "dumpxml", domain))
    return {
        "vm.vcpus": int(sizes["CPU(s)"]),
        "vm.memory_mib": int(sizes["Used memory"]) // 1024,
        "vm.disk.cache": cache.group(1) if cache else "writeback",
    }


def _of_the_kernel(host: str) -> dict[str, Any]:
    ansible = str(Path(sys.executable).with_name("ansible"))
    read = ("-m", "ansible.builtin.command", "-a", "cat /proc/sys/vm/swappiness")
    return {"kernel.sysctl.vm.swappiness": int(_output(ansible, "-i", str(INVENTORY), host, *read).split()[-1])}


def _output(*command: str) -> str:
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=True, timeout=120
    ).stdout
