# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The libvirt driver against libvirt's own test:///default driver: a real libvirt that keeps its machines in memory.

What needs a guest (balloon, hot-plug, clean shutdown, a start that fails) is tested in tests/lab/test_applying.py.
"""

from __future__ import annotations

from pathlib import Path

import libvirt
import pytest

from ansible_collections.evolve.vm.plugins.module_utils.changes import diff_text
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.drivers import driver_for
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import (
    ApplyFailed,
    HypervisorError,
    NotAvailable,
    UnknownMachine,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_machine import LibvirtMachine, Patience

DOMAINS = Path(__file__).parent / "domains"
URI = "test:///default"
HURRY = Patience(
    shutdown_seconds=0.3,
    shutdown_again_seconds=0.1,
    unplug_seconds=0.2,
    balloon_seconds=0.2,
    boot_seconds=0.2,
    poll_seconds=0.01,
)


@pytest.fixture
def connection():
    """A connection of the test's own; all connections of the process see the same machines: one, named test."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    connection = libvirt.open(URI)
    for machine in connection.listAllDomains():
        persistent = machine.isPersistent()
        if machine.isActive():
            machine.destroy()
        if persistent:
            machine.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)
    connection.defineXML((DOMAINS / "test.xml").read_text(encoding="utf-8")).create()
    yield connection
    connection.close()


@pytest.fixture
def driver(connection):
    driver = driver_for("libvirt", uri=URI, patience=HURRY)
    yield driver
    driver.close()


@pytest.fixture
def machine(connection):
    return connection.lookupByName("test")


def apply(driver, target, **options):
    state = driver.read("test")
    assert driver.faults(state, target) == []
    return driver.apply(state, target, driver.plan(state, target, **options))


def inactive(machine):
    return machine.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)


def test_reads_the_running_machine(driver):
    state = driver.read("test")
    assert state.running
    assert state.values == state.next_start
    seen = {
        "vm.vcpus": 2,
        "vm.memory_mib": 2048,
        "vm.memory.maximum_mib": 8192,
        "vm.cpu.pinning": "none",
        "vm.disk.bus": "virtio",
        "vm.disk.cache": "writeback",
        "vm.disk.io": "threads",
        "vm.disk.iothread": False,
        "vm.disk.total_iops": 0,
    }
    assert {name: state.values[name] for name in seen} == seen
    assert state.live_ranges == {"vm.vcpus": (1, 2), "vm.memory_mib": (1, 8192)}


def test_vcpus_and_memory_within_the_maxima_are_live_and_also_in_the_definition(driver, machine):
    outcome = apply(driver, {"vm.vcpus": 1, "vm.memory_mib": 1024})
    assert [change.tier for change in outcome.changes] == ["live", "live"]
    assert not outcome.rebooted
    assert machine.info()[2:4] == [1024 * 1024, 1]
    assert machine.vcpusFlags(libvirt.VIR_DOMAIN_AFFECT_CONFIG) == 1
    assert "<currentMemory unit='KiB'>1048576<" in inactive(machine)


