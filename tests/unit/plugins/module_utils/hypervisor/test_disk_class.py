# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves of real qcow2 and raw volumes between real storage pools of a libvirtd of the tests' own. No guest is booted:
what one writes is written with qemu-io.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import libvirt
import pytest

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor import disk_copy
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_class import DiskMove, disk_class_of
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import HypervisorError
from ansible_collections.evolve.vm.tests.libvirtd import private_libvirtd

MIB = 1 << 20
INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
DOMAIN = """<domain type='qemu'><name>{name}</name><memory>65536</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices>{disks}</devices></domain>"""
DISK = """<disk type='{kind}' device='disk'><driver name='qemu' type='{format}'/>
<source {source}/><target dev='{target}' bus='virtio'/>{more}</disk>"""


@pytest.fixture(scope="module")
def uri():
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    with private_libvirtd() as uri:
        yield uri


@pytest.fixture
def connection(uri):
    connection = libvirt.open(uri)
    yield connection
    for domain in connection.listAllDomains():
        domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
    for pool in connection.listAllStoragePools():
        if pool.isActive():
            pool.destroy()
        pool.undefine()
    connection.close()


@pytest.fixture
def ssd(connection, tmp_path):
    return make_pool(connection, "ssd", tmp_path / "ssd")


@pytest.fixture
def hdd(connection, tmp_path):
    return make_pool(connection, "hdd", tmp_path / "hdd")


@pytest.fixture
def web1(connection, ssd, hdd):
    """A machine with a qcow2 volume of 64 MiB in class ssd, of which 3 MiB are written."""
    volume = ssd / "web1.qcow2"
    make_image(volume)
    write(volume, 0x11, "0", "2M")
    write(volume, 0x22, "40M", "1M")
    return define(connection, "web1", volume)


def make_pool(connection, name, path):
    path.mkdir()
    xml = f"<pool type='dir'><name>{name}</name><target><path>{path}</path></target></pool>"
    connection.storagePoolDefineXML(xml).create()
    return path


def make_image(path, *options, size="64M"):
    run("qemu-img", "create", "-q", "-f", "qcow2", *options, str(path), size)


def disk(path, format="qcow2", target="vda", more=""):
    return DISK.format(kind="file", format=format, source=f"file='{path}'", target=target, more=more)


def define(connection, name, path, **options):
    return connection.defineXML(DOMAIN.format(name=name, disks=disk(path, **options)))


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def write(path, pattern, offset, length):
    run("qemu-io", "-f", "qcow2", "-c", f"write -P {pattern} {offset} {length}", str(path))


def holds(path, pattern, offset, length):
    command = ["qemu-io", "-f", "qcow2", "-c", f"read -P {pattern} {offset} {length}", str(path)]
    return "Pattern verification failed" not in run(*command)


def info(path):
    return json.loads(run("qemu-img", "info", "--output=json", str(path)))


def xml_of(domain):
    return domain.XMLDesc(INACTIVE)


def move(connection, domain, wanted, pools=None):
    return DiskMove(connection, xml_of(domain), None, wanted, pools or {})


def carried_out(connection, domain, wanted):
    """Move and define, as the driver does."""
    step = move(connection, domain, wanted)
    assert step.faults() == []
    connection.defineXML(step.perform())
    return step


def volumes(connection, pool):
    return sorted(connection.storagePoolLookupByName(pool).listVolumes())


def test_a_move_there(connection, web1, ssd, hdd):
    before = (ssd / "web1.qcow2").read_bytes()
    xml = xml_of(web1)
    step = move(connection, web1, "hdd")
    assert step.faults() == []
    assert step.perform() == xml.replace(f"'{ssd}/web1.qcow2'", f'"{hdd}/web1.qcow2"')
    assert (hdd / "web1.qcow2").read_bytes() == before
    assert (ssd / "web1.qcow2").read_bytes() == before
    assert info(hdd / "web1.qcow2")["format"] == "qcow2"
    assert info(hdd / "web1.qcow2")["virtual-size"] == 64 * MIB
    assert volumes(connection, "hdd") == ["web1.qcow2", "web1.qcow2.evolve-copy"]


