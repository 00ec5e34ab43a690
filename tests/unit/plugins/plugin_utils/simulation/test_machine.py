# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a simulated machine."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import (
    MachineLostError,
    SimulatedMachine,
    SimulationError,
)


def test_a_machine_without_a_file_is_in_its_baseline_and_leaves_none(tmp_path):
    machine = SimulatedMachine(tmp_path / "new", "sim-01")
    assert machine.configuration["vm.vcpus"] == 2
    assert machine.configuration["kernel.sysctl.vm.swappiness"] == 60
    assert machine.measurements == 0
    assert not (tmp_path / "new").exists()


def test_what_was_saved_is_there_again(tmp_path):
    machine = SimulatedMachine(tmp_path / "new", "sim-01")
    machine.values["vm.disk.iothread"] = True
    machine.sysctls["vm.swappiness"] = 5
    machine.hypervisor = "kvm-1"
    machine.measurements = 9
    machine.save()
    again = SimulatedMachine(tmp_path / "new", "sim-01")
    assert again.configuration == machine.configuration
    assert again.values["vm.disk.iothread"] is True
    assert again.hypervisor == "kvm-1"
    assert again.measurements == 9
    assert os.listdir(tmp_path / "new") == ["sim-01.json"]


def test_a_restart_forgets_the_kernel_parameters(tmp_path):
    machine = SimulatedMachine(tmp_path, "sim-01")
    machine.sysctls["vm.swappiness"] = 5
    machine.reset_sysctls()
    assert machine.sysctls["vm.swappiness"] == 60


def test_a_restart_brings_what_was_prepared_once(tmp_path):
    machine = SimulatedMachine(tmp_path, "sim-01")
    machine.next_boot = {"kernel.boot.nosmt": True}
    machine.save()
    machine = SimulatedMachine(tmp_path, "sim-01")
    machine.reset_sysctls()
    assert machine.configuration["kernel.boot.nosmt"] is True
    machine.save()
    machine = SimulatedMachine(tmp_path, "sim-01")
    assert machine.configuration["kernel.boot.nosmt"] is True
    machine.reset_sysctls()
    assert "kernel.boot.nosmt" not in machine.configuration


def test_a_name_never_leaves_the_folder(tmp_path):
    machine = SimulatedMachine(tmp_path / "machines", "../../etc/passwd")
    machine.save()
    assert machine.path.parent == tmp_path / "machines"
    assert os.listdir(tmp_path) == ["machines"]
    assert len(os.listdir(tmp_path / "machines")) == 1


def test_a_file_of_an_earlier_version_is_read(tmp_path):
    SimulatedMachine(tmp_path, "sim-01").save()
    content = json.loads((tmp_path / "sim-01.json").read_text())
    for key in ("hypervisor", "tunables", "next_boot"):
        del content[key]
    (tmp_path / "sim-01.json").write_text(json.dumps(content))
    again = SimulatedMachine(tmp_path, "sim-01")
    assert again.hypervisor is None
    assert again.configuration == SimulatedMachine(tmp_path, "sim-02").configuration


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"values": {}, "sysctls": {}, "measurements": "3"}', "\x00"])
def test_a_file_that_is_none_is_told(tmp_path, content):
    (tmp_path / "sim-01.json").write_text(content)
    with pytest.raises(SimulationError, match=r"sim-01\.json does not describe a simulated machine\. Remove it"):
        SimulatedMachine(tmp_path, "sim-01")


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SimulationError, match="cannot be read: Not a directory"):
        SimulatedMachine(tmp_path / "file", "sim-01")
    with pytest.raises(SimulationError, match=r"cannot be written to /proc/none/sim-01\.json"):
        SimulatedMachine("/proc/none", "sim-01").save()


def test_a_save_that_fails_leaves_the_old_file(tmp_path):
    machine = SimulatedMachine(tmp_path, "sim-01")
    machine.save()
    machine.measurements = 5
    machine.values["vm.vcpus"] = object()
    with pytest.raises(TypeError):
        machine.save()
    assert json.loads((tmp_path / "sim-01.json").read_text())["measurements"] == 0
    assert os.listdir(tmp_path) == ["sim-01.json"]


def test_a_lost_machine_says_how_to_get_it_back(tmp_path):
    machine = SimulatedMachine(tmp_path, "sim-01")
    machine.require_answer()
    machine.lost = True
    machine.save()
    with pytest.raises(MachineLostError, match=r"sim-01 does not answer(.|\n)*Remove .*sim-01\.json"):
        SimulatedMachine(tmp_path, "sim-01").require_answer()