def test_the_host_holds_what_its_active_machines_have_now_not_their_maxima(driver, connection, machine):
    off = connection.defineXML((DOMAINS / "test.xml").read_text(encoding="utf-8").replace(">test<", ">off<"))
    assert not off.isActive()
    machine.setMemoryFlags(1024 * 1024 + 1, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    machine.setVcpusFlags(1, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    machine.suspend()
    assert driver.capacity("off") == (16, 3072, {"test": (1, 1025)}, 2)


@pytest.mark.parametrize("persistent", [True, False])
def test_a_machine_that_goes_between_listing_and_question_is_left_out(driver, connection, monkeypatch, persistent):
    xml = (DOMAINS / "test.xml").read_text(encoding="utf-8").replace(">test<", ">brief<")
    if persistent:
        connection.defineXML(xml).create()
    else:
        connection.createXML(xml)
    listed = libvirt.virConnect.listAllDomains

    def listing(self, flags=0):
        machines = listed(self, flags)
        connection.lookupByName("brief").destroy()
        return machines

    assert sorted(driver.capacity("test").machines) == ["brief", "test"]
    monkeypatch.setattr(libvirt.virConnect, "listAllDomains", listing)
    assert list(driver.capacity("test").machines) == ["test"]


def test_a_host_that_cannot_be_asked_is_said(driver, monkeypatch):
    def failing(self):
        raise libvirt.libvirtError("no")

    monkeypatch.setattr(libvirt.virDomain, "info", failing)
    with pytest.raises(HypervisorError, match="Reading what the hypervisor has and holds failed"):
        driver.capacity("test")


@pytest.mark.parametrize(
    "target",
    [
        {"vm.vcpus": 5},
        {"vm.disk.cache": "none"},
        {"vm.disk.io": "io_uring"},
        {"vm.disk.iothread": True},
    ],
)
def test_everything_else_restarts(driver, target):
    outcome = apply(driver, target)
    assert [change.tier for change in outcome.changes] == ["reboot"]
    assert outcome.rebooted
    state = driver.read("test")
    assert {name: state.values[name] for name in target} == target
    assert state.values == state.next_start


def test_one_restart_for_all_changes(driver, machine, monkeypatch):
    starts = []
    monkeypatch.setattr(
        LibvirtMachine, "start", lambda self, start=LibvirtMachine.start: (starts.append(1), start(self))
    )
    apply(driver, {"vm.vcpus": 4, "vm.memory_mib": 512, "vm.disk.cache": "none", "vm.disk.iothread": True})
    assert starts == [1]


def test_applying_twice_changes_nothing_the_second_time(driver):
    target = {"vm.vcpus": 4, "vm.memory_mib": 512, "vm.disk.cache": "none", "vm.disk.io": "native"}
    apply(driver, target)
    assert driver.plan(driver.read("test"), target) == []


def test_diff_shows_old_new_and_tier(driver):
    changes = driver.plan(driver.read("test"), {"vm.vcpus": 1, "vm.disk.iothread": True})
    assert diff_text(changes) == "vm.vcpus: 2 -> 1 (live)\nvm.disk.iothread: false -> true (reboot)\n"


def test_definition_that_disagrees_is_brought_into_step_without_a_restart(driver, machine):
    machine.setVcpusFlags(1, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    outcome = apply(driver, {"vm.vcpus": 2})
    assert [(change.before, change.after, change.tier) for change in outcome.changes] == [(1, 2, "live")]
    assert not outcome.rebooted
    assert machine.vcpusFlags(libvirt.VIR_DOMAIN_AFFECT_CONFIG) == 2


def test_redefining_keeps_the_address_of_an_interface_and_foreign_metadata(driver, connection):
    rich = (DOMAINS / "rich.xml").read_text(encoding="utf-8")
    metadata = rich[rich.index("<metadata>") : rich.index("</metadata>") + len("</metadata>")]
    xml = (DOMAINS / "plain.xml").read_text(encoding="utf-8").replace("<memory>", f"{metadata}<memory>")
    machine = connection.defineXML(xml)
    address = inactive(machine).split("<mac address='")[1].split("'")[0]
    state = driver.read("plain")
    target = {"vm.vcpus": 3, "vm.disk.cache": "none"}
    driver.apply(state, target, driver.plan(state, target))
    after = inactive(machine)
    assert address in after
    for uri in ("http://example.com/inventory", "http://libosinfo.org/xmlns/libvirt/domain/1.0"):
        assert machine.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, uri, 0)
    assert driver.read("plain").values["vm.vcpus"] == 3


def test_redefining_keeps_passwords(driver, machine):
    apply(driver, {"vm.disk.cache": "none"})
    assert "passwd='secret'" in inactive(machine)


def test_machine_that_is_shut_off_is_started(driver, machine):
    machine.destroy()
    outcome = apply(driver, {"vm.memory_mib": 1024})
    assert machine.isActive()
    assert outcome.rebooted
    assert [(change.parameter, change.tier) for change in outcome.changes] == [
        ("vm.memory_mib", "reboot"),
        ("vm.running", "reboot"),
    ]


def test_machine_that_is_shut_off_can_stay_so(driver, machine):
    machine.destroy()
    outcome = apply(driver, {"vm.memory_mib": 1024}, start=False)
    assert not machine.isActive()
    assert not outcome.rebooted
    assert [change.tier for change in outcome.changes] == ["live"]
    assert driver.read("test").values["vm.memory_mib"] == 1024


def test_restart_can_be_asked_for(driver):
    outcome = apply(driver, {"vm.vcpus": 2}, restart=True)
    assert outcome.rebooted
    assert [change.parameter for change in outcome.changes] == ["vm.running"]


def test_guest_that_does_not_shut_down_is_switched_off(driver, machine, monkeypatch):
    asked = []
    monkeypatch.setattr(libvirt.virDomain, "shutdown", lambda self: asked.append(self.name()))
    outcome = apply(driver, {"vm.disk.cache": "none"})
    assert outcome.forced_off
    assert len(asked) >= 2
    assert driver.read("test").values["vm.disk.cache"] == "none"


def test_guest_that_does_not_let_go_of_a_vcpu_is_restarted(driver, monkeypatch):
    monkeypatch.setattr(libvirt.virDomain, "setVcpusFlags", lambda self, count, flags: 0)
    outcome = apply(driver, {"vm.vcpus": 1})
    assert outcome.rebooted
    assert [change.tier for change in outcome.changes] == ["reboot"]
    assert outcome.changes[0].note == "not live: the guest stayed at 2"
    assert driver.read("test").values["vm.vcpus"] == 1


def test_guest_whose_balloon_does_not_move_gets_exactly_the_memory(driver, machine, monkeypatch):
    monkeypatch.setattr(libvirt.virDomain, "setMemoryFlags", lambda self, kib, flags: 0)
    outcome = apply(driver, {"vm.memory_mib": 1024})
    assert outcome.rebooted
    assert outcome.changes[0].note == "not live: the guest stayed at 2048"
    assert driver.read("test").values["vm.memory_mib"] == 1024
    assert "<memory unit='KiB'>1048576<" in inactive(machine)


def test_guest_that_never_moves_its_balloon_after_a_start_is_started_with_exactly_the_memory(
    driver, machine, monkeypatch
):
    def process_memory(self):
        # Without a balloon driver a guest keeps the maximum it was started with.
        return {"actual": self.maxMemory()}

    monkeypatch.setattr(libvirt.virDomain, "memoryStats", process_memory)
    outcome = apply(driver, {"vm.memory_mib": 1024, "vm.disk.cache": "none"})
    assert outcome.rebooted
    assert "<memory unit='KiB'>1048576<" in inactive(machine)


def test_start_that_fails_returns_to_the_previous_definition(driver, machine, monkeypatch):
    before = inactive(machine)
    create = libvirt.virDomain.create

    def refusing(self):
        if "cache='unsafe'" in inactive(self):
            raise libvirt.libvirtError("virDomainCreate() failed")
        return create(self)

    monkeypatch.setattr(libvirt.virDomain, "create", refusing)
    with pytest.raises(
        ApplyFailed, match="previous definition was put back and the machine started with it"
    ) as failure:
        apply(driver, {"vm.disk.cache": "unsafe", "vm.vcpus": 8})
    assert failure.value.rebooted
    assert machine.isActive()
    assert inactive(machine) == before


def test_start_that_fails_leaves_a_machine_off_that_was_off(driver, machine, monkeypatch):
    machine.destroy()
    before = inactive(machine)

    def refusing(self):
        raise libvirt.libvirtError("virDomainCreate() failed")

    monkeypatch.setattr(libvirt.virDomain, "create", refusing)
    with pytest.raises(ApplyFailed, match="shut off, as it was"):
        apply(driver, {"vm.disk.cache": "unsafe"})
    assert not machine.isActive()
    assert inactive(machine) == before


def test_value_that_does_not_arrive_is_a_failure_naming_both_values(driver, machine, monkeypatch):
    before = inactive(machine)
    values = LibvirtMachine.values

    def deaf(self, boot=()):
        return {**values(self, boot), "vm.disk.cache": "writeback"}

    monkeypatch.setattr(LibvirtMachine, "values", deaf)
    with pytest.raises(ApplyFailed, match=r"vm\.disk\.cache: asked for none, in force is writeback\. The previous"):
        apply(driver, {"vm.disk.cache": "none"})
    assert inactive(machine) == before


def test_live_change_that_does_not_verify_is_put_back_live(driver, machine, monkeypatch):
    def unfit(self, machine, target):
        raise HypervisorError("Not as wanted.")

    monkeypatch.setattr(type(driver), "_verify", unfit)
    with pytest.raises(ApplyFailed, match=r"Not as wanted\. The previous values were put back\.") as failure:
        apply(driver, {"vm.vcpus": 1, "vm.memory_mib": 1024})
    assert not failure.value.rebooted
    assert machine.info()[2:4] == [2048 * 1024, 2]


def test_failure_to_put_back_is_said_loudly(driver, monkeypatch):
    def refusing(self):
        raise libvirt.libvirtError("virDomainCreate() failed")

    monkeypatch.setattr(libvirt.virDomain, "create", refusing)
    with pytest.raises(ApplyFailed, match=r"PUTTING BACK FAILED: .* Look after the machine yourself"):
        apply(driver, {"vm.disk.cache": "unsafe"})


def test_definition_libvirt_refuses_touches_nothing(driver, machine):
    before = inactive(machine)
    state = driver.read("test")
    target = {"vm.memory_mib": 2**60}
    with pytest.raises(
        HypervisorError, match="Nothing was changed: libvirt does not accept the new definition of test"
    ):
        driver.apply(state, target, driver.plan(state, target))
    assert inactive(machine) == before
    assert driver.read("test") == state


def test_paused_machine_is_refused(driver, machine):
    machine.suspend()
    faults = driver.faults(driver.read("test"), {"vm.vcpus": 1})
    assert faults == ["test is paused or suspended. Resume it (virsh resume test) or shut it off, then try again."]


def test_machine_with_a_saved_state_is_refused(driver, machine):
    machine.managedSave()
    (fault,) = driver.faults(driver.read("test"), {"vm.vcpus": 1})
    assert "virsh managedsave-remove test" in fault


def test_transient_machine_is_refused(driver, connection):
    connection.createXML((DOMAINS / "plain.xml").read_text(encoding="utf-8"))
    (fault,) = driver.faults(driver.read("plain"), {"vm.vcpus": 1})
    assert "plain is transient" in fault


def test_unknown_machine_lists_those_that_exist(driver):
    with pytest.raises(UnknownMachine, match=r"has no machine named tets\. Did you mean test\? It has: test\."):
        driver.read("tets")


def test_disk_option_chooses_the_disk(connection):
    driver = driver_for("libvirt", uri=URI, disk="vdz")
    with pytest.raises(HypervisorError, match=r"no disk vdz\..* It has vda\."):
        driver.read("test")
    driver.close()


def test_libvirt_that_is_not_running(capfd):
    with pytest.raises(NotAvailable, match=r"No connection to libvirt at .*nosocket.*libvirt is not running there"):
        driver_for("libvirt", uri="qemu+unix:///system?socket=/nosocket")
    assert capfd.readouterr().err == ""


def test_uri_that_names_no_driver():
    with pytest.raises(NotAvailable, match="Check the option uri; usual is qemu:///system"):
        driver_for("libvirt", uri="test:///no/such/file.xml")


def test_library_that_is_missing(monkeypatch):
    monkeypatch.setattr(
        "ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_driver.libvirt",
        None,
    )
    with pytest.raises(NotAvailable, match="package python3-libvirt"):
        driver_for("libvirt", uri=URI)


def test_unknown_driver():
    with pytest.raises(NotAvailable, match="no driver for hypervisor bhyve here; there is: libvirt"):
        driver_for("bhyve")