def test_class_is_that_of_the_definition(connection, web1, hdd):
    assert disk_class_of(connection, xml_of(web1), None, {}) == "ssd"
    assert disk_class_of(connection, xml_of(web1), "vda", {"fast": "ssd", "slow": "hdd"}) == "fast"
    assert disk_class_of(connection, xml_of(web1), None, {"slow": "hdd"}) == ""
    connection.defineXML(move(connection, web1, "slow", {"fast": "ssd", "slow": "hdd"}).perform())
    assert disk_class_of(connection, xml_of(web1), None, {"fast": "ssd", "slow": "hdd"}) == "slow"
    assert disk_class_of(connection, "<domain/>", None, {}) == ""


def test_a_move_to_where_it_is_changes_nothing(connection, web1, ssd):
    step = move(connection, web1, "ssd")
    assert step.faults() == []
    assert step.perform() == xml_of(web1)
    step.undo()
    step.confirm()
    assert sorted(os.listdir(ssd)) == ["web1.qcow2"]


def test_undone(connection, web1, ssd, hdd):
    before, xml = (ssd / "web1.qcow2").read_bytes(), xml_of(web1)
    step = move(connection, web1, "hdd")
    step.perform()
    step.undo()
    step.undo()
    assert sorted(os.listdir(hdd)) == []
    assert sorted(os.listdir(ssd)) == ["web1.qcow2"]
    assert (ssd / "web1.qcow2").read_bytes() == before
    assert xml_of(web1) == xml
    assert volumes(connection, "hdd") == []


def test_undone_after_it_was_defined(connection, web1, ssd, hdd):
    xml = xml_of(web1)
    carried_out(connection, web1, "hdd").undo()
    assert xml_of(web1) == xml
    assert (os.listdir(ssd), os.listdir(hdd)) == (["web1.qcow2"], [])


@pytest.mark.parametrize("definition_first", [True, False])
def test_undo_keeps_what_the_machine_has_written_since(connection, web1, ssd, hdd, definition_first):
    xml = xml_of(web1)
    step = carried_out(connection, web1, "hdd")
    write(hdd / "web1.qcow2", 0x33, "10M", "1M")
    if definition_first:
        connection.defineXML(xml)
    step.undo()
    assert xml_of(web1) == xml
    assert os.listdir(hdd) == []
    assert holds(ssd / "web1.qcow2", 0x33, "10M", "1M")
    assert holds(ssd / "web1.qcow2", 0x11, "0", "2M")


def test_undo_does_not_choose_between_two_histories(connection, web1, ssd, hdd):
    xml = xml_of(web1)
    step = carried_out(connection, web1, "hdd")
    write(hdd / "web1.qcow2", 0x33, "10M", "1M")
    connection.defineXML(xml)
    write(ssd / "web1.qcow2", 0x44, "10M", "1M")
    with pytest.raises(HypervisorError, match="both were kept"):
        step.undo()
    assert holds(ssd / "web1.qcow2", 0x44, "10M", "1M")
    assert holds(hdd / "web1.qcow2", 0x33, "10M", "1M")


def test_confirmed(connection, web1, ssd, hdd):
    step = carried_out(connection, web1, "hdd")
    assert step.kept() == [str(ssd / "web1.qcow2")]
    step.confirm()
    assert (os.listdir(ssd), os.listdir(hdd)) == ([], ["web1.qcow2"])
    assert volumes(connection, "ssd") == []
    assert step.kept() == []


def test_confirmed_by_somebody_else_later(connection, web1, ssd, hdd):
    carried_out(connection, web1, "hdd")
    move(connection, web1, "hdd").confirm()
    assert (os.listdir(ssd), os.listdir(hdd)) == ([], ["web1.qcow2"])


def test_not_confirmed_before_the_machine_is_defined_with_it(connection, web1, ssd, hdd):
    step = move(connection, web1, "hdd")
    step.perform()
    with pytest.raises(HypervisorError, match="nothing was taken away, for the definition of web1 does not name"):
        step.confirm()
    assert (ssd / "web1.qcow2").exists()


