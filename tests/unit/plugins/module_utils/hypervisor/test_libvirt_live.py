# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt changes on a running machine, what the host cannot give, and moves of disks.

Pinning, limits of disks and of networks are those of libvirt's own test:///default driver. It has no CPU shares, so
these are answered here; that they reach a guest is tested in tests/lab.
"""

from __future__ import annotations

import libvirt
import pytest

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor import libvirt_driver
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.drivers import driver_for
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import ApplyFailed, HypervisorError
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_host import LibvirtHost
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_machine import Patience

URI = "test:///default"
HURRY = Patience(0.3, 0.1, 0.2, 0.2, 0.2, 0.01)
LINE = "root=/dev/vda ro quiet"
XML = f"""
<domain type='test'>
  <name>live</name>
  <memory unit='MiB'>2048</memory>
  <currentMemory unit='MiB'>1024</currentMemory>
  <vcpu current='2'>4</vcpu>
  <os><type>hvm</type><kernel>/vmlinuz</kernel><cmdline>{LINE}</cmdline></os>
  <devices>
    <disk type='file'>
      <source file='/live.img'/>
      <target dev='vda' bus='virtio'/>
      <iotune>
        <total_iops_sec>3000</total_iops_sec>
        <total_iops_sec_max>9000</total_iops_sec_max>
      </iotune>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/>
      <source network='default'/>
      <model type='virtio'/>
    </interface>
  </devices>
