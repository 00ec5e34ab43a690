# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One boot with another command line through GRUB: real grub.cfg files, the real grub-editenv and grub-script-check."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.tunables import grub as grub_module
from ansible_collections.evolve.vm.plugins.module_utils.tunables import grub_script
from ansible_collections.evolve.vm.plugins.module_utils.tunables.disks import Disks
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.grub import ENTRY
from ansible_collections.evolve.vm.plugins.module_utils.tunables.grubby import entry_from

MITIGATIONS = "kernel.boot.mitigations"
DEPTH = "kernel.module.virtio_blk.queue_depth"
OFF = {MITIGATIONS: "off"}
FIXTURES = Path(__file__).parent / "fixtures"


class GrubMachine:
    """A machine of files that GRUB starts, with the environment that the real grub-editenv makes."""

    def __init__(self, machine, fixture="debian", folder="boot/grub"):
        machine.with_grub(fixture, folder)
        self.machine = machine
        self.tune = machine.tune
        self.folder = machine.root / folder
        self.custom = self.folder / "custom.cfg"
        self.editenv("create")

    def editenv(self, *arguments):
        command = ["grub-editenv", str(self.folder / "grubenv"), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    def next_entry(self):
        lines = [line for line in self.editenv("list") if line.startswith("next_entry=")]
        return lines[0].partition("=")[2] if lines else ""

    def entry(self):
        """Our entry, as GRUB would read the file."""
        subprocess.run(["grub-script-check", str(self.custom)], check=True)
        return next(entry for entry in grub_script.entries(self.custom.read_text()) if entry.id == ENTRY)

    def boots(self, number, works=True):
        """What GRUB does at a start: the entry that is named, once."""
        taken = self.next_entry()
        if taken:
            self.editenv("set", "next_entry=")
        menu = grub_script.entries((self.folder / "grub.cfg").read_text() + (self.custom.read_text() if taken else ""))
        entry = grub_script.find(menu, taken if taken and works else "0")
        start, end = grub_script.kernels(entry.body)[-1]
        self.machine.write("proc/cmdline", f"BOOT_IMAGE=/boot/vmlinuz{entry.body[start:end]}\n")
        self.machine.boots(number)


@pytest.fixture
def grub(machine):
    return GrubMachine(machine)


def failure(call, *arguments, **options):
    with pytest.raises(TunablesError) as failed:
        call(*arguments, **options)
    return str(failed.value)


def test_one_boot_with_another_command_line(grub):
    prepared = grub.tune(OFF)
    assert prepared["changes"] == [{"parameter": MITIGATIONS, "before": False, "after": "off", "tier": "reboot"}]
    assert (prepared["restart_required"], prepared["tier"]) == (True, "reboot")
    assert prepared["readback"] == {MITIGATIONS: False}
    assert prepared["boot_parameters"] == {}
    assert grub.next_entry() == ENTRY
    usual = grub_script.entries((FIXTURES / "debian.out").read_text())[0]
    ours = grub.entry()
    assert ours.body == usual.body.replace("115200 quiet", "115200 quiet mitigations=off")
    assert ours.arguments == usual.arguments

    grub.boots("second")
    done = grub.tune(OFF)
    assert (done["changed"], done["restart_required"], done["readback"]) == (False, False, OFF)
    assert grub.next_entry() == "", "the start after it is the usual one"

    grub.boots("third")
    assert grub.tune(OFF, state="read")["readback"] == {MITIGATIONS: False}
    assert grub.tune(OFF)["restart_required"], "a later start lost it, and it is prepared again"


def test_back_to_the_usual_command_line_is_a_plain_restart(grub):
    grub.tune(OFF)
    grub.boots("second")
    result = grub.tune({MITIGATIONS: "default"})
    assert result["changes"] == [{"parameter": MITIGATIONS, "before": "off", "after": "default", "tier": "reboot"}]
    assert result["restart_required"]
    assert not grub.custom.exists()
    assert grub.next_entry() == ""
    grub.boots("third")
    done = grub.tune({MITIGATIONS: "default"})
    assert (done["restart_required"], done["readback"]) == (False, {MITIGATIONS: "default"})


def test_a_prepared_start_can_be_taken_back_before_it_happens(grub):
    grub.tune(OFF)
    result = grub.tune({MITIGATIONS: False})
    assert (result["changed"], result["restart_required"]) == (False, False)
    assert grub.next_entry() == ""
    assert not grub.custom.exists()


def test_check_mode_and_reading_touch_nothing(grub):
    assert grub.tune(OFF, check_mode=True)["restart_required"]
    assert grub.tune(OFF, stage="boot", check_mode=True)["changes"]
    assert grub.tune(OFF, stage="running", check_mode=True)["changes"] == []
    assert grub.tune(OFF, state="read")["readback"] == {MITIGATIONS: False}
    assert not grub.custom.exists()
    assert grub.next_entry() == ""


def test_a_machine_that_came_up_without_it_is_told_and_left_on_its_usual_entry(grub):
    grub.tune(OFF)
    grub.boots("second", works=False)
    message = failure(grub.tune, OFF)
    assert message.splitlines() == [
        "Nothing was changed; the next boot is the usual one.",
        f"{MITIGATIONS}: off is not in force after a restart, but false. The kernel command line does not name it "
        "(/proc/cmdline): the machine was not started with what had been prepared.",
    ]
    assert not grub.custom.exists()
    assert grub.tune(OFF)["restart_required"], "the call after that starts anew"


def test_stages_around_a_restart_that_something_else_makes(grub):
    swappiness = "kernel.sysctl.vm.swappiness"
    both = {**OFF, swappiness: 5}
    prepared = grub.tune(both, stage="boot")
    assert [change["parameter"] for change in prepared["changes"]] == [MITIGATIONS]
    assert prepared["readback"] == {MITIGATIONS: False}
    assert grub.machine.read("proc/sys/vm/swappiness") == "60\n"
    grub.boots("second")
    done = grub.tune(both, stage="running")
    assert [change["parameter"] for change in done["changes"]] == [swappiness]
    assert done["readback"] == both
    # In force already, but a restart for another reason must not lose it.
    again = grub.tune(both, stage="boot")
    assert (again["changed"], again["restart_required"], grub.next_entry()) == (False, False, ENTRY)
    grub.boots("third")
    assert grub.tune(both, stage="running")["readback"] == both
    assert grub.next_entry() == ""


def test_the_stage_after_the_restart_fails_before_it_changes_anything(grub):
    grub.tune(OFF, stage="boot")
    message = failure(grub.tune, {**OFF, "kernel.sysctl.vm.swappiness": 5}, stage="running")
    assert "is not in force after a restart" in message
    assert grub.machine.read("proc/sys/vm/swappiness") == "60\n"
    assert grub.next_entry() == ""


def test_module_parameters_go_on_the_command_line_and_come_off_it_again(grub):
    prepared = grub.tune({DEPTH: 128, "kernel.module.workqueue.power_efficient": True})
    assert prepared["restart_required"]
    assert grub.entry().body.count("quiet virtio_blk.queue_depth=128 workqueue.power_efficient=Y\n") == 1
    grub.boots("second")
    message = failure(grub.tune, {DEPTH: 128, "kernel.module.workqueue.power_efficient": True})
    assert f"{DEPTH}: 128 is not in force after a restart, but 64. The kernel command line says so, as " in message

    grub.boots("third")
    grub.tune({DEPTH: 128})
    grub.boots("fourth")
    grub.machine.write("sys/module/virtio_blk/parameters/queue_depth", "128\n", 0o644).chmod(0o444)
    assert grub.tune({DEPTH: 128})["readback"] == {DEPTH: 128}
    # What the module has by itself is known, and needs no word.
    back = grub.tune({DEPTH: 64})
    assert back["restart_required"]
    assert not grub.custom.exists()


def test_what_else_is_in_the_file_stays_byte_for_byte(grub):
    theirs = "# mine\r\nmenuentry 'mine' {\n\ttrue\n}\n# no end"
    grub.custom.write_bytes(theirs.encode())
    grub.custom.chmod(0o640)
    grub.tune(OFF)
    grub.tune({MITIGATIONS: "auto"})
    text = grub.custom.read_bytes().decode()
    assert text.endswith(theirs)
    assert text.count("BEGIN evolve.vm") == 1
    assert "mitigations=auto" in text
    assert "mitigations=off" not in text
    grub.tune({MITIGATIONS: False})
    assert grub.custom.read_bytes().decode() == theirs
    assert grub.custom.stat().st_mode & 0o777 == 0o640


def test_the_entry_that_is_saved_as_usual_is_the_one_copied(machine):
    grub = GrubMachine(machine, "debian_saved")
    grub.editenv("set", "saved_entry=gnulinux-advanced-/dev/vda>gnulinux-6.1.0-37-cloud-amd64-advanced-/dev/vda")
    grub.tune(OFF)
    body = grub.entry().body
    assert "/boot/vmlinuz-6.1.0-37-cloud-amd64" in body
    assert 'quiet dyndbg="file drivers/usb/* +p" mitigations=off -- single' in body
    assert "savedefault" not in body, "or it would become the usual one"


def test_a_saved_entry_that_is_gone_means_the_first_one(machine):
    grub = GrubMachine(machine, "debian_saved")
    grub.editenv("set", "saved_entry=gone")
    grub.tune(OFF)
    assert "/boot/vmlinuz-6.1.0-44-cloud-amd64" in grub.entry().body


def test_ubuntu(machine):
    grub = GrubMachine(machine, "ubuntu")
    grub.tune({**OFF, "kernel.boot.ro": False, "kernel.boot.rw": True})
    body = grub.entry().body
    assert body.count("root=PARTUUID=5c1b3f6e-01  console=tty1 console=ttyS0") == 2
    assert body.count("mitigations=off rw\n") == 2
    assert "recordfail\n" in body


def test_grub2_in_its_own_folder(machine):
    grub = GrubMachine(machine, folder="boot/grub2")
    grub.tune(OFF)
    assert grub.next_entry() == ENTRY


def test_entries_in_files_of_their_own_come_from_grubby(machine, tmp_path, monkeypatch):
    """With a stand-in for grubby, for want of a real one: what it prints is written by hand in its format."""
    machine.with_grub("debian", "boot/grub2")
    text = (FIXTURES / "debian.out").read_text()
    start, end = text.index("menuentry 'Debian"), text.index("### END /etc/grub.d/10_linux")
    configuration = machine.root / "boot/grub2/grub.cfg"
    configuration.write_text(text[:start] + "insmod blscfg\nblscfg\n" + text[end:])
    grub = GrubMachine.__new__(GrubMachine)
    grub.machine, grub.tune, grub.folder = machine, machine.tune, configuration.parent
    grub.custom = grub.folder / "custom.cfg"
    grub.editenv("create")
    assert "Install the package grubby." in failure(machine.tune, OFF)

    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "grubby").write_text(f'#!/bin/sh\n[ "$1" = --info=DEFAULT ] && cat {FIXTURES}/grubby.out\n')
    (programs / "grubby").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    machine.mounted("22 1 254:1 / / rw - xfs /dev/vda1 rw", "23 22 254:16 / /boot rw - xfs /dev/vdb rw")
    machine.tune(OFF)
    lines = [line.strip() for line in grub.entry().body.strip().splitlines()]
    version = "5.14.0-427.13.1.el9_4.x86_64"
    assert lines == [
        f"search --no-floppy --set=root --file /vmlinuz-{version}",
        f"linux /vmlinuz-{version} root=/dev/mapper/rhel-root ro crashkernel=1G-4G:192M,4G-64G:256M,64G-:512M rhgb "
        "quiet $tuned_params mitigations=off",
        f"initrd /initramfs-{version}.img $tuned_initrd",
    ]