def test_a_move_back_takes_the_present_data_and_not_the_stale_copy(connection, web1, ssd, hdd):
    carried_out(connection, web1, "hdd")
    write(hdd / "web1.qcow2", 0x33, "0", "1M")
    carried_out(connection, web1, "ssd")
    assert disk_class_of(connection, xml_of(web1), None, {}) == "ssd"
    assert holds(ssd / "web1.qcow2", 0x33, "0", "1M")
    assert holds(ssd / "web1.qcow2", 0x11, "1M", "1M")
    write(ssd / "web1.qcow2", 0x55, "5M", "1M")
    step = carried_out(connection, web1, "hdd")
    assert holds(hdd / "web1.qcow2", 0x55, "5M", "1M")
    step.confirm()
    assert (os.listdir(ssd), os.listdir(hdd)) == ([], ["web1.qcow2"])


def test_from_a_folder_that_is_no_pool_through_both_pools(connection, ssd, hdd, tmp_path):
    make_image(tmp_path / "db1.qcow2")
    db1 = define(connection, "db1", tmp_path / "db1.qcow2")
    assert disk_class_of(connection, xml_of(db1), None, {}) == ""
    carried_out(connection, db1, "ssd")
    carried_out(connection, db1, "hdd")
    step = carried_out(connection, db1, "ssd")
    assert step.kept() == [str(hdd / "db1.qcow2"), str(tmp_path / "db1.qcow2")]
    step.confirm()
    assert (os.listdir(ssd), os.listdir(hdd)) == (["db1.qcow2"], [])
    assert not list(tmp_path.glob("db1*"))


def test_a_volume_named_by_its_pool(connection, web1, ssd, hdd):
    connection.storagePoolLookupByName("ssd").refresh()
    source = DISK.format(kind="volume", format="qcow2", source="pool='ssd' volume='web1.qcow2'", target="vda", more="")
    xml = xml_of(web1)
    start, end = xml.index("<disk"), xml.index("</disk>") + len("</disk>")
    domain = connection.defineXML(xml[:start] + source + xml[end:])
    assert disk_class_of(connection, xml_of(domain), None, {}) == "ssd"
    step = carried_out(connection, domain, "hdd")
    assert "<source pool='hdd' volume='web1.qcow2'/>" in xml_of(domain)
    step.undo()
    assert "<source pool='ssd' volume='web1.qcow2'/>" in xml_of(domain)
    carried_out(connection, domain, "hdd").confirm()
    assert (os.listdir(ssd), os.listdir(hdd)) == ([], ["web1.qcow2"])


def other_bus(xml):
    return xml.replace("dev='vda' bus='virtio'", "dev='sda' bus='sata'").replace("<address type='pci'", "<x", 1)


def test_a_disk_whose_bus_changes_in_the_same_step(connection, web1, ssd, hdd):
    xml = xml_of(web1)
    step = move(connection, web1, "hdd")
    connection.defineXML(other_bus(step.perform()))
    step.undo()
    assert f"<source file='{ssd}/web1.qcow2'/>\n      <target dev='sda' bus='sata'/>" in xml_of(web1)
    # The driver may also change the bus first.
    step = DiskMove(connection, xml, None, "hdd", {})
    assert step.faults() == []
    connection.defineXML(step.perform())
    write(hdd / "web1.qcow2", 0x33, "0", "1M")
    step = DiskMove(connection, other_bus(xml_of(web1)), None, "ssd", {})
    assert step.faults() == []
    connection.defineXML(step.perform())
    assert "dev='sda'" in xml_of(web1)
    assert holds(ssd / "web1.qcow2", 0x33, "0", "1M")
    step.confirm()
    assert (os.listdir(ssd), os.listdir(hdd)) == (["web1.qcow2"], [])


def test_two_disks_of_one_name(connection, ssd, hdd, tmp_path):
    places = {"vda": tmp_path / "a", "vdb": tmp_path / "b"}
    for target, folder in places.items():
        folder.mkdir()
        make_image(folder / "disk.qcow2")
        write(folder / "disk.qcow2", {"vda": 0x11, "vdb": 0x22}[target], "0", "1M")
    disks = "".join(disk(folder / "disk.qcow2", target=target) for target, folder in places.items())
    domain = connection.defineXML(DOMAIN.format(name="web1", disks=disks))
    connection.defineXML(DiskMove(connection, xml_of(domain), "vda", "hdd", {}).perform())
    connection.defineXML(DiskMove(connection, xml_of(domain), "vda", "ssd", {}).perform())
    # In hdd is what was left behind of the other one.
    second = DiskMove(connection, xml_of(domain), "vdb", "hdd", {})
    (fault,) = second.faults()
    assert "belongs to disk vda of machine web1" in fault
    assert second.kept() == []
    DiskMove(connection, xml_of(domain), "vda", "ssd", {}).confirm()
    connection.defineXML(second.perform())
    second.confirm()
    assert holds(ssd / "disk.qcow2", 0x11, "0", "1M")
    assert holds(hdd / "disk.qcow2", 0x22, "0", "1M")
    assert (os.listdir(places["vda"]), os.listdir(places["vdb"])) == ([], [])


