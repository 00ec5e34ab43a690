# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module vm_config against libvirt's test:///default, and what it says when it cannot work."""

from __future__ import annotations

import libvirt
import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import NAMES
from ansible_collections.evolve.vm.plugins.modules import vm_config

URI = "test:///default"
DOMAIN = """
<domain type='test'>
  <name>web1</name>
  <memory unit='MiB'>4096</memory>
  <currentMemory unit='MiB'>2048</currentMemory>
  <vcpu current='2'>4</vcpu>
  <os><type>hvm</type><kernel>/vmlinuz</kernel><cmdline>root=/dev/vda ro quiet</cmdline></os>
  <devices><disk type='file'><source file='/web1.img'/><target dev='vda' bus='virtio'/></disk></devices>
</domain>
"""


@pytest.fixture
def machine():
    """A running machine web1. As long as this connection is open, the module's own sees the same machines."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    connection = libvirt.open(URI)
    machine = connection.defineXML(DOMAIN)
    machine.create()
    yield machine
    if machine.isActive():
        machine.destroy()
    machine.undefine()
    connection.close()


@pytest.fixture
def size(run_module, machine):
    return lambda **options: run_module(vm_config, name="web1", uri=URI, **options)


def test_applies_and_reads_back(size, machine):
    result = size(configuration={"vm.vcpus": 3, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 10})
    assert result["changed"] is True
    assert result["tier"] == "reboot"
    assert result["changes"] == [
        {"parameter": "vm.vcpus", "before": 2, "after": 3, "tier": "live"},
        {"parameter": "vm.disk.cache", "before": "writeback", "after": "none", "tier": "reboot"},
    ]
    assert result["readback"] == {"vm.vcpus": 3, "vm.disk.cache": "none"}
    assert (result["rebooted"], result["forced_off"], result["running"]) == (True, False, True)
    assert result["diff"]["prepared"] == "vm.vcpus: 2 -> 3 (live)\nvm.disk.cache: writeback -> none (reboot)\n"
    assert machine.info()[3] == 3


def test_second_time_changes_nothing(size):
    configuration = {"vm.vcpus": 3, "vm.memory_mib": 1024, "vm.disk.iothread": True}
    assert size(configuration=configuration)["changed"] is True
    again = size(configuration=configuration)
    assert (again["changed"], again["tier"], again["changes"], again["rebooted"]) == (False, "none", [], False)


def test_check_mode_says_the_same_and_touches_nothing(size, machine):
    before = [machine.XMLDesc(0), machine.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)]
    configuration = {"vm.vcpus": 8, "vm.memory_mib": 512}
    checked = size(check_mode=True, configuration=configuration)
    assert [machine.XMLDesc(0), machine.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)] == before
    assert checked["readback"] == {"vm.vcpus": 2, "vm.memory_mib": 2048}
    assert checked["rebooted"] is False
    done = size(configuration=configuration)
    for key in ("changed", "tier", "changes", "diff"):
        assert checked[key] == done[key]


def test_read_changes_nothing_and_needs_no_names(size):
    result = size(state="read", configuration={"vm.vcpus": 4, "vm.nonsense.kernel": 1}, parameters=["vm.memory_mib"])
    assert result["failed"] is True
    result = size(state="read", configuration={"vm.vcpus": 4}, parameters=["vm.memory_mib", "kernel.sysctl.x"])
    assert (result["changed"], result["readback"]) == (False, {"vm.memory_mib": 2048})
    everything = set(size(state="read")["readback"])
    assert everything == {name for name in NAMES if name != "vm.disk.class" and not name.startswith("vm.network.")}


def test_a_read_says_what_the_hypervisor_has_and_holds_and_an_application_does_not(size):
    held = size(state="read")["hypervisor"]
    assert (held["vcpus"], held["memory_mib"]) == (16, 3072)
    assert held["machines"]["web1"] == {"vcpus": 2, "memory_mib": 2048}
    assert size(state="read", check_mode=True)["hypervisor"] == held
    for check_mode in (True, False):
        assert "hypervisor" not in size(configuration={"vm.vcpus": 3}, check_mode=check_mode)


def test_every_fault_in_one_failure_and_nothing_touched(size, machine):
    before = machine.XMLDesc(0)
    result = size(
        configuration={
            "vm.vcpu": 1,
            "vm.memory_mib": "much",
            "vm.disk.io": "native",
            "vm.disk.iothread": "perhaps",
            "vm.vcpus": 1,
        },
        parameters=["vm.memory", "vm.vcpu"],
    )
    lines = result["msg"].splitlines()
    assert lines[0] == "web1: nothing was changed."
    assert [line.split(":")[0] for line in lines[1:]] == [
        "vm.vcpu",
        "vm.memory_mib",
        "vm.disk.iothread",
        "vm.memory",
        "vm.disk.io",
    ]
    assert machine.XMLDesc(0) == before


def test_failure_half_way_is_said_with_what_was_put_back(size, machine, monkeypatch):
    create = libvirt.virDomain.create

    def refusing(self):
        if "cache='unsafe'" in self.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE):
            raise libvirt.libvirtError("no")
        return create(self)

    monkeypatch.setattr(libvirt.virDomain, "create", refusing)
    result = size(configuration={"vm.disk.cache": "unsafe"})
    assert result["failed"] is True
    assert result["rebooted"] is True
    assert "The previous definition was put back and the machine started with it." in result["msg"]
    assert machine.isActive()


def test_words_of_the_kernel_command_line_are_read_back_as_they_were_asked_for(size, machine):
    wanted = {"kernel.boot.quiet": "default", "kernel.boot.mitigations": "off", "kernel.boot.nosmt": False}
    result = size(configuration={**wanted, "vm.disk.cache": "none"})
    assert result["readback"] == {**wanted, "vm.disk.cache": "none"}
    assert [(change["parameter"], change["before"], change["tier"]) for change in result["changes"]] == [
        ("vm.disk.cache", "writeback", "reboot"),
        ("kernel.boot.quiet", True, "reboot"),
        ("kernel.boot.mitigations", False, "reboot"),
    ]
    assert "<cmdline>root=/dev/vda ro mitigations=off</cmdline>" in machine.XMLDesc(0)
    assert size(configuration=wanted)["changed"] is False
    read = size(state="read", parameters=["kernel.boot.quiet", "kernel.boot.mitigations", "kernel.sysctl.x"])
    assert read["readback"] == {"kernel.boot.quiet": False, "kernel.boot.mitigations": "off"}


def test_boot_parameters_of_a_machine_with_a_boot_loader_are_ignored(size, machine):
    machine.destroy()
    xml = machine.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    machine.connect().defineXML(xml.replace("<kernel>/vmlinuz</kernel>", "")).create()
    result = size(configuration={"kernel.boot.quiet": False, "vm.vcpus": 3}, parameters=["kernel.boot.quiet"])
    assert result["readback"] == {}
    assert [change["parameter"] for change in result["changes"]] == ["vm.vcpus"]


def test_limits_that_the_guest_sees_to_are_ignored(size):
    names = ["vm.network.inbound_mbit_per_second", "vm.network.outbound_mbit_per_second"]
    configuration = {**dict.fromkeys(names, 10), "vm.vcpus": 3}
    # This machine has no interface, so that they would be faults.
    assert size(configuration=configuration)["failed"] is True
    result = size(configuration=configuration, parameters=[*names, "vm.vcpus"], network_limits="guest")
    assert result["readback"] == {"vm.vcpus": 3}
    assert not set(names) & set(size(state="read", network_limits="guest")["readback"])


def test_an_interface_that_the_machine_does_not_have_is_told(size):
    result = size(configuration={"vm.vcpus": 3}, interface="52:54:00:00:00:99")
    assert "no interface with the MAC address 52:54:00:00:00:99. It has: none." in result["msg"]


def test_guest_switched_off_is_a_warning(size, monkeypatch):
    monkeypatch.setattr(libvirt.virDomain, "shutdown", lambda self: 0)
    # Where ansible-core puts a warning depends on what else the process has imported.
    warnings = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda self, warning: warnings.append(warning))
    result = size(configuration={"vm.disk.cache": "none"}, shutdown_timeout_seconds=0)
    assert result["forced_off"] is True
    assert "web1 did not shut down when asked to, and was switched off." in str(warnings)


def test_machine_off_is_started_unless_told_otherwise(size, machine):
    machine.destroy()
    assert size(configuration={}, running=False)["running"] is False
    result = size(configuration={})
    assert (result["changed"], result["running"], result["rebooted"]) == (True, True, True)


def test_unknown_machine(run_module, machine):
    result = run_module(vm_config, name="web2", uri=URI)
    assert "has no machine named web2. Did you mean web1?" in result["msg"]
    assert (result["rebooted"], result["forced_off"]) == (False, False)


def test_libvirt_down(run_module):
    result = run_module(vm_config, name="web1", uri="qemu+unix:///system?socket=/nosocket")
    assert "libvirt is not running there, or the URI is wrong" in result["msg"]


def test_simulated_is_not_answered_by_the_module(run_module):
    result = run_module(vm_config, name="web1", hypervisor="simulated")
    assert "answered on the controller by the action plugin evolve.vm.vm_config" in result["msg"]
