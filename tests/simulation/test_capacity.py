# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role vm_sizing reads of the host that a machine stands on."""

from __future__ import annotations

import json
import subprocess

import yaml

from .conftest import ROOT, Core, Estate, environment, said

PLAY = {
    "hosts": "evolve_slots",
    "gather_facts": False,
    "tasks": [
        {"import_role": {"name": "evolve.vm.vm_sizing"}, "vars": {"vm_sizing_configuration": {"vm.vcpus": 4}}},
        {"import_role": {"name": "evolve.vm.vm_sizing"}, "vars": {"vm_sizing_state": "read"}},
        {"import_role": {"name": "evolve.vm.benchmark"}},
        {
            "copy": {
                "content": "{{ vm_sizing_result.hypervisor | to_json }}",
                "dest": "{{ evolve_home }}/{{ inventory_hostname }}.json",
            }
        },
    ],
    "vars": {"vm_sizing_parameters": ["vm.vcpus"]},
}


def test_each_machine_reads_the_host_that_it_stands_on(estate: Estate, core: Core) -> None:
    estate.core = core
    estate.variables["evolve_simulation"] = {"host_vcpus": 8, "noise": 0.01}
    estate.hosts["sim-3"] = {"evolve_hypervisor": "kvm-2", "evolve_simulation": {"host_memory_mib": 2048}}
    playbook = estate.folder / "capacity.yml"
    playbook.write_text(yaml.safe_dump([PLAY]))
    command = estate.command("evolve")
    command[1] = str(playbook)
    ended = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, said(ended)
    size = {"vcpus": 4, "memory_mib": 1024}
    shared = {"vcpus": 8, "memory_mib": 262144, "numa_nodes": 1, "machines": {"sim-1": size, "sim-2": size}}
    own = {"vcpus": 64, "memory_mib": 2048, "numa_nodes": 1, "machines": {"sim-3": size}}
    for machine, host in {"sim-1": shared, "sim-2": shared, "sim-3": own}.items():
        assert json.loads((estate.home / f"{machine}.json").read_text()) == host