def test_an_overlay_stays_one(connection, ssd, hdd):
    make_image(ssd / "base.qcow2")
    write(ssd / "base.qcow2", 0x11, "0", "4M")
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "base.qcow2", str(ssd / "top.qcow2"))
    write(ssd / "top.qcow2", 0x22, "1M", "64k")
    domain = define(connection, "web1", ssd / "top.qcow2")
    step = carried_out(connection, domain, "hdd")
    moved = info(hdd / "top.qcow2")
    assert moved["backing-filename"] == str(ssd / "base.qcow2")
    assert moved["backing-filename-format"] == "qcow2"
    assert moved["actual-size"] < 2 * MIB
    run("qemu-img", "compare", str(ssd / "top.qcow2"), str(hdd / "top.qcow2"))
    step.confirm()
    assert holds(hdd / "top.qcow2", 0x11, "2M", "1M")
    assert sorted(os.listdir(ssd)) == ["base.qcow2"]


def test_a_raw_volume_that_looks_like_an_overlay_is_copied_as_it_is(connection, ssd, hdd):
    make_image(ssd / "inner.qcow2")
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "inner.qcow2", str(ssd / "raw.img"))
    domain = define(connection, "web1", ssd / "raw.img", format="raw")
    step = carried_out(connection, domain, "hdd")
    assert (hdd / "raw.img").read_bytes() == (ssd / "raw.img").read_bytes()
    step.confirm()
    # Nor does what a guest writes keep the volume of another from being moved.
    define(connection, "inner", ssd / "inner.qcow2")
    assert move(connection, connection.lookupByName("inner"), "hdd").faults() == []


def test_holes_stay_holes_and_what_was_reserved_stays_reserved(connection, ssd, hdd):
    for name, options in [("thin.img", []), ("thick.img", ["-o", "preallocation=falloc"])]:
        run("qemu-img", "create", "-q", "-f", "raw", *options, str(ssd / name), "32M")
        with open(ssd / name, "r+b") as file:
            file.seek(20 * MIB)
            file.write(b"data" * 1000)
        carried_out(connection, define(connection, name, ssd / name, format="raw"), "hdd")
        assert (hdd / name).read_bytes() == (ssd / name).read_bytes()
    assert (hdd / "thin.img").stat().st_blocks * 512 < MIB
    assert (hdd / "thick.img").stat().st_blocks * 512 >= 32 * MIB


def test_copies_belong_to_whom_the_volumes_of_the_pool_belong(connection, web1, ssd, hdd):
    for name in ("a", "b"):
        (hdd / name).touch(mode=0o640)
        os.chmod(hdd / name, 0o640)
        if os.geteuid() == 0:
            os.chown(hdd / name, 64055, 108)
    os.chmod(ssd / "web1.qcow2", 0o660)
    move(connection, web1, "hdd").perform()
    assert disk_copy.ownership_of(str(hdd / "web1.qcow2")) == disk_copy.ownership_of(str(hdd / "a"))


def test_a_private_volume_does_not_become_readable(connection, web1, ssd, hdd):
    (hdd / "a").touch()
    os.chmod(hdd / "a", 0o644)
    os.chmod(ssd / "web1.qcow2", 0o600)
    move(connection, web1, "hdd").perform()
    assert disk_copy.ownership_of(str(hdd / "web1.qcow2")).mode == 0o600


# --- faults -----------------------------------------------------------------------------------------------------------


def test_a_class_that_is_not_there(connection, web1):
    assert move(connection, web1, "hddd").faults() == [
        "vm.disk.class: there is no class hddd on this hypervisor. Did you mean hdd? There is: hdd, ssd."
    ]
    (fault,) = move(connection, web1, "slow", {"fast": "ssd", "slow": "hd"}).faults()
    assert "class slow is the storage pool hd, which this hypervisor does not have. Did you mean hdd?" in fault


