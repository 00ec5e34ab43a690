# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizing and tuning simulated machines: the results of the real modules, their checks, their failures."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import NAMES
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.applying import size_machine, tune_kernel
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import MachineLostError, SimulatedMachine

LIVE = {"vm.cpu.shares", "vm.cpu.quota_percent", "vm.cpu.pinning", "vm.disk.total_iops"}
SWAPPINESS = "kernel.sysctl.vm.swappiness"
HUGE = "kernel.sysfs.kernel.mm.transparent_hugepage.enabled"
DEPTH = "kernel.module.virtio_blk.queue_depth"
MITIGATIONS = "kernel.boot.mitigations"
DEFAULTS = {
    "parameters": None,
    "state": "applied",
    "stage": "all",
    "boot_loader": "auto",
    "running": True,
    "restart": False,
    "simulation": {"host_vcpus": 64, "host_memory_mib": 262144},
}


@pytest.fixture
def size(tmp_path):
    def call(configuration=None, check_mode=False, machine="sim-01", host=None, **options):
        given = {**DEFAULTS, "simulation_directory": str(tmp_path), "configuration": configuration or {}, **options}
        return size_machine(given, machine, check_mode, host)

    return call


@pytest.fixture
def tune(tmp_path):
    def call(configuration=None, check_mode=False, **options):
        given = {**DEFAULTS, "simulation_directory": str(tmp_path), "configuration": configuration or {}, **options}
        return tune_kernel(given, "sim-01", check_mode)

    return call


def test_what_is_applied_is_read_back(size):
    wanted = {
        "vm.vcpus": 4,
        "vm.memory_mib": 2048,
        "vm.disk.cache": "none",
        "vm.disk.io": "native",
        "vm.disk.iothread": True,
    }
    result = size({**wanted, SWAPPINESS: 3, "app.x": 1})
    assert result["changed"] is True
    assert result["readback"] == wanted
    assert result["tier"] == "reboot"
    assert result["rebooted"] is True
    assert {change["parameter"]: change["tier"] for change in result["changes"]} == {
        "vm.vcpus": "live",
        "vm.memory_mib": "live",
        "vm.disk.cache": "reboot",
        "vm.disk.io": "reboot",
        "vm.disk.iothread": "reboot",
    }
    assert wanted.items() <= size(state="read")["readback"].items()


def test_every_parameter_is_kept_and_read_back(size):
    wanted = {
        "vm.cpu.shares": 300,
        "vm.cpu.quota_percent": 50,
        "vm.cpu.pinning": "numa_node",
        "vm.cpu.topology": "threads",
        "vm.memory.maximum_mib": 8192,
        "vm.memory.hugepages": True,
        "vm.disk.class": "ssd",
        "vm.disk.bus": "scsi",
        "vm.disk.queues": 4,
        "vm.disk.discard": "unmap",
        "vm.disk.total_iops": 900,
        "vm.disk.read_mib_per_second": 40,
        "vm.network.model": "e1000e",
        "vm.network.inbound_mbit_per_second": 100,
    }
    result = size(wanted)
    assert result["readback"] == wanted
    live = {change["parameter"] for change in result["changes"] if change["tier"] == "live"}
    assert live == {name for name in wanted if name.endswith("_per_second") or name in LIVE}
    assert set(size(state="read")["readback"]) == set(NAMES)


def test_the_maximum_of_memory_follows_the_memory(size):
    size({"vm.memory_mib": 6000})
    assert size(state="read", parameters=["vm.memory.maximum_mib"])["readback"] == {"vm.memory.maximum_mib": 6000}
    assert size({"vm.memory_mib": 5000})["tier"] == "live"
    assert size({"vm.memory.maximum_mib": 5000})["tier"] == "reboot"


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"vm.disk.class": "sdd"}, "the simulated host has no class sdd. Did you mean ssd or hdd?"),
        ({"vm.disk.bus": "sata", "vm.disk.iothread": True}, "which takes no iothread"),
        ({"vm.disk.bus": "sata", "vm.disk.queues": 2}, "which has only one queue"),
        ({"vm.network.model": "e1000", "vm.network.queues": 2}, "only virtio has more than one queue"),
        ({"vm.disk.total_iops": 5, "vm.disk.read_iops": 5}, "5 excludes vm.disk.read_iops 5"),
        ({"vm.memory.maximum_mib": 512}, "512 is less than vm.memory_mib, which would be 1024"),
        ({"vm.memory.maximum_mib": 20000}, "at most 16384"),
    ],
)
def test_what_a_real_machine_cannot_have_a_simulated_one_cannot_either(size, configuration, expected):
    result = size(configuration)
    assert result["failed"]
    assert expected in result["msg"]


