# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters out of libvirt: what its statistics say, and a real connection to its test driver.

The test driver gives only the state of many machines in one call, so that all else goes by the calls for one machine.
Statistics as QEMU's driver gives them in bulk are written here by hand, in the form that libvirt documents for
virConnectGetAllDomainStats.
"""

from __future__ import annotations

import libvirt
import pytest

from ansible_collections.evolve.vm.plugins.module_utils.sampling import libvirt_source, libvirt_statistics
from ansible_collections.evolve.vm.plugins.module_utils.sampling.counters import Disk, Interface, Memory, Processor
from ansible_collections.evolve.vm.plugins.module_utils.sampling.libvirt_domain import SingleCalls, devices_of
from ansible_collections.evolve.vm.plugins.module_utils.sampling.libvirt_source import (
    OFF,
    UNKNOWN,
    LibvirtSource,
    SourceLost,
)
from ansible_collections.evolve.vm.plugins.module_utils.sampling.rates import points

URI = "test:///default"
# The test driver's guests always spoke of their memory at this time.
SPOKE_AT = 627319920.0
DOMAIN = """
<domain type='test'><name>{name}</name><memory unit='MiB'>512</memory><vcpu current='{vcpus}'>4</vcpu>
<os><type>hvm</type></os><devices>
<disk type='file' device='disk'><source file='/{name}-a.img'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><source file='/{name}-b.img'/><target dev='vdb' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>
<disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>
<interface type='network'><mac address='52:54:00:00:00:0{number}'/><source network='default'/><target dev='{name}0'/>
</interface><memballoon model='virtio'/></devices></domain>
"""
BULK = {
    "state.state": 1,
    "cpu.time": 99,
    "vcpu.current": 2,
    "vcpu.maximum": 4,
    "vcpu.0.state": 1,
    "vcpu.0.time": 10,
    "vcpu.0.delay": 3,
    "vcpu.2.state": 1,
    "vcpu.2.time": 20,
    "vcpu.2.delay": 4,
    "vcpu.3.state": 0,
    "balloon.current": 2097152,
    "balloon.available": 2000000,
    "balloon.unused": 100000,
    "balloon.usable": 976000,
    "balloon.disk_caches": 700000,
    "balloon.last-update": 1000,
    "net.count": 2,
    "net.0.name": "vnet0",
    "net.0.rx.bytes": 5,
    "net.0.tx.bytes": 6,
    "net.1.name": "hostdev0",
    "block.count": 4,
    "block.0.name": "vda",
    "block.0.rd.reqs": 1,
    "block.0.rd.bytes": 2,
    "block.0.rd.times": 3,
    "block.0.wr.reqs": 4,
    "block.0.wr.bytes": 5,
    "block.0.wr.times": 6,
    "block.1.name": "vda",
    "block.1.backingIndex": 1,
    "block.2.name": "sda",
    "block.2.rd.reqs": 100,
    "block.2.rd.bytes": 100,
    "block.2.wr.reqs": 100,
    "block.2.wr.bytes": 100,
    "block.3.name": "vdb",
    "block.3.rd.reqs": 1,
    "block.3.rd.bytes": 1,
    "block.3.wr.reqs": 1,
    "block.3.wr.bytes": 1,
}


def test_statistics_in_bulk():
    assert libvirt_statistics.processors(BULK) == {"0": Processor(10, 3), "2": Processor(20, 4)}
    assert libvirt_statistics.memory(BULK, oldest=1000) == Memory(1000.0, 1953.125)
    assert libvirt_statistics.disk_names(BULK) == ["vda", "sda", "vdb"]
    assert libvirt_statistics.disks(BULK, ["vda", "vdb"]) == {"vda": Disk(1, 2, 4, 5, 3, 6), "vdb": Disk(1, 1, 1, 1)}
    assert libvirt_statistics.interfaces(BULK) == {"vnet0": Interface(5, 6)}


def test_statistics_that_are_missing_are_no_zeros():
    assert libvirt_statistics.processors({}) is None
    assert libvirt_statistics.processors({"vcpu.current": 2, "cpu.time": 9}) == {"0": Processor(9), "1": Processor(0)}
    for name in ("balloon.available", "balloon.last-update"):
        assert libvirt_statistics.memory({key: BULK[key] for key in BULK if key != name}, 1000) is None
    old = {key: value for key, value in BULK.items() if key != "balloon.usable"}
    assert libvirt_statistics.memory(old, 1000) == Memory((2000000 - 800000) / 1024, 1953.125)
    # A guest that hangs says nothing new.
    assert libvirt_statistics.memory(BULK, oldest=1001) is None
    busy = {key: value for key, value in BULK.items() if not key.startswith("block.0.rd")}
    assert libvirt_statistics.disks(busy, ["vda", "vdb"]) is None
    assert libvirt_statistics.disks({}, ["vda"]) is None
    assert libvirt_statistics.interfaces({}) is None


def test_devices():
    devices = devices_of(DOMAIN.format(name="a", number=1, vcpus=2))
    assert devices.disks == ("vda", "vdb")
    assert devices.drives == {"vda", "vdb", "hdc", "fda"}
    assert devices.interfaces == ("a0",)
    assert devices.balloon_seconds == 0
    assert devices_of("<domain><devices><memballoon model='none'/></devices></domain>").balloon_seconds is None
    with_period = "<domain><devices><memballoon model='virtio'><stats period='7'/></memballoon></devices></domain>"
    assert devices_of(with_period).balloon_seconds == 7


class Time:
    """A clock that goes on by itself and can be put forward."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        self.now += 0.001
        return self.now