def test_a_pool_that_is_not_active_and_everything_else_at_once(connection, web1, ssd):
    connection.storagePoolLookupByName("hdd").destroy()
    define(connection, "web2", ssd / "web1.qcow2")
    assert move(connection, web1, "hdd").faults() == [
        "vm.disk.class: class hdd is the storage pool hdd, which is not active. Start it: virsh pool-start hdd.",
        f"vm.disk.class: {ssd}/web1.qcow2 is also used by disk vda of machine web2; it cannot be moved.",
    ]


def test_a_pool_that_has_no_files(connection, web1):
    pool = "<pool type='logical'><name>vg</name><source><name>vg</name></source><target><path>/dev/vg</path></target>"
    connection.storagePoolDefineXML(f"{pool}</pool>")
    (fault,) = move(connection, web1, "vg").faults()
    assert "storage pool vg of type logical; volumes can be moved between pools of files only" in fault


def test_disks_that_are_no_files(connection, ssd, hdd, tmp_path):
    others = {
        "network": "<disk type='network'><source protocol='nbd' name='x'><host name='h'/></source>",
        "block": "<disk type='block'><source dev='/dev/sdz'/>",
        "lun": "<disk type='block' device='lun'><source dev='/dev/sdz'/>",
        "volume": "<disk type='volume'><source pool='ssd' volume='none'/>",
        "missing": f"<disk type='file'><source file='{tmp_path}/missing'/>",
    }
    found = {}
    for name, beginning in others.items():
        xml = DOMAIN.format(name=name, disks=f"{beginning}<target dev='sda' bus='scsi'/></disk>")
        (found[name],) = DiskMove(connection, xml, None, "hdd", {}).faults()
    assert "of type network; it cannot be moved" in found["network"]
    assert "of type block; it cannot be moved" in found["block"]
    assert "of type block, passed through as lun" in found["lun"]
    assert "has the volume none of pool ssd, which is not there" in found["volume"]
    assert "which is not there, or is no file" in found["missing"]


def test_formats_and_links_that_cannot_be_moved(connection, ssd, hdd):
    make_image(ssd / "a.qcow2", "-o", f"data_file={ssd}/a.data")
    (ssd / "b.vmdk").write_bytes(b"x")
    (ssd / "c.qcow2").write_bytes(b"x" * 1000)
    (ssd / "d.qcow2").symlink_to("c.qcow2")
    run("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "gone.img", str(ssd / "e.qcow2"), "1M")
    cases = {
        "a.qcow2": "keeps its data in another file",
        "b.vmdk": "has format vmdk; only raw and qcow2",
        "c.qcow2": "is no qcow2 image, although",
        "d.qcow2": "is a symbolic link",
        "e.qcow2": f"is an overlay of {ssd}/gone.img, which is not there",
    }
    for name, text in cases.items():
        xml = DOMAIN.format(name=name, disks=disk(ssd / name, format=name.rpartition(".")[2]))
        (fault,) = DiskMove(connection, xml, None, "hdd", {}).faults()
        assert text in fault


def test_a_machine_with_snapshots(connection, web1):
    web1.snapshotCreateXML("<domainsnapshot><name>before</name></domainsnapshot>")
    (fault,) = move(connection, web1, "hdd").faults()
    assert "web1 has 1 snapshot, which would stay with the old volume" in fault


def test_a_volume_that_somebody_else_needs(connection, web1, ssd, tmp_path):
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(ssd / "web1.qcow2"), str(ssd / "o.qcow2"))
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(ssd / "web1.qcow2"), str(tmp_path / "p"))
    define(connection, "web2", tmp_path / "p")
    assert move(connection, web1, "hdd").faults() == [
        f"vm.disk.class: {ssd}/web1.qcow2 is also used by {by}; it cannot be moved."
        for by in ("disk vda of machine web2, as a backing file", f"image {ssd}/o.qcow2, as its backing file")
    ]


def test_a_volume_that_is_meant_to_be_shared(connection, ssd, hdd):
    (ssd / "common.img").write_bytes(b"data")
    domain = define(connection, "web1", ssd / "common.img", format="raw", more="<shareable/>")
    (fault,) = move(connection, domain, "hdd").faults()
    assert "disk vda is marked as shared with other machines (<shareable/>); it cannot be moved" in fault