</domain>
"""


@pytest.fixture
def machine():
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    connection = libvirt.open(URI)
    machine = connection.defineXML(XML)
    machine.create()
    yield machine
    if machine.isActive():
        machine.destroy()
    machine.undefine()
    connection.close()


@pytest.fixture
def driver(machine):
    driver = driver_for("libvirt", uri=URI, patience=HURRY)
    yield driver
    driver.close()


@pytest.fixture
def starts(machine, monkeypatch):
    """The names of machines that are started from here on."""
    started = []
    create = libvirt.virDomain.create
    monkeypatch.setattr(libvirt.virDomain, "create", lambda self: started.append(self.name()) or create(self))
    return started


def apply(driver, target, **options):
    state = driver.read("live", boot=[name for name in target if name.startswith("kernel.boot.")])
    assert driver.faults(state, target) == []
    return driver.apply(state, target, driver.plan(state, target, **options))


def faults(driver, target):
    return driver.faults(driver.read("live"), target)


def inactive(machine):
    return machine.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)


def refusing(*arguments):
    raise libvirt.libvirtError("refused")


LIVE = {
    "vm.cpu.pinning": "one_to_one",
    "vm.disk.total_iops": 5000,
    "vm.network.inbound_mbit_per_second": 8,
    "vm.network.outbound_mbit_per_second": 16,
}


def test_pinning_and_limits_are_live_and_also_in_the_definition(driver, machine):
    outcome = apply(driver, LIVE)
    assert {change.parameter: change.tier for change in outcome.changes} == dict.fromkeys(LIVE, "live")
    assert not outcome.rebooted
    state = driver.read("live")
    assert LIVE.items() <= state.values.items()
    assert LIVE.items() <= state.next_start.items()
    assert {sum(pin) for pin in machine.vcpuPinInfo()} == {1}
    assert inactive(machine).count("<vcpupin ") == 4, "also of those that can be plugged in"
    assert machine.blockIoTune("vda")["total_iops_sec"] == 5000
    # Per second 8 million bits are a million bytes.
    assert machine.interfaceParameters("testnet0")["inbound.average"] == 1000
    assert driver.plan(state, LIVE) == []


def test_a_vcpu_that_is_plugged_in_is_pinned_with_the_others(driver, machine):
    outcome = apply(driver, {"vm.cpu.pinning": "one_to_one", "vm.vcpus": 3})
    assert not outcome.rebooted
    assert [sum(pin) for pin in machine.vcpuPinInfo()] == [1, 1, 1]


def test_pinning_is_taken_off_again(driver, machine):
    apply(driver, {"vm.cpu.pinning": "one_to_one"})
    apply(driver, {"vm.cpu.pinning": "none"})
    assert all(all(pin) for pin in machine.vcpuPinInfo())
    assert "vcpupin" not in inactive(machine)


def test_threads_that_do_not_obey_are_told(driver, machine, monkeypatch):
    vcpus = libvirt.virDomain.vcpus
    monkeypatch.setattr(libvirt.virDomain, "vcpus", lambda self: (vcpus(self)[0], [(True,) * 8] * 2))
    with pytest.raises(ApplyFailed, match=r"vm\.cpu\.pinning: asked for one_to_one, in force is custom"):
        apply(driver, {"vm.cpu.pinning": "one_to_one"})


def test_a_live_change_that_is_refused_is_done_by_a_restart(driver, monkeypatch):
    monkeypatch.setattr(libvirt.virDomain, "setBlockIoTune", refusing)
    outcome = apply(driver, {"vm.disk.total_iops": 5000, "vm.cpu.pinning": "one_to_one"})
    assert outcome.rebooted
    assert {change.parameter: change.tier for change in outcome.changes} == {
        "vm.disk.total_iops": "reboot",
        "vm.cpu.pinning": "live",
    }
    assert driver.read("live").values["vm.disk.total_iops"] == 5000


@pytest.mark.parametrize("more", [{}, {"vm.disk.cache": "none"}])
def test_a_host_that_cannot_limit_networks_is_told_without_a_restart(driver, machine, monkeypatch, more):
    before, tune, pins = inactive(machine), machine.blockIoTune("vda"), machine.vcpuPinInfo()

    def lacking(self, interface, parameters, flags=0):
        error = libvirt.libvirtError("no")
        error.err = (1, 0, "error from command: tc qdisc add: Specified qdisc kind is unknown", 2, "", "", "", 0, 0)
        raise error

    monkeypatch.setattr(libvirt.virDomain, "setInterfaceParameters", lacking)
    with pytest.raises(ApplyFailed, match="evolve_network_limits: guest") as failure:
        apply(driver, {**LIVE, **more})
    assert "Specified qdisc kind is unknown" in str(failure.value)
    assert "The previous values were put back." in str(failure.value)
    assert not failure.value.rebooted
    assert (inactive(machine), machine.blockIoTune("vda"), machine.vcpuPinInfo()) == (before, tune, pins)


def test_what_was_pinned_by_hand_is_put_back_as_it_was(driver, machine, monkeypatch):
    machine.pinVcpu(0, (False, True, True, *[False] * 5))
    pins = machine.vcpuPinInfo()
    assert driver.read("live").values["vm.cpu.pinning"] == "custom"

    def unfit(self, machine, target):
        raise HypervisorError("Not as wanted.")

    monkeypatch.setattr(type(driver), "_verify", unfit)
    with pytest.raises(ApplyFailed, match=r"The previous values were put back\."):
        apply(driver, {"vm.cpu.pinning": "one_to_one", "vm.disk.total_iops": 77})
    assert machine.vcpuPinInfo() == pins
    assert machine.blockIoTune("vda")["total_iops_sec"] == 3000


def test_a_host_without_cpu_shares_is_a_fault_before_anything_is_touched(driver, machine):
    before = machine.XMLDesc(0)
    found = faults(driver, {"vm.cpu.shares": 7, "vm.cpu.quota_percent": 50})
    assert [fault.split(":")[0] for fault in found] == ["vm.cpu.shares", "vm.cpu.quota_percent"]
    assert all("this host cannot change it" in fault for fault in found)
    assert machine.XMLDesc(0) == before


@pytest.fixture
def scheduler(monkeypatch):
    """A scheduler as that of QEMU machines, which keeps what it is given."""
    kept = {"cpu_shares": 100, "vcpu_period": 100000, "vcpu_quota": 17592186044415, "emulator_quota": -1}
    monkeypatch.setattr(libvirt.virDomain, "schedulerParametersFlags", lambda self, flags=0: dict(kept))
    monkeypatch.setattr(
        libvirt.virDomain, "setSchedulerParametersFlags", lambda self, given, flags=0: kept.update(given) or 0
    )
    return kept


def test_shares_and_quota_are_live(driver, scheduler):
    values = driver.read("live").values
    assert (values["vm.cpu.shares"], values["vm.cpu.quota_percent"]) == (100, 0)
    outcome = apply(driver, {"vm.cpu.shares": 300, "vm.cpu.quota_percent": 25})
    assert [change.tier for change in outcome.changes] == ["live", "live"]
    assert scheduler == {"cpu_shares": 300, "vcpu_period": 100000, "vcpu_quota": 25000, "emulator_quota": -1}
    apply(driver, {"vm.cpu.quota_percent": 0})
    assert scheduler["vcpu_quota"] == -1
    assert driver.read("live").values["vm.cpu.quota_percent"] == 0


def test_shares_of_a_machine_of_which_nobody_has_said_anything_are_those_of_the_host(driver, scheduler):
    assert driver.read("live").next_start["vm.cpu.shares"] == 100


def test_more_than_the_host_has_is_a_fault(driver):
    found = faults(
        driver,
        {"vm.memory_mib": 4000, "vm.memory.maximum_mib": 5000, "vm.memory.hugepages": True},
    )
    assert "vm.memory_mib: 4000 is not possible: the host has 3072 MiB." in found
    assert "vm.memory.maximum_mib: 5000 is not possible: the host has 3072 MiB." in found
    assert any(fault.startswith("vm.memory.hugepages: the machine would need 5000 MiB more of") for fault in found)
    assert len(found) == 3


def test_memory_above_the_maximum_restarts(driver):
    outcome = apply(driver, {"vm.memory_mib": 3000})
    assert [change.tier for change in outcome.changes] == ["reboot"]
    assert driver.read("live").values["vm.memory.maximum_mib"] == 3000


def test_the_maximum_can_be_lowered_by_a_restart(driver):
    outcome = apply(driver, {"vm.memory.maximum_mib": 1024})
    assert outcome.rebooted
    assert driver.read("live").live_ranges["vm.memory_mib"] == (1, 1024)


def test_all_that_restarts_is_done_by_one(driver, machine, starts):
    target = {
        "vm.cpu.topology": "cores",
        "vm.disk.bus": "scsi",
        "vm.disk.discard": "unmap",
        "vm.disk.queues": 2,
        "vm.disk.total_iops": 4000,
        "vm.network.model": "virtio",
        "vm.network.queues": 4,
        "kernel.boot.quiet": False,
        "kernel.boot.mitigations": "off",
    }
    outcome = apply(driver, target)
    assert outcome.rebooted
    assert starts == ["live"]
    state = driver.read("live", boot=["kernel.boot.quiet", "kernel.boot.mitigations"])
    assert target.items() <= state.values.items()
    assert state.values == state.next_start
    assert "<cmdline>root=/dev/sda ro mitigations=off</cmdline>" in machine.XMLDesc(0)


def test_values_that_were_there_before_come_back_with_the_definition(driver, machine):
    before = driver.read("live").values
    target = {"vm.disk.bus": "sata", "vm.network.model": "e1000", "vm.disk.total_iops": 10}
    apply(driver, target)
    apply(driver, {name: before[name] for name in target})
    assert driver.read("live").values == before
    assert f"<cmdline>{LINE}</cmdline>" in inactive(machine)
    assert "evolve" not in inactive(machine)


class Move:
    """What disk_class.py does with files, done with a word in the definition."""

    log: list[str]

    def __init__(self, connection, xml, disk, wanted, pools):
        self.xml, self.disk, self.wanted, self.connection = xml, disk, wanted, connection

    def faults(self):
        return [] if self.wanted in ("hdd", "ssd") else [f"vm.disk.class: no class {self.wanted}."]

    def perform(self):
        assert not self.connection.lookupByName("live").isActive()
        self.log.append(f"perform {self.disk}")
        return self.xml.replace("/live.img", "/ssd/live.img")

    def undo(self):
        assert not self.connection.lookupByName("live").isActive()
        self.log.append("undo")


@pytest.fixture
def classes(monkeypatch):
    Move.log = []
    monkeypatch.setattr(libvirt_driver, "DiskMove", Move)
    monkeypatch.setattr(
        libvirt_driver, "disk_class_of", lambda connection, xml, disk, pools: "ssd" if "/ssd/" in xml else "hdd"
    )
    return Move.log


def test_a_disk_is_moved_while_the_machine_is_off_in_the_same_restart(driver, classes, starts):
    outcome = apply(driver, {"vm.disk.class": "ssd", "vm.disk.bus": "sata"})
    assert [change.tier for change in outcome.changes] == ["reboot", "reboot"]
    assert classes == ["perform sda"]
    assert starts == ["live"]
    assert driver.read("live").values["vm.disk.class"] == "ssd"
    assert driver.plan(driver.read("live"), {"vm.disk.class": "ssd"}) == []


def test_a_disk_of_a_machine_that_stays_off_is_moved(driver, machine, classes):
    machine.destroy()
    apply(driver, {"vm.disk.class": "ssd"}, start=False)
    assert not machine.isActive()
    assert driver.read("live").values["vm.disk.class"] == "ssd"


def test_a_move_is_undone_when_the_machine_does_not_start_with_it(driver, machine, classes, monkeypatch):
    before = inactive(machine)
    create = libvirt.virDomain.create

    def creating(self):
        return refusing() if "/ssd/" in inactive(self) else create(self)

    monkeypatch.setattr(libvirt.virDomain, "create", creating)
    with pytest.raises(ApplyFailed, match="previous definition was put back and the machine started with it"):
        apply(driver, {"vm.disk.class": "ssd", "vm.disk.cache": "none"})
    assert classes == ["perform vda", "undo"]
    assert (inactive(machine), machine.isActive()) == (before, 1)


def without_pools(connection, xml, disk, pools):
    raise HypervisorError("this libvirt has no storage driver")


def test_a_class_that_a_disk_cannot_have_is_a_fault(driver, classes, monkeypatch):
    assert faults(driver, {"vm.disk.class": "tape"}) == ["vm.disk.class: no class tape."]
    monkeypatch.setattr(libvirt_driver, "disk_class_of", without_pools)
    (fault,) = faults(driver, {"vm.disk.class": "ssd"})
    assert "no disk that could be moved to another class" in fault


class Connection:
    """The answers of a host with two NUMA nodes and huge pages."""

    CAPABILITIES = """
