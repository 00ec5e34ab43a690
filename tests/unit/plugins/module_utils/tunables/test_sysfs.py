# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files below /sys: choices, files of every CPU and disk, the disk that holds /."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.sysfs import Sysfs

SYSFS = "kernel.sysfs."
HUGE = f"{SYSFS}kernel.mm.transparent_hugepage.enabled"
SCHEDULER = f"{SYSFS}block.root.queue.scheduler"
GOVERNOR = f"{SYSFS}devices.system.cpu.all.cpufreq.scaling_governor"


def failure(machine, configuration, **options):
    with pytest.raises(TunablesError) as failed:
        machine.tune(configuration, **options)
    return str(failed.value)


def test_the_choice_that_is_marked_is_read(machine):
    assert machine.tune(state="read", parameters=[HUGE])["readback"] == {HUGE: "madvise"}
    assert machine.tune({HUGE: "madvise"})["changed"] is False


def test_a_choice_is_written_as_its_word(machine):
    # A plain file does not become `[always] madvise never`, but shows what was written.
    machine.write("sys/kernel/mm/ksm/run", "0\n")
    machine.tune({f"{SYSFS}kernel.mm.ksm.run": 1, f"{SYSFS}block.root.queue.read_ahead_kb": 512})
    assert machine.read("sys/kernel/mm/ksm/run") == "1\n"
    assert machine.read("sys/devices/pci/block/vda/queue/read_ahead_kb") == "512\n"
    assert machine.read("sys/devices/pci/block/vdb/queue/read_ahead_kb") == "128\n"


def test_every_fault_is_found_before_anything_is_written(machine):
    message = failure(
        machine,
        {
            f"{SYSFS}block.root.queue.read_ahead_kb": 512,
            HUGE: "madvice",
            f"{SYSFS}kernel.mm.transparent_hugepages.enabled": "never",
            f"{SYSFS}block.rot.queue.scheduler": "none",
            f"{SYSFS}block.root.queue.schedular": "none",
            f"{SYSFS}block.root.queue.rotational": 1,
            f"{SYSFS}block.root.queue": 1,
            f"{SYSFS}block..queue": 1,
            f"{SYSFS}block.vdb.queue.read_ahead_kb": "much",
            SCHEDULER: "bfq",
        },
    )
    assert [line.removeprefix(SYSFS) for line in message.replace(str(machine.root), "").splitlines()] == [
        "Nothing was changed.",
        "kernel.mm.transparent_hugepage.enabled: found 'madvice', expected one of always, madvise, never. Did you mean "
        "madvise?",
        "kernel.mm.transparent_hugepages.enabled: this kernel has no such file: there is no "
        "/sys/kernel/mm/transparent_hugepages. Did you mean kernel.mm.transparent_hugepage.enabled?",
        "block.rot.queue.scheduler: this kernel has no such file: there is no /sys/block/rot. Did you mean root?",
        "block.root.queue.schedular: this kernel has no such file: there is no /sys/block/vda/queue/schedular. "
        "Did you mean block.vda.queue.scheduler?",
        "block.root.queue.rotational: the kernel lets nobody write this key (mode 0444).",
        "block.root.queue: this is a group of keys, not one. It has: read_ahead_kb, rotational, scheduler.",
        "block..queue: not a key: expected names joined by single dots.",
        "block.vdb.queue.read_ahead_kb: found 'much', expected a number, as the value in force is 128.",
        "block.root.queue.scheduler: found 'bfq', expected one of none, mq-deadline.",
    ]
    assert machine.read("sys/devices/pci/block/vda/queue/read_ahead_kb") == "128\n"


def test_a_scheduler_that_the_kernel_would_load_is_one(machine):
    machine.schedulers(
        "alias bfq-iosched bfq\nalias net-pf-1 unix\n", "kernel/block/kyber-iosched.ko.xz:\nkernel/block/bfq.ko.xz: x\n"
    )
    for known in ("bfq", "kyber", "none"):
        assert machine.kernel.faults({SCHEDULER: known}, []) == []
    (fault,) = machine.kernel.faults({SCHEDULER: "cfq"}, [])
    assert "expected one of none, mq-deadline, bfq, kyber." in fault


def test_every_cpu_at_work_is_written(machine):
    result = machine.tune({GOVERNOR: "performance"})
    assert result["changes"] == [
        {"parameter": GOVERNOR, "before": "powersave", "after": "performance", "tier": "live"},
    ]
    governors = [machine.read(f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor") for cpu in range(3)]
    assert governors == ["performance\n", "performance\n", "powersave\n"]
    assert result["readback"] == {GOVERNOR: "performance"}


def test_cpus_that_differ_have_no_value_but_can_be_given_one(machine):
    machine.write("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n")
    message = failure(machine, {}, state="read", parameters=[GOVERNOR])
    assert "has no one value: powersave in /" in message
    assert "performance in /" in message
    assert "cpu1/cpufreq/scaling_governor" in message
    assert machine.tune({GOVERNOR: "performance"})["readback"] == {GOVERNOR: "performance"}


def test_each_cpu_gets_back_what_it_had(machine):
    machine.write("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n")
    machine.write("sys/stubborn", "").unlink()
    (machine.root / "sys/stubborn").symlink_to("/dev/null")
    message = failure(machine, {GOVERNOR: "ondemand", f"{SYSFS}stubborn": "x"})
    assert "What had been written before was put back." in message
    governors = [machine.read(f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor") for cpu in range(2)]
    assert governors == ["powersave\n", "performance\n"]


def test_what_no_cpu_has_is_told_by_the_first(machine):
    (fault,) = machine.kernel.faults({f"{SYSFS}devices.system.cpu.all.cpufreq.scaling_governer": "x"}, [])
    assert "cpu0/cpufreq/scaling_governer. Did you mean devices.system.cpu.cpu0.cpufreq.scaling_governor?" in fault


def test_every_disk(machine):
    machine.tune({f"{SYSFS}block.all.queue.read_ahead_kb": 64})
    ahead = [machine.read(f"sys/devices/pci/block/{disk}/queue/read_ahead_kb") for disk in ("vda", "vdb")]
    assert ahead == ["64\n", "64\n"]


def test_another_scheduler_gives_back_the_queue_that_was_there(machine):
    machine.write("sys/devices/pci/block/vda/queue/nr_requests", "300\n")
    own, touched = machine.kernel.live_settings({SCHEDULER: "mq-deadline"})
    assert [(setting.name, setting.value) for setting in own] == [(SCHEDULER, "mq-deadline")]
    assert [(setting.name, setting.value) for setting in touched] == [(f"{SYSFS}block.root.queue.nr_requests", 300)]
    assert machine.kernel.live_settings({SCHEDULER: "none", f"{SYSFS}block.root.queue.nr_requests": 8})[1] == []


def test_the_kernel_of_this_machine():
    sysfs = Sysfs()
    assert sysfs.read(HUGE) in ("always", "madvise", "never")
    (fault,) = sysfs.faults({HUGE: "perhaps"}, [])
    assert "expected one of always, madvise, never." in fault or "no permission" in fault