def test_the_old_copy_is_kept_while_somebody_builds_on_it(connection, web1, ssd):
    step = carried_out(connection, web1, "hdd")
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(ssd / "web1.qcow2"), str(ssd / "o.qcow2"))
    with pytest.raises(HypervisorError, match=r"is still used by image .*/o\.qcow2, as its backing file"):
        step.confirm()
    assert (ssd / "web1.qcow2").exists()


def test_a_foreign_volume_of_the_same_name(connection, web1, hdd):
    (hdd / "web1.qcow2").write_text("somebody's data")
    step = move(connection, web1, "hdd")
    (fault,) = step.faults()
    assert f"{hdd}/web1.qcow2 is there already and is no copy of this machine's disk" in fault
    with pytest.raises(HypervisorError, match="is there already"):
        step.perform()
    step.undo()
    assert (hdd / "web1.qcow2").read_text() == "somebody's data"


def test_the_copy_of_another_machine_of_that_name(connection, web1, ssd, hdd):
    carried_out(connection, web1, "hdd")
    web1.undefine()
    again = define(connection, "web1", ssd / "web1.qcow2")
    (fault,) = move(connection, again, "hdd").faults()
    assert f"belongs to disk vda of machine web1 ({web1.UUIDString()}), as {hdd}/web1.qcow2.evolve-copy says" in fault


def test_a_running_machine_is_not_moved(tmp_path):
    """libvirt's test driver, for a guest that need not boot."""
    connection = libvirt.open("test:///default")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "web1.img").write_bytes(b"data")
    make_pool(connection, "there", tmp_path / "there")
    xml = DOMAIN.format(name="runs", disks=disk(tmp_path / "a" / "web1.img", format="raw")).replace(
        "'qemu'>", "'test'>", 1
    )
    domain = connection.defineXML(xml)
    domain.create()
    try:
        step = DiskMove(connection, domain.XMLDesc(INACTIVE), None, "there", {})
        assert step.faults() == []
        with pytest.raises(HypervisorError, match="runs is running; its volume can be moved only while it is off"):
            step.perform()
        assert os.listdir(tmp_path / "there") == []
    finally:
        domain.destroy()
        domain.undefine()
        connection.storagePoolLookupByName("there").destroy()
        connection.storagePoolLookupByName("there").undefine()
        connection.close()


# --- too little space -------------------------------------------------------------------------------------------------


@pytest.fixture
def small(connection, tmp_path):
    """A pool of 8 MiB."""
    path = tmp_path / "small"
    path.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path))
    try:
        xml = f"<pool type='dir'><name>small</name><target><path>{path}</path></target></pool>"
        connection.storagePoolDefineXML(xml).create()
        yield path
    finally:
        run("umount", str(path))


def test_a_pool_with_too_little_space(connection, web1, ssd, small):
    write(ssd / "web1.qcow2", 0x66, "16M", "10M")
    (fault,) = move(connection, web1, "small").faults()
    assert fault.startswith(f"vm.disk.class: too little space in pool small ({small}): {ssd}/web1.qcow2 needs 15 MiB, ")
    assert fault.endswith("8 MiB are free.")
    assert os.listdir(small) == []


def test_a_pool_that_runs_full_meanwhile(connection, web1, ssd, small, monkeypatch):
    write(ssd / "web1.qcow2", 0x66, "16M", "10M")
    step = move(connection, web1, "small")
    monkeypatch.setattr(step._here, "lacking_bytes", lambda _pool: 0)
    with pytest.raises(
        HypervisorError, match=rf"web1.qcow2 was not moved to .*: {small} ran full while web1.qcow2 was"
    ):
        step.perform()
    assert os.listdir(small) == []
    assert sorted(os.listdir(ssd)) == ["web1.qcow2"]


def test_an_unfinished_copy_takes_no_room(connection, web1, ssd, small):
    write(ssd / "web1.qcow2", 0x66, "16M", "2M")
    step = carried_out(connection, web1, "small")
    connection.defineXML(xml_of(web1).replace(str(small), str(ssd)))
    os.rename(small / "web1.qcow2", small / "web1.qcow2.evolve-partial")
    assert disk_copy.space_free(str(small)) < disk_copy.space_needed(str(ssd / "web1.qcow2"))
    assert step.faults() == []
    step.perform()
    assert sorted(os.listdir(small)) == ["web1.qcow2", "web1.qcow2.evolve-copy"]


