# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vm.* parameters: what is accepted, and that every fault is named at once."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    disk_limit_faults,
    parse_vm_configuration,
    parse_vm_names,
)


def test_takes_its_own_family_and_leaves_the_others():
    values, faults = parse_vm_configuration({"vm.vcpus": 2, "kernel.sysctl.vm.swappiness": 1, "app.x": "y"})
    assert (values, faults) == ({"vm.vcpus": 2}, [])


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("vm.vcpus", "4", 4),
        ("vm.memory_mib", 512, 512),
        ("vm.disk.iothread", "yes", True),
        ("vm.disk.iothread", "False", False),
        ("vm.disk.iothread", True, True),
        ("vm.disk.cache", "none", "none"),
        ("vm.disk.io", "io_uring", "io_uring"),
        ("vm.cpu.quota_percent", 0, 0),
        ("vm.disk.total_iops", "0", 0),
        ("vm.network.outbound_mbit_per_second", 0, 0),
        ("vm.cpu.pinning", "numa_node", "numa_node"),
        ("vm.disk.class", "ssd_pool.2", "ssd_pool.2"),
        ("vm.memory.hugepages", "on", True),
    ],
)
def test_canonical_values(name, given, value):
    values, faults = parse_vm_configuration({name: given})
    assert not faults
    assert values == {name: value}
    assert type(values[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("vm.vcpus", 0, "whole number of at least 1"),
        ("vm.vcpus", -2, "whole number of at least 1"),
        ("vm.vcpus", 2.5, "whole number of at least 1"),
        ("vm.vcpus", True, "whole number of at least 1"),
        ("vm.vcpus", None, "whole number of at least 1"),
        ("vm.memory_mib", "1 GiB", "whole number of at least 1"),
        ("vm.disk.iothread", 1, "true or false"),
        ("vm.disk.iothread", "maybe", "true or false"),
        ("vm.disk.cache", "default", "none, writeback, writethrough, directsync, unsafe"),
        ("vm.disk.cache", None, "none, writeback, writethrough, directsync, unsafe"),
        ("vm.disk.io", ["native"], "threads, native, io_uring"),
        ("vm.cpu.quota_percent", 101, "whole number from 0 to 100 (0: no limit)"),
        ("vm.cpu.shares", 0, "whole number from 1 to 262144"),
        ("vm.disk.read_iops", -1, "whole number of at least 0 (0: no limit)"),
        ("vm.disk.queues", 0, "whole number from 1 to 256"),
        ("vm.disk.class", "", "a name of letters"),
        ("vm.disk.class", "../ssd", "a name of letters"),
        ("vm.cpu.pinning", "custom", "none, one_to_one, numa_node"),
    ],
)
def test_bad_value_names_what_was_found_and_what_is_accepted(name, given, expected):
    values, faults = parse_vm_configuration({name: given})
    assert values == {}
    assert len(faults) == 1
    assert faults[0].startswith(f"{name}: found {given!r}, expected ")
    assert expected in faults[0]


def test_all_faults_at_once_and_a_hint_for_a_misspelt_name():
    values, faults = parse_vm_configuration({"vm.vcpu": 2, "vm.disk.cache": "fast", "vm.memory_mib": 512})
    assert values == {"vm.memory_mib": 512}
    assert len(faults) == 2
    assert "vm.vcpu: no such parameter. Did you mean vm.vcpus?" in faults[0]


def test_a_limit_on_the_total_excludes_those_on_reading_and_writing():
    values = {"vm.disk.total_iops": 100, "vm.disk.read_iops": 50, "vm.disk.write_iops": 0}
    (fault,) = disk_limit_faults(values)
    assert "vm.disk.total_iops: 100 excludes vm.disk.read_iops 50" in fault
    assert disk_limit_faults({**values, "vm.disk.total_iops": 0}) == []
    assert disk_limit_faults({"vm.disk.total_iops": 100, "vm.disk.read_mib_per_second": 5}) == []


def test_names_to_read_back():
    names, faults = parse_vm_names(["vm.vcpus", "kernel.sysctl.vm.swappiness", "vm.disk.caches"])
    assert names == ["vm.vcpus"]
    assert len(faults) == 1
    assert "Did you mean vm.disk.cache?" in faults[0]
