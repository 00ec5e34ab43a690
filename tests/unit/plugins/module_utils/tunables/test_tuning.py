# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call over all kinds: everything checked first, all or nothing, fast. Boot parameters without GRUB."""

from __future__ import annotations

import time

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError

SWAPPINESS = "kernel.sysctl.vm.swappiness"
HUGE = "kernel.sysfs.kernel.mm.transparent_hugepage.enabled"
AHEAD = "kernel.sysfs.block.root.queue.read_ahead_kb"
ZSWAP = "kernel.module.zswap.enabled"
DEPTH = "kernel.module.virtio_blk.queue_depth"
MITIGATIONS = "kernel.boot.mitigations"


def failure(call, *arguments, **options):
    with pytest.raises(TunablesError) as failed:
        call(*arguments, **options)
    return str(failed.value)


def test_all_kinds_in_one_call(machine):
    wanted = {SWAPPINESS: 10, AHEAD: 512, ZSWAP: True, "kernel.boot.quiet": True, "kernel.boot.nosmt": False}
    result = machine.tune({**wanted, "vm.vcpus": 2, "app.x": 1})
    assert (result["changed"], result["tier"], result["readback"]) == (True, "live", wanted)
    assert result["restart_required"] is False
    assert result["diff"]["prepared"] == (
        f"{SWAPPINESS}: 60 -> 10 (live)\n{AHEAD}: 128 -> 512 (live)\n{ZSWAP}: false -> true (live)\n"
    )
    assert machine.tune(wanted)["changed"] is False


def test_faults_of_all_kinds_come_at_once_and_nothing_is_written(machine):
    message = failure(
        machine.tune,
        {
            SWAPPINESS: 10,
            "kernel.sysctl.vm.swapiness": 1,
            HUGE: "sometimes",
            "kernel.module.zswap.enabeld": True,
            "kernel.boot.x": 1.5,
            "kernel.thp": 1,
        },
        parameters=["kernel.sysctl.kernel.ostyp", "kernel.sysctl.vm.swapiness", "kernel.x"],
    )
    lines = message.splitlines()
    assert lines[0] == "Nothing was changed."
    assert [line.split(":")[0] for line in lines[1:]] == [
        "kernel.boot.x",
        "kernel.thp",
        "kernel.x",
        "kernel.sysctl.vm.swapiness",
        "kernel.sysctl.kernel.ostyp",
        HUGE,
        "kernel.module.zswap.enabeld",
    ]
    assert machine.read("proc/sys/vm/swappiness") == "60\n"


def test_one_refusal_puts_back_what_other_kinds_had(machine):
    (machine.root / "proc/sys/vm/full").symlink_to("/dev/full")
    machine.write("sys/kernel/mm/stubborn", "").unlink()
    (machine.root / "sys/kernel/mm/stubborn").symlink_to("/dev/null")
    message = failure(machine.tune, {SWAPPINESS: 10, ZSWAP: True, AHEAD: 512, "kernel.sysfs.kernel.mm.stubborn": "x"})
    assert message == (
        "kernel.sysfs.kernel.mm.stubborn: wrote x, but the kernel has  in force. "
        "What had been written before was put back."
    )
    assert machine.read("proc/sys/vm/swappiness") == "60\n"
    assert machine.read("sys/module/zswap/parameters/enabled") == "N"
    assert machine.read("sys/devices/pci/block/vda/queue/read_ahead_kb") == "128\n"


def test_check_mode_plans_everything_and_touches_nothing(machine):
    result = machine.tune({SWAPPINESS: 10, AHEAD: 512, DEPTH: 128, MITIGATIONS: "off"}, check_mode=True)
    assert [(change["parameter"], change["tier"]) for change in result["changes"]] == [
        (SWAPPINESS, "live"),
        (AHEAD, "live"),
        (DEPTH, "reboot"),
        (MITIGATIONS, "reboot"),
    ]
    assert result["readback"] == {SWAPPINESS: 60, AHEAD: 128, DEPTH: 64, MITIGATIONS: False}
    assert machine.read("proc/sys/vm/swappiness") == "60\n"


def test_without_grub_the_hypervisor_is_told_what_to_say(machine):
    wanted = {
        DEPTH: 128,
        MITIGATIONS: "off",
        "kernel.boot.nosmt": True,
        "kernel.boot.quiet": False,
        "kernel.boot.a": "default",
    }
    result = machine.tune({**wanted, "kernel.module.workqueue.power_efficient": False, SWAPPINESS: 1}, stage="boot")
    assert result["restart_required"]
    assert result["boot_parameters"] == {
        "virtio_blk.queue_depth": "128",
        "mitigations": "off",
        "nosmt": True,
        "quiet": False,
        "a": False,
    }
    assert set(result["readback"]) == {*wanted, "kernel.module.workqueue.power_efficient"}
    assert machine.read("proc/sys/vm/swappiness") == "60\n"


def test_without_grub_one_call_cannot_do_it(machine):
    message = failure(machine.tune, {MITIGATIONS: "off", SWAPPINESS: 1})
    assert "Nothing was changed." in message
    assert "its hypervisor has to change it (module vm_config). In force is false, not off." in message


def test_without_grub_the_second_stage_reads_back(machine):
    machine.write("proc/cmdline", "root=/dev/vda mitigations=off nosmt x=7 virtio_blk.queue_depth=128\n")
    machine.write("sys/module/virtio_blk/parameters/queue_depth", "128\n").chmod(0o444)
    wanted = {MITIGATIONS: "off", "kernel.boot.nosmt": True, "kernel.boot.x": 7, "kernel.boot.y": "default", DEPTH: 128}
    result = machine.tune({**wanted, SWAPPINESS: 1}, stage="running")
    assert result["readback"] == {**wanted, SWAPPINESS: 1}
    assert [change["parameter"] for change in result["changes"]] == [SWAPPINESS]


def test_a_word_with_a_value_is_not_the_bare_word(machine):
    machine.write("proc/cmdline", "nosmt=1 quiet\n")
    assert machine.tune({"kernel.boot.nosmt": True}, check_mode=True)["changed"]
    assert machine.tune({"kernel.boot.quiet": 1}, check_mode=True)["changed"]
    assert not machine.tune({"kernel.boot.quiet": True, "kernel.boot.nosmt": 1}, check_mode=True)["changed"]


def test_two_names_for_one_word_are_refused(machine):
    message = failure(machine.tune, {DEPTH: 128, "kernel.boot.virtio-blk.queue_depth": 64}, stage="boot")
    assert "are the same word on the kernel command line" in message


def test_one_hundred_tunables_take_no_time(machine):
    configuration = {}
    for number in range(50):
        machine.write(f"proc/sys/net/group{number % 7}/key{number}", "1\n")
        machine.write(f"sys/class/things/thing{number}/limit", "1\n")
        configuration[f"kernel.sysctl.net.group{number % 7}.key{number}"] = number + 2
        configuration[f"kernel.sysfs.class.things.thing{number}.limit"] = number + 2
    started = time.monotonic()
    result = machine.tune(configuration)
    took = time.monotonic() - started
    assert len(result["changes"]) == 100
    assert result["readback"] == configuration
    assert took < 1
