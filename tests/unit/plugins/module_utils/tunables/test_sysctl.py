# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel parameters: checks on a stand-in for /proc/sys; what a real kernel does, in a network namespace of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.sysctl import Sysctls

SYSCTL = "kernel.sysctl."


def named(target):
    return {SYSCTL + key: value for key, value in target.items()}


@pytest.fixture
def sysctls(machine):
    return Sysctls(str(machine.root / "proc/sys"))


def test_plan_and_apply(machine):
    target = named({"vm.swappiness": 10, "net.ipv4.tcp_rmem": "4096 131072 6291456"})
    target[f"{SYSCTL}net.ipv4.conf.eth0/100.rp_filter"] = 1
    result = machine.tune(target)
    assert result["changes"] == [
        {"parameter": f"{SYSCTL}vm.swappiness", "before": 60, "after": 10, "tier": "live"},
        {"parameter": f"{SYSCTL}net.ipv4.conf.eth0/100.rp_filter", "before": 0, "after": 1, "tier": "live"},
    ]
    assert machine.read("proc/sys/vm/swappiness") == "10\n"
    assert machine.read("proc/sys/net/ipv4/conf/eth0.100/rp_filter") == "1\n"
    assert machine.read("proc/sys/net/ipv4/tcp_rmem") == "4096\t131072\t6291456\n"
    assert machine.tune(target)["changed"] is False


def test_every_fault_is_found_before_anything_is_written(sysctls):
    target = {
        "vm.swapiness": 1,
        "kernel.ostype": "Plan9",
        "vm.compact_memory": 1,
        "net.ipv4": 1,
        "net..ipv4": 1,
        "vm./swappiness": 1,
        "net.//.x": 1,
        "net.ipv4.conf.eth0.100.rp_filter": 1,
        "vm.swappiness": "high",
        "net.ipv4.tcp_rmem": 4096,
    }
    faults = sysctls.faults(named(target), [])
    assert [fault.removeprefix(SYSCTL) for fault in faults] == [
        "vm.swapiness: this kernel has no such key. Did you mean vm.swappiness?",
        "kernel.ostype: the kernel lets nobody write this key (mode 0444).",
        "vm.compact_memory: this key triggers an action and has no value that could be read back.",
        "net.ipv4: this is a group of keys, not one. It has: conf, tcp_rmem.",
        "net..ipv4: not a key: expected names joined by single dots.",
        "vm./swappiness: this kernel has no such key. Did you mean vm.swappiness?",
        "net.//.x: not a key: expected names joined by single dots.",
        "net.ipv4.conf.eth0.100.rp_filter: this kernel has no such key. Did you mean net.ipv4.conf.eth0/100.rp_filter?",
        "vm.swappiness: found 'high', expected a number, as the value in force is 60.",
        "net.ipv4.tcp_rmem: found 4096, expected 3 numbers, as the value in force is 4096 131072 6291456.",
    ]


def test_a_key_nobody_can_write_can_be_read(sysctls):
    assert sysctls.faults({}, [f"{SYSCTL}kernel.ostype"]) == []
    assert sysctls.read(f"{SYSCTL}kernel.ostype") == "Linux"


def test_two_keys_that_exclude_each_other(sysctls):
    (fault,) = sysctls.faults(named({"vm.dirty_bytes": 1000000, "vm.dirty_ratio": 10}), [])
    assert "exclude each other" in fault
    assert sysctls.faults(named({"vm.dirty_bytes": 1000000, "vm.dirty_ratio": 0}), []) == []


def test_a_value_that_would_be_cleared_unsaid(machine, sysctls):
    machine.write("proc/sys/vm/dirty_bytes", "1000000\n")
    machine.write("proc/sys/vm/dirty_ratio", "0\n")
    (fault,) = sysctls.faults(named({"vm.dirty_ratio": 10}), [])
    assert "makes the kernel clear kernel.sysctl.vm.dirty_bytes, now 1000000" in fault
    assert sysctls.faults(named({"vm.dirty_ratio": 10, "vm.dirty_bytes": 0}), []) == []


def test_a_value_the_kernel_changes_is_a_failure_and_put_back(machine, sysctls):
    """A file that keeps its content whatever is written: the value read back differs."""
    (machine.root / "proc/sys/vm/stubborn").symlink_to("/dev/null")
    with pytest.raises(
        TunablesError, match=r"vm\.stubborn: wrote five, but the kernel has  in force\. What had been written"
    ):
        machine.tune(named({"vm.swappiness": 10, "vm.stubborn": "five"}))
    assert sysctls.read(f"{SYSCTL}vm.swappiness") == 60


def in_namespace(code):
    """Run `code` on a real kernel's net.* parameters, in a network namespace that nobody else uses."""
    program = textwrap.dedent(
        """
        import json
        from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
        from ansible_collections.evolve.vm.plugins.module_utils.tunables.kernel import LinuxKernel
        from ansible_collections.evolve.vm.plugins.module_utils.tunables.tuning import tune_kernel
        def apply(target):
            configuration = {"kernel.sysctl." + key: value for key, value in target.items()}
            options = {"parameters": None, "state": "applied", "stage": "all", "boot_loader": "auto"}
            return tune_kernel(LinuxKernel(), {"configuration": configuration, **options}, False)
        def read(key):
            return LinuxKernel().read("kernel.sysctl." + key)
        def failure(target):
            try:
                apply(target)
            except TunablesError as error:
                return str(error)
        """
    ) + textwrap.dedent(code)
    command = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), sys.executable, "-c"]
    done = subprocess.run(
        [*command, program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_real_kernel_takes_values_and_shows_them_with_tabs():
    after, plan = in_namespace(
        """
        target = {"net.ipv4.tcp_rmem": "4096 87380 1048576", "net.ipv4.tcp_fin_timeout": 30}
        apply(target)
        print(json.dumps([{key: read(key) for key in target}, apply(target)["changes"]]))
        """
    )
    assert after == {"net.ipv4.tcp_rmem": "4096 87380 1048576", "net.ipv4.tcp_fin_timeout": 30}
    assert plan == []


def test_real_kernel_refuses_and_what_was_written_is_put_back():
    message, before, after = in_namespace(
        """
        target = {"net.ipv4.tcp_fin_timeout": 30, "net.ipv4.tcp_congestion_control": "nonsense"}
        before = [read(key) for key in target]
        message = failure(target)
        print(json.dumps([message, before, [read(key) for key in target]]))
        """
    )
    assert (
        "net.ipv4.tcp_congestion_control: the kernel refuses nonsense: No such file or directory (errno 2)" in message
    )
    assert "What had been written before was put back." in message
    assert after == before


def test_real_kernel_checks_keys_against_each_other_and_both_orders_work():
    first, second = in_namespace(
        """
        keys = ["net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_port_range"]
        results = []
        for order in (keys, keys[::-1]):
            apply(dict(zip(keys, [1024, "32768 60999"])))
            # The first key must stay below the range of the second.
            target = {keys[0]: 40000, keys[1]: "45000 60999"}
            apply({key: target[key] for key in order})
            results.append([read(key) for key in keys])
            apply({keys[0]: 500, keys[1]: "600 700"})
        print(json.dumps(results))
        """
    )
    assert first == second == [40000, "45000 60999"]