def test_a_boot_folder_that_is_no_file_system_of_its_own(machine):
    entry = entry_from(
        (FIXTURES / "grubby.out").read_text(), Disks(str(machine.root / "proc"), str(machine.root / "sys"))
    )
    assert "linux /boot/vmlinuz-5.14.0" in entry.body


def broken(grub, old, new):
    file = grub.folder / "grub.cfg"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("prepare", "text"),
    [
        (lambda grub: broken(grub, "/custom.cfg\n", "/other.cfg\n"), "does not read custom.cfg"),
        (lambda grub: broken(grub, 'default="${next_entry}"', "x=1"), "does not heed next_entry"),
        (lambda grub: broken(grub, "linux\t", "multiboot\t"), "has no line `linux`"),
        (lambda grub: broken(grub, "menuentry ", "echo "), "has no menu entry"),
        (lambda grub: (grub.folder / "grubenv").unlink(), "grubenv is missing"),
        (lambda grub: grub.editenv("set", "next_entry=other"), "already has an entry for the next boot (other)"),
        (lambda grub: grub.machine.mounted("1 1 0:9 / / rw - btrfs /dev/vda1 rw"), "it is on btrfs"),
        (lambda grub: grub.machine.mounted("1 1 0:9 / / rw - ext4 nowhere rw"), "is on no disk of this machine"),
        (lambda grub: mapped(grub.machine, "dm"), "it is on LVM or another mapped device (dm-0)"),
        (lambda grub: mapped(grub.machine, "md"), "it is on a software RAID (dm-0)"),
    ],
)
def test_why_one_boot_cannot_be_prepared_is_told_and_nothing_is_touched(grub, prepare, text):
    prepare(grub)
    for stage in ("all", "boot"):
        message = failure(grub.tune, {**OFF, "kernel.sysctl.vm.swappiness": 5}, stage=stage)
        assert message.startswith("Nothing was changed.\n")
        assert text in message
    assert not grub.custom.exists()
    assert grub.machine.read("proc/sys/vm/swappiness") == "60\n"
    # What is in force anyway is no reason to fail.
    assert grub.tune({MITIGATIONS: "default"}, stage="boot")["changed"] is False