def test_applying_again_changes_nothing(size):
    size({"vm.vcpus": 4})
    assert size({"vm.vcpus": 4}) == {
        "changed": False,
        "tier": "none",
        "changes": [],
        "diff": {"prepared": ""},
        "readback": {"vm.vcpus": 4},
        "running": True,
        "rebooted": False,
        "forced_off": False,
    }


@pytest.mark.parametrize(
    ("configuration", "tier"),
    [
        ({"vm.vcpus": 8}, "live"),
        ({"vm.vcpus": 9}, "reboot"),
        ({"vm.memory_mib": 4096}, "live"),
        ({"vm.memory_mib": 4097}, "reboot"),
        ({"vm.disk.cache": "none"}, "reboot"),
        ({"vm.vcpus": 1}, "live"),
    ],
)
def test_tiers_are_those_of_a_real_machine(size, configuration, tier):
    result = size(configuration)
    assert result["tier"] == tier
    assert result["rebooted"] == (tier == "reboot")


def test_check_mode_tells_the_same_and_touches_nothing(size, tmp_path):
    result = size({"vm.vcpus": 4, "vm.disk.cache": "none"}, check_mode=True)
    assert result["tier"] == "reboot"
    assert result["diff"]["prepared"] == "vm.vcpus: 2 -> 4 (live)\nvm.disk.cache: writeback -> none (reboot)\n"
    assert result["readback"] == {"vm.vcpus": 2, "vm.disk.cache": "writeback"}
    assert result["rebooted"] is False
    assert list(tmp_path.iterdir()) == []


def test_reading_touches_nothing(size, tune, tmp_path):
    assert size({"vm.vcpus": 4}, state="read")["readback"] == {"vm.vcpus": 2}
    assert tune({SWAPPINESS: 4}, state="read")["readback"] == {SWAPPINESS: 60}
    assert size(state="read", parameters=["vm.disk.io", SWAPPINESS])["readback"] == {"vm.disk.io": "threads"}
    assert tune(state="read", parameters=["vm.disk.io", SWAPPINESS])["readback"] == {SWAPPINESS: 60}
    assert list(tmp_path.iterdir()) == []


def test_a_read_says_what_the_host_has_and_holds(size, tune, tmp_path):
    assert size(state="read")["hypervisor"] == {
        "vcpus": 64,
        "memory_mib": 262144,
        "numa_nodes": 1,
        "machines": {"sim-01": {"vcpus": 2, "memory_mib": 1024}},
    }
    assert list(tmp_path.iterdir()) == []
    size({"vm.vcpus": 6, "vm.memory_mib": 3072}, machine="sim/02")
    held = size(state="read", simulation={"host_vcpus": 8, "host_memory_mib": 4096})["hypervisor"]
    assert held == {
        "vcpus": 8,
        "memory_mib": 4096,
        "numa_nodes": 1,
        "machines": {"sim/02": {"vcpus": 6, "memory_mib": 3072}, "sim-01": {"vcpus": 2, "memory_mib": 1024}},
    }


def test_machines_sized_through_another_host_stand_on_another(size, tune):
    def machines(host):
        return list(size(state="read", machine="sim-01", host=host)["hypervisor"]["machines"])

    for machine, host in (("sim-01", "kvm-1"), ("sim-02", "kvm-1"), ("sim-03", "kvm-2")):
        size({"vm.vcpus": 2}, machine=machine, host=host)
    assert machines("kvm-1") == ["sim-01", "sim-02"]
    assert size(state="read", machine="sim-03", host="kvm-2")["hypervisor"]["machines"].keys() == {"sim-03"}
    assert machines(None) == ["sim-01", "sim-02", "sim-03"], "without a host there is only one"
    size({}, machine="sim-03", host="kvm-1")
    assert machines("kvm-1") == ["sim-01", "sim-02", "sim-03"], "it has moved"
    size({"vm.vcpus": 3}, machine="sim-04")
    assert "sim-04" in machines("kvm-1"), "a machine that may stand anywhere counts everywhere"