@pytest.fixture
def connection():
    """A connection of the test's own; all connections of the process see the same machines."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    connection = libvirt.open(URI)
    _remove_all(connection)
    yield connection
    _remove_all(connection)
    connection.close()


def _remove_all(connection):
    for machine in connection.listAllDomains():
        persistent = machine.isPersistent()
        if machine.isActive():
            machine.destroy()
        if persistent:
            machine.undefine()


def define(connection, name, number=1, vcpus=2):
    machine = connection.defineXML(DOMAIN.format(name=name, number=number, vcpus=vcpus))
    machine.create()
    return machine


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def source(connection, time):
    source = LibvirtSource(URI, 1.0, time, lambda: SPOKE_AT)
    yield source
    source.close()


def test_machines_are_read(connection, source, time):
    for number, name in enumerate(("a", "b"), start=1):
        define(connection, name, number)
    first = source.read(["a", "b", "c"])
    assert sorted(first.machines) == ["a", "b"]
    assert first.absent == {"c": UNKNOWN}
    reading = first.machines["a"]
    assert sorted(reading.processors) == ["0", "1"]
    assert reading.memory == Memory(256.0, 512.0)
    assert sorted(reading.disks) == ["vda", "vdb"]
    assert sorted(reading.interfaces) == ["a0"]
    time.now += 1
    found = points(reading, source.read(["a"]).machines["a"])
    assert {"cpu_utilisation_percent", "disk_read_operations_per_second", "network_sent_mbit_per_second"} <= set(found)
    # These calls tell neither how long a vCPU waited nor, on this driver, how long a request took.
    assert not {"cpu_steal_percent", "disk_read_latency_ms"} & set(found)


def test_a_machine_that_is_off_or_gone_comes_back_by_itself(connection, source):
    machine = define(connection, "a")
    first = source.read(["a"]).machines["a"]
    machine.destroy()
    assert source.read(["a"]).absent == {"a": OFF}
    machine.create()
    second = source.read(["a"]).machines["a"]
    assert second.run != first.run
    machine.destroy()
    machine.undefine()
    assert source.read(["a"]).absent == {"a": UNKNOWN}
    # Another machine of that name.
    define(connection, "a", vcpus=1)
    third = source.read(["a"]).machines["a"]
    assert third.run.split("/")[0] != second.run.split("/")[0]
    assert list(third.processors) == ["0"]
    assert points(second, third) == {}


def test_vcpus_that_are_plugged_in_are_counted_from_then_on(connection, source, time):
    machine = define(connection, "a", vcpus=1)
    first = source.read(["a"]).machines["a"]
    machine.setVcpus(2)
    time.now += 1
    second = source.read(["a"]).machines["a"]
    assert len(second.processors) == 2
    assert "cpu_utilisation_percent" not in points(first, second)
    time.now += 1
    assert "cpu_utilisation_percent" in points(second, source.read(["a"]).machines["a"])


def test_a_connection_that_was_lost_is_made_again(connection, source):
    define(connection, "a")
    source.read(["a"])
    # As when libvirtd is restarted: every call on it fails.
    source._watched.clear()
    source._connection.close()
    with pytest.raises(SourceLost, match="libvirt at test:///default does not answer"):
        source.read(["a"])
    assert list(source.read(["a"]).machines) == ["a"]


def test_a_libvirt_that_is_not_there_is_told():
    with pytest.raises(SourceLost, match=r"qemu\+unix:///system\?socket=/nowhere does not answer: .+"):
        LibvirtSource("qemu+unix:///system?socket=/nowhere", 1.0).read(["a"])


def test_a_missing_library_is_told(monkeypatch):
    monkeypatch.setattr(libvirt_source, "libvirt", None)
    with pytest.raises(SourceLost, match="package python3-libvirt"):
        LibvirtSource(URI, 1.0).open()


def test_the_balloon_is_told_to_report_and_the_definition_stays_as_it_is(connection, source):
    machine = define(connection, "a")
    source.period_seconds = 7.9
    source.read(["a"])
    assert "<stats period='7'/>" in machine.XMLDesc(0)
    assert "<stats" not in machine.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    # One that reports oftener is left alone.
    other = connection.defineXML(
        DOMAIN.format(name="b", number=2, vcpus=1).replace(
            "<memballoon model='virtio'/>", "<memballoon model='virtio'><stats period='2'/></memballoon>"
        )
    )
    other.create()
    source.read(["a", "b"])
    assert "<stats period='2'/>" in other.XMLDesc(0)


def test_a_guest_that_does_not_tell_its_memory_is_told_of_once(connection, time):
    define(connection, "a")
    source = LibvirtSource(URI, 1.0, time, lambda: SPOKE_AT + 11)
    first = source.read(["a"])
    # It may be booting.
    assert (first.machines["a"].memory, first.warnings) == (None, [])
    time.now += 121
    (warning,) = source.read(["a"]).warnings
    assert warning.startswith("a: its balloon tells nothing of its memory")
    time.now += 121
    assert source.read(["a"]).warnings == []
    source.close()


class InBulk:
    """The test driver with all statistics in one call, as QEMU's driver gives them; one of the machines is watched."""

    def __init__(self, connection):
        self._connection = connection

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def getAllDomainStats(self, _kinds, _flags):
        return []

    def domainListGetStats(self, domains, _kinds, _flags):
        single, found = SingleCalls(), []
        for domain in domains:
            devices = devices_of(domain.XMLDesc(0))
            drives = (*devices.disks, "hdc")
            stats = {**single.state(domain), **single.processors(domain), **single.memory(domain)}
            stats.update({**single.disks(domain, drives), **single.interfaces(domain, devices.interfaces)})
            found.append((self._connection.lookupByName(domain.name()), stats))
        return found