def mapped(machine, kind):
    (machine.device("devices/virtual/block/dm-0", "253:0") / kind).mkdir()
    machine.mounted("1 1 253:0 / / rw - ext4 /dev/mapper/x rw")


def test_a_command_line_that_is_too_long_is_told(grub):
    assert "only 2047 are sure to be read" in failure(grub.tune, {"kernel.boot.x": "y" * 2000})


def test_without_grub_editenv(grub, monkeypatch):
    monkeypatch.setattr(grub_module, "_program", lambda what: "")
    assert "grub-editenv is not installed" in failure(grub.tune, OFF)


def test_a_file_that_grub_would_not_understand_is_put_back_with_all_else(grub):
    grub.custom.write_text("menuentry 'theirs is broken {\n")
    message = failure(grub.tune, {**OFF, "kernel.sysctl.vm.swappiness": 5})
    assert "GRUB would not understand" in message
    assert "What had been written before was put back." in message
    assert grub.custom.read_text() == "menuentry 'theirs is broken {\n"
    assert grub.machine.read("proc/sys/vm/swappiness") == "60\n"
    assert grub.next_entry() == ""


def test_grub_that_is_not_there_but_asked_for(machine):
    assert "GRUB is not to be found" in failure(machine.tune, OFF, boot_loader="grub")
    assert "is not in force after a restart" in failure(machine.tune, OFF, boot_loader="grub", stage="running")


def test_a_section_that_somebody_edited_is_written_anew(grub):
    grub.tune(OFF)
    grub.custom.write_text(grub.custom.read_text().replace("# state: {", "# state: (").replace("quiet", "loud"))
    grub.tune(OFF)
    assert "quiet mitigations=off" in grub.entry().body
    assert grub.custom.read_text().count("BEGIN") == 1