def test_an_application_says_nothing_of_the_host(size):
    assert "hypervisor" not in size({"vm.vcpus": 3}, check_mode=True)
    assert "hypervisor" not in size({"vm.vcpus": 3})


def test_every_fault_is_told_before_anything_is_changed(size, tmp_path):
    result = size(
        {"vm.vcpu": 2, "vm.vcpus": 17, "vm.memory_mib": "much", "vm.disk.io": "native", "vm.disk.iothread": "maybe"}
    )
    assert result["failed"] is True
    for text in ("Did you mean vm.vcpus?", "at most 16", "'much'", "native works only with", "'maybe'"):
        assert text in result["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_does_not_work_is_put_back(size, tune):
    tune({SWAPPINESS: 5})
    result = size({"vm.vcpus": 7, "vm.memory_mib": 384})
    assert result["failed"] is True
    assert "384 MiB are too little for 7 vCPUs. The previous values were put back." in result["msg"]
    assert result["rebooted"] is False
    assert size(state="read")["readback"]["vm.vcpus"] == 2
    assert tune(state="read", parameters=[SWAPPINESS])["readback"] == {SWAPPINESS: 5}


def test_a_restart_returns_the_kernel_to_its_defaults_also_when_it_fails(size, tune):
    tune({SWAPPINESS: 5})
    assert size({"vm.disk.cache": "none"})["rebooted"]
    assert tune(state="read", parameters=[SWAPPINESS])["readback"] == {SWAPPINESS: 60}
    tune({SWAPPINESS: 5})
    failed = size({"vm.disk.cache": "writeback", "vm.memory_mib": 100})
    assert failed["failed"]
    assert failed["rebooted"]
    assert tune(state="read", parameters=[SWAPPINESS])["readback"] == {SWAPPINESS: 60}


def test_a_restart_can_be_asked_for(size, tune):
    tune({SWAPPINESS: 5})
    result = size({}, restart=True)
    assert result["rebooted"]
    assert result["tier"] == "reboot"
    assert tune(state="read", parameters=[SWAPPINESS])["readback"] == {SWAPPINESS: 60}


def test_kernel_parameters_are_set_and_read_back(tune):
    qdisc = "kernel.sysctl.net.core.default_qdisc"
    result = tune({SWAPPINESS: "7", qdisc: "fq", "vm.vcpus": 3})
    assert result["changes"] == [
        {"parameter": SWAPPINESS, "before": 60, "after": 7, "tier": "live"},
        {"parameter": qdisc, "before": "pfifo_fast", "after": "fq", "tier": "live"},
    ]
    assert result["readback"] == {SWAPPINESS: 7, qdisc: "fq"}
    assert tune({SWAPPINESS: 7})["changed"] is False


def test_kernel_check_mode_touches_nothing(tune, tmp_path):
    result = tune({SWAPPINESS: 7}, check_mode=True)
    assert result["diff"]["prepared"] == f"{SWAPPINESS}: 60 -> 7 (live)\n"
    assert result["readback"] == {SWAPPINESS: 60}
    assert list(tmp_path.iterdir()) == []


def test_unknown_keys_are_refused_like_by_a_real_kernel(tune):
    result = tune({"kernel.sysctl.vm.swapiness": 1, "kernel.sysctl.no.such": 1, "kernel.foo": 1, SWAPPINESS: True})
    assert result["failed"]
    assert "kernel.sysctl.vm.swapiness: this kernel has no such key. Did you mean vm.swappiness?" in result["msg"]
    assert "kernel.sysctl.no.such: this kernel has no such key." in result["msg"]
    assert "kernel.foo: no such parameter" in result["msg"]
    assert f"{SWAPPINESS}: found True" in result["msg"]
    asked = tune(state="read", parameters=["kernel.sysctl.no.such"])
    assert asked["failed"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("vm.swappiness", 201), ("vm.swappiness", -1), ("net.core.default_qdisc", "best")],
)
def test_values_out_of_range_are_refused_and_nothing_is_kept(tune, key, value):
    result = tune({"kernel.sysctl.vm.dirty_ratio": 33, f"kernel.sysctl.{key}": value})
    assert result["failed"]
    assert f"kernel.sysctl.{key}: the kernel refuses {value}: Invalid argument (errno 22)" in result["msg"]
    ratio = "kernel.sysctl.vm.dirty_ratio"
    assert tune(state="read", parameters=[ratio])["readback"] == {ratio: 20}