def test_in_bulk_and_one_by_one_give_the_same(connection, source, time, monkeypatch):
    define(connection, "a")
    # Counters that stand still, so that the moment makes no difference.
    for name, value in {
        "vcpus": ([(0, 1, 7 * 10**9, 0), (1, 1, 8 * 10**9, 1)], []),
        "blockStats": (1, 2, 3, 4, 0),
        "interfaceStats": (9, 0, 0, 0, 8, 0, 0, 0),
    }.items():
        monkeypatch.setattr(libvirt.virDomain, name, lambda *_arguments, value=value: value)
    one_by_one = source.read(["a"]).machines["a"]
    source.open()
    source._connection = InBulk(source._connection)
    source._in_bulk = libvirt_source._kinds_in_bulk(source._connection)
    in_bulk = source.read(["a"]).machines["a"]
    assert in_bulk._replace(monotonic=0) == one_by_one._replace(monotonic=0)
    assert in_bulk.processors == {"0": Processor(7 * 10**9), "1": Processor(8 * 10**9)}
    assert in_bulk.disks["vda"] == Disk(1, 2, 3, 4)


class Without:
    """A driver that does not know some calls, as libxl does not know bulk statistics: its words are libvirt's."""

    def __init__(self, connection, *names):
        self._connection, self._names = connection, names

    def __getattr__(self, name):
        if name in self._names:
            error = libvirt.libvirtError("this function is not supported by the connection driver")
            error.err = (
                libvirt.VIR_ERR_NO_SUPPORT,
                0,
                "not supported by the connection driver",
                2,
                "",
                None,
                None,
                0,
                0,
            )

            def refuse(*_arguments):
                raise error

            return refuse
        return getattr(self._connection, name)


def test_without_bulk_statistics_each_machine_is_read(connection, source, monkeypatch):
    machine = define(connection, "a")
    define(connection, "b", 2)
    monkeypatch.setattr(
        libvirt_source.libvirt, "open", lambda _uri, real=libvirt.open: Without(real(URI), "getAllDomainStats")
    )
    reading = source.read(["a", "b"]).machines["a"]
    assert source._in_bulk == 0
    assert sorted(reading.processors) == ["0", "1"]
    assert sorted(reading.disks) == ["vda", "vdb"]
    machine.destroy()
    seen = source.read(["a", "b"])
    assert (list(seen.machines), seen.absent) == (["b"], {"a": OFF})
    machine.create()
    assert source.read(["a"]).machines["a"].run != reading.run


def test_calls_that_a_driver_does_not_know_are_made_once(connection):
    machine = define(connection, "a")
    calls = SingleCalls()
    without = Without(machine, "vcpus", "memoryStats", "interfaceStats", "blockStats")
    state, _maximum, _memory, vcpus, time_ns = machine.info()
    assert calls.processors(without)["vcpu.current"] == vcpus
    assert calls.processors(without)["cpu.time"] >= time_ns
    assert (calls.state(without), state) == ({"state.state": 1}, 1)
    assert calls.memory(without) == {}
    assert calls._unknown == {"vcpus", "memoryStats"}
    assert libvirt_statistics.disks(calls.disks(without, ("vda",)), ["vda"]) is None
    assert libvirt_statistics.interfaces(calls.interfaces(without, ("a0",))) is None


def test_a_disk_that_was_unplugged_is_no_end(connection, source, monkeypatch):
    define(connection, "a")
    source.read(["a"])
    devices = source._watched["a"].devices
    source._watched["a"].devices = devices._replace(disks=("vda", "vdb", "vdz"))
    assert sorted(source.read(["a"]).machines["a"].disks) == ["vda", "vdb"]