<capabilities><host><topology><cells num='2'>
  <cell id='0'>
    <pages unit='KiB' size='4'>1000</pages><pages unit='KiB' size='2048'>512</pages>
    <cpus num='2'><cpu id='0'/><cpu id='2'/></cpus>
  </cell>
  <cell id='1'>
    <pages unit='KiB' size='4'>1000</pages><pages unit='KiB' size='2048'>512</pages>
    <cpus num='2'><cpu id='3'/><cpu id='1'/></cpus>
  </cell>
</cells></topology></host></capabilities>
"""
    TYPE = """
<domainCapabilities>
  <vcpu max='8'/><iothreads supported='no'/>
  <devices><disk><enum name='bus'><value>virtio</value><value>scsi</value></enum></disk></devices>
</domainCapabilities>
"""
    uri = "qemu:///system"

    def getCapabilities(self):
        return self.CAPABILITIES

    def getDomainCapabilities(self, *arguments):
        return self.TYPE

    def getInfo(self):
        return ["x86_64", 16384, 4]

    def getURI(self):
        return self.uri

    def getFreePages(self, sizes, first, cells):
        return {0: {2048: 100}, 1: {2048: 200}}


def test_a_host_tells_its_nodes_and_its_free_huge_pages():
    host = LibvirtHost(Connection())
    assert host.nodes() == ((0, 2), (1, 3))
    assert host.free_huge_mib() == 600


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"vm.vcpus": 9}, "vm.vcpus: 9 is not possible: this machine type takes at most 8."),
        ({"vm.disk.iothread": True}, "vm.disk.iothread: this machine type takes no iothreads."),
        ({"vm.disk.bus": "sata"}, "vm.disk.bus: sata is not possible: this machine type takes virtio, scsi."),
        (
            {"vm.memory.hugepages": True, "vm.memory_mib": 601},
            "would need 1024 MiB more of huge pages, and",
        ),
    ],
)
def test_what_a_type_of_machine_cannot_have(target, expected):
    present = {"vm.memory.maximum_mib": 1024, "vm.memory.hugepages": False}
    (fault,) = LibvirtHost(Connection()).faults(XML, present, target)
    assert expected in fault


def test_what_a_machine_has_is_not_asked_of_the_host_once_more():
    present = {"vm.memory.maximum_mib": 1024, "vm.memory.hugepages": True, "vm.vcpus": 9, "vm.memory_mib": 20000}
    host = LibvirtHost(Connection())
    assert host.faults(XML, present, {"vm.vcpus": 9, "vm.memory_mib": 20000}) == [
        "vm.memory.hugepages: the machine would need 18976 MiB more of huge pages, and the host has 600 MiB of them "
        "free. Reserve more on the host (sysctl vm.nr_hugepages), or leave it off."
    ]
    present["vm.memory.maximum_mib"] = 20000
    assert host.faults(XML, present, {"vm.vcpus": 9, "vm.memory_mib": 20000, "vm.memory.hugepages": True}) == []


def test_an_unprivileged_connection_has_no_say_in_shares():
    connection = Connection()
    connection.uri = "qemu:///session"
    (fault,) = LibvirtHost(connection).faults(XML, {}, {"vm.cpu.shares": 5})
    assert "an unprivileged connection (qemu:///session) has no say" in fault