def test_the_stale_copy_makes_room_for_the_present_one(connection, web1, ssd, small):
    write(ssd / "web1.qcow2", 0x66, "16M", "2M")
    carried_out(connection, web1, "small")
    carried_out(connection, web1, "ssd")
    assert disk_copy.space_free(str(small)) < disk_copy.space_needed(str(ssd / "web1.qcow2"))
    write(ssd / "web1.qcow2", 0x77, "0", "1M")
    carried_out(connection, web1, "small")
    assert holds(small / "web1.qcow2", 0x77, "0", "1M")


# --- what goes wrong on the way ---------------------------------------------------------------------------------------


def test_a_copy_that_reads_back_differently_is_not_used(connection, web1, ssd, hdd, monkeypatch):
    genuine = disk_copy._write

    def damaging(source, destination):
        genuine(source, destination)
        with open(destination, "r+b") as file:
            file.seek(200_000)
            file.write(b"!")

    monkeypatch.setattr(disk_copy, "_write", damaging)
    with pytest.raises(HypervisorError, match=r"the copy of .* reads back differently near byte"):
        move(connection, web1, "hdd").perform()
    assert (sorted(os.listdir(ssd)), os.listdir(hdd)) == (["web1.qcow2"], [])


def test_a_volume_that_is_written_to_meanwhile_is_not_moved(connection, web1, ssd, hdd, monkeypatch):
    genuine = disk_copy._compare

    def disturbed(source, copy):
        genuine(source, copy)
        os.utime(source)

    monkeypatch.setattr(disk_copy, "_compare", disturbed)
    with pytest.raises(HypervisorError, match="was written to while it was copied"):
        move(connection, web1, "hdd").perform()
    assert os.listdir(hdd) == []


MOVER = """
import os, signal, sys
import libvirt
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_class import DiskMove

uri, do, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
connection = libvirt.open(uri)
domain = connection.lookupByName("web1")
step = DiskMove(connection, sys.stdin.read(), None, "hdd", {})
steps = 0

def counted(genuine):
    def call(*arguments, **options):
        global steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return genuine(*arguments, **options)
    return call

# Whoever runs the tests in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
for name in ("rename", "unlink", "fsync", "chown", "chmod", "truncate", "pwrite"):
    setattr(os, name, counted(getattr(os, name)))
libvirt.virConnect.defineXML = counted(libvirt.virConnect.defineXML)
libvirt.virStoragePool.refresh = counted(libvirt.virStoragePool.refresh)
if do == "perform":
    connection.defineXML(step.perform())
else:
    getattr(step, do)()
"""