def test_values_of_another_kind_are_found_before_anything_is_set(tune, tmp_path):
    result = tune(
        {
            SWAPPINESS: "high",
            HUGE: "madvice",
            "kernel.module.zswap.enabled": "perhaps",
            "kernel.module.virtio_blk.queue_depth": -1,
            "kernel.module.zswap.enabeld": True,
        }
    )
    assert result["msg"].splitlines() == [
        "Nothing was changed.",
        "kernel.module.zswap.enabeld: this kernel has no such key. Did you mean zswap.enabled?",
        f"{SWAPPINESS}: found 'high', expected a number, as the value in force is 60.",
        f"{HUGE}: found 'madvice', expected one of always, madvise, never. Did you mean madvise?",
        "kernel.module.zswap.enabled: found 'perhaps', expected true or false.",
        "kernel.module.virtio_blk.queue_depth: found -1, which the kernel would not take at its start.",
    ]
    assert list(tmp_path.iterdir()) == []


def test_all_kinds_of_kernel_parameters(tune):
    wanted = {SWAPPINESS: 7, HUGE: "never", "kernel.module.zswap.enabled": True, "kernel.boot.nosmt": False}
    result = tune(wanted)
    assert (result["tier"], result["readback"], result["restart_required"]) == ("live", wanted, False)
    assert tune(wanted)["changed"] is False
    refused = tune({SWAPPINESS: 8, HUGE: "always", "kernel.module.zswap.compressor": "zip"})
    assert refused["msg"] == (
        "kernel.module.zswap.compressor: the kernel refuses zip: Invalid argument (errno 22). "
        "What had been written before was put back."
    )
    assert tune(state="read", parameters=list(wanted))["readback"] == wanted


def test_what_takes_a_restart_is_there_after_it_and_gone_after_the_next(size, tune):
    wanted = {MITIGATIONS: "off", DEPTH: 128, SWAPPINESS: 7}
    prepared = tune(wanted, stage="boot")
    assert [(change["parameter"], change["tier"]) for change in prepared["changes"]] == [
        (MITIGATIONS, "reboot"),
        (DEPTH, "reboot"),
    ]
    assert prepared["restart_required"] is True
    assert prepared["readback"] == {MITIGATIONS: False, DEPTH: 0}
    size({}, restart=True)
    done = tune(wanted, stage="running")
    assert done["readback"] == wanted
    assert [change["parameter"] for change in done["changes"]] == [SWAPPINESS]
    # A restart for another reason keeps what the stage before it asked for, and only that.
    assert tune(wanted, stage="boot")["restart_required"] is False
    size({"vm.disk.cache": "none"})
    assert tune(wanted, stage="running")["readback"] == wanted
    size({}, restart=True)
    assert tune({MITIGATIONS: "default"}, state="read")["readback"] == {MITIGATIONS: "default"}


def test_what_takes_a_restart_and_did_not_get_one_is_a_failure(size, tune):
    assert tune({MITIGATIONS: "off"})["restart_required"] is True
    assert tune({MITIGATIONS: "off"}, check_mode=True)["restart_required"] is True
    result = tune({MITIGATIONS: "off", SWAPPINESS: 7}, stage="running")
    assert f"{MITIGATIONS}: off is not in force after a restart, but false." in result["msg"]
    assert tune(state="read", parameters=[SWAPPINESS])["readback"] == {SWAPPINESS: 60}
    size({}, restart=True)
    assert tune(state="read", parameters=[MITIGATIONS])["readback"] == {MITIGATIONS: False}, "it was taken back"


def test_a_value_that_the_kernel_cuts_is_a_failure(tune):
    result = tune({"kernel.sysctl.vm.nr_hugepages": 500})
    assert result["failed"]
    assert "vm.nr_hugepages: wrote 500, but the kernel has 409 in force" in result["msg"]
    assert tune({"kernel.sysctl.vm.nr_hugepages": 409})["changed"]


def test_a_lost_machine_answers_nothing(size, tune, tmp_path):
    machine = SimulatedMachine(tmp_path, "sim-01")
    machine.lost = True
    machine.save()
    for call in (size, tune):
        with pytest.raises(MachineLostError):
            call(state="read")