def mover(uri, xml, do="perform", last=0):
    """Somebody else who moves web1, whose move has begun at `xml`, and who is killed instead of taking step `last`."""
    process = subprocess.Popen(
        [sys.executable, "-c", MOVER, uri, do, str(last)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    process.stdin.write(xml.encode())
    process.stdin.close()
    return process


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_of_the_copy(connection, uri, web1, ssd, hdd, signal_number):
    write(ssd / "web1.qcow2", 0x66, "0", "64M")
    run("qemu-img", "resize", "-q", str(ssd / "web1.qcow2"), "400M")
    write(ssd / "web1.qcow2", 0x77, "64M", "336M")
    partial = hdd / "web1.qcow2.evolve-partial"
    with mover(uri, xml_of(web1)) as process:
        while not (partial.exists() and partial.stat().st_blocks * 512 > 50 * MIB):
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal_number)
    assert process.returncode != 0
    assert not (hdd / "web1.qcow2").exists()
    assert partial.exists() == (signal_number == signal.SIGKILL)
    assert disk_class_of(connection, xml_of(web1), None, {}) == "ssd"
    run("qemu-img", "check", "-q", str(ssd / "web1.qcow2"))

    step = carried_out(connection, web1, "hdd")
    run("qemu-img", "compare", str(ssd / "web1.qcow2"), str(hdd / "web1.qcow2"))
    step.confirm()
    assert (os.listdir(ssd), os.listdir(hdd)) == ([], ["web1.qcow2"])


def killed_at_every_step(uri, do, prepare, check):
    """Returns how many steps there were. `prepare` gives the definition of before the move; `check` gets it too."""
    for step in range(1, 100):
        xml = prepare(step)
        with mover(uri, xml, do, step) as process:
            pass
        check(xml, step)
        if process.returncode == 0:
            return step - 1
        assert process.returncode == -signal.SIGKILL
    raise AssertionError("it never ended")


@pytest.mark.parametrize("with_stale_copy", [False, True])
def test_a_move_killed_at_any_step_leaves_a_complete_volume(connection, uri, web1, ssd, hdd, with_stale_copy):
    def prepare(step):
        if disk_class_of(connection, xml_of(web1), None, {}) == "hdd":
            carried_out(connection, web1, "ssd")
        if not with_stale_copy:
            move(connection, web1, "ssd").confirm()
            assert (os.listdir(ssd), os.listdir(hdd)) == (["web1.qcow2"], [])
        write(ssd / "web1.qcow2", step, "0", "64k")
        return xml_of(web1)

    def check(_xml, step):
        now = {"ssd": ssd, "hdd": hdd}[disk_class_of(connection, xml_of(web1), None, {})] / "web1.qcow2"
        run("qemu-img", "check", "-q", str(now))
        assert holds(now, step, "0", "64k")
        assert holds(now, 0x22, "40M", "1M")
        # The next one carries it out.
        carried_out(connection, web1, "hdd")
        assert holds(hdd / "web1.qcow2", step, "0", "64k")
        run("qemu-img", "check", "-q", str(hdd / "web1.qcow2"))

    if with_stale_copy:
        carried_out(connection, web1, "hdd")
    assert killed_at_every_step(uri, "perform", prepare, check) > 15


def test_undo_killed_at_any_step_loses_nothing(connection, uri, web1, ssd, hdd):
    def prepare(step):
        xml = xml_of(web1)
        carried_out(connection, web1, "hdd")
        write(hdd / "web1.qcow2", step, "0", "64k")
        return xml

    def check(xml, step):
        now = {"ssd": ssd, "hdd": hdd}[disk_class_of(connection, xml_of(web1), None, {})] / "web1.qcow2"
        assert holds(now, step, "0", "64k")
        DiskMove(connection, xml, None, "hdd", {}).undo()
        assert (os.listdir(ssd), os.listdir(hdd)) == (["web1.qcow2"], [])
        assert holds(ssd / "web1.qcow2", step, "0", "64k")
        assert xml_of(web1) == xml

    assert killed_at_every_step(uri, "undo", prepare, check) > 10


def test_confirm_killed_at_any_step_leaves_the_volume_in_use(connection, uri, web1, ssd, hdd):
    def prepare(_step):
        if disk_class_of(connection, xml_of(web1), None, {}) == "hdd":
            carried_out(connection, web1, "ssd").confirm()
        carried_out(connection, web1, "hdd")
        return xml_of(web1)

    def check(_xml, _step):
        assert holds(hdd / "web1.qcow2", 0x22, "40M", "1M")
        move(connection, web1, "hdd").confirm()
        assert (os.listdir(ssd), os.listdir(hdd)) == ([], ["web1.qcow2"])

    assert killed_at_every_step(uri, "confirm", prepare, check) > 4


def test_undo_after_a_kill_between_the_new_mark_and_the_new_name(connection, web1, ssd, hdd, monkeypatch):
    """A stale copy must not be taken for one that was written to since the move, and be brought back."""
    carried_out(connection, web1, "hdd")
    carried_out(connection, web1, "ssd")
    write(ssd / "web1.qcow2", 0x55, "5M", "1M")

    def killed(_old, _new):
        raise KeyboardInterrupt

    monkeypatch.setattr(disk_copy.os, "rename", lambda old, new: killed(old, new) if new.endswith("2") else None)
    step = move(connection, web1, "hdd")
    with pytest.raises(KeyboardInterrupt):
        step.perform()
    monkeypatch.undo()
    step.undo()
    assert holds(ssd / "web1.qcow2", 0x55, "5M", "1M")
    assert "hdd" not in xml_of(web1)
