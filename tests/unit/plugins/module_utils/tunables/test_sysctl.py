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

from ansible_collections.evolve.vm.plugins.module_utils.tunables.sysctl import (
    SysctlError,
    Sysctls,
    canonical,
    parse_sysctl_configuration,
    parse_sysctl_names,
)


@pytest.fixture
def root(tmp_path):
    """A small /proc/sys of plain files."""
    for key, value, mode in [
        ("vm/swappiness", "60\n", 0o644),
        ("vm/dirty_ratio", "20\n", 0o644),
        ("vm/dirty_bytes", "0\n", 0o644),
        ("vm/compact_memory", "", 0o200),
        ("net/ipv4/tcp_rmem", "4096\t131072\t6291456\n", 0o644),
        ("net/ipv4/conf/eth0.100/rp_filter", "0\n", 0o644),
        ("kernel/ostype", "Linux\n", 0o444),
    ]:
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)
        path.chmod(mode)
    return tmp_path


@pytest.fixture
def sysctls(root):
    return Sysctls(str(root))


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("60\n", 60),
        ("-1\n", -1),
        ("4096\t131072\t6291456\n", "4096 131072 6291456"),
        ("|/bin/core %p\n", "|/bin/core %p"),
        ("\n", ""),
        ("010", "010"),
        ("1_000", "1_000"),
    ],
)
def test_values_as_the_kernel_shows_them(content, value):
    assert canonical(content) == value
    assert type(canonical(content)) is type(value)


def test_configuration_takes_its_own_family():
    values, faults = parse_sysctl_configuration(
        {"vm.vcpus": 2, "kernel.sysctl.vm.swappiness": "10", "kernel.sysctl.net.ipv4.tcp_rmem": " 1  2\t3 "}
    )
    assert (values, faults) == ({"vm.swappiness": 10, "net.ipv4.tcp_rmem": "1 2 3"}, [])


def test_configuration_faults_all_at_once():
    values, faults = parse_sysctl_configuration(
        {
            "kernel.sysctl.vm.swappiness": True,
            "kernel.sysctl.vm.dirty_ratio": 1.5,
            "kernel.sysctl.a": ["x"],
            "kernel.sysctl.b": "1\n2",
            "kernel.thp": "always",
        }
    )
    assert values == {}
    assert [fault.split(":")[0] for fault in faults] == [
        "kernel.sysctl.vm.swappiness",
        "kernel.sysctl.vm.dirty_ratio",
        "kernel.sysctl.a",
        "kernel.sysctl.b",
        "kernel.thp",
    ]


def test_names_to_read_back():
    keys, faults = parse_sysctl_names(["vm.vcpus", "kernel.sysctl.vm.swappiness", "kernel.swappiness"])
    assert keys == ["vm.swappiness"]
    assert len(faults) == 1


def test_plan_and_apply(root, sysctls):
    target = {"vm.swappiness": 10, "net.ipv4.tcp_rmem": "4096 131072 6291456", "net.ipv4.conf.eth0/100.rp_filter": 1}
    assert sysctls.faults(target, write=True) == []
    changes = sysctls.plan(target)
    assert [tuple(change)[:4] for change in changes] == [
        ("kernel.sysctl.vm.swappiness", 60, 10, "live"),
        ("kernel.sysctl.net.ipv4.conf.eth0/100.rp_filter", 0, 1, "live"),
    ]
    sysctls.apply(target)
    assert (root / "vm/swappiness").read_text() == "10\n"
    assert (root / "net/ipv4/conf/eth0.100/rp_filter").read_text() == "1\n"
    assert (root / "net/ipv4/tcp_rmem").read_text() == "4096\t131072\t6291456\n"
    assert sysctls.plan(target) == []


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
    }
    faults = sysctls.faults(target, write=True)
    assert [fault.removeprefix("kernel.sysctl.") for fault in faults] == [
        "vm.swapiness: this kernel has no such key. Did you mean vm.swappiness?",
        "kernel.ostype: the kernel lets nobody write this key (mode 0444).",
        "vm.compact_memory: this key triggers an action and has no value that could be read back.",
        "net.ipv4: this is a group of keys, not one. It has: conf, tcp_rmem.",
        "net..ipv4: not a key: expected names joined by single dots.",
        "vm./swappiness: this kernel has no such key. Did you mean vm.swappiness?",
        "net.//.x: not a key: expected names joined by single dots.",
        "net.ipv4.conf.eth0.100.rp_filter: this kernel has no such key. Did you mean net.ipv4.conf.eth0/100.rp_filter?",
    ]


def test_a_key_nobody_can_write_can_be_read(sysctls):
    assert sysctls.faults({"kernel.ostype": 0}, write=False) == []
    assert sysctls.read("kernel.ostype") == "Linux"


def test_two_keys_that_exclude_each_other(sysctls):
    (fault,) = sysctls.faults({"vm.dirty_bytes": 1000000, "vm.dirty_ratio": 10}, write=True)
    assert "exclude each other" in fault
    assert sysctls.faults({"vm.dirty_bytes": 1000000, "vm.dirty_ratio": 0}, write=True) == []


def test_a_value_that_would_be_cleared_unsaid(root, sysctls):
    (root / "vm/dirty_bytes").write_text("1000000\n")
    (root / "vm/dirty_ratio").write_text("0\n")
    (fault,) = sysctls.faults({"vm.dirty_ratio": 10}, write=True)
    assert "makes the kernel clear kernel.sysctl.vm.dirty_bytes, now 1000000" in fault
    assert sysctls.faults({"vm.dirty_ratio": 10, "vm.dirty_bytes": 0}, write=True) == []


def test_a_value_the_kernel_changes_is_a_failure_and_put_back(root, sysctls):
    """A file that keeps its content whatever is written: the value read back differs."""
    (root / "vm/stubborn").symlink_to("/dev/null")
    with pytest.raises(
        SysctlError, match=r"vm\.stubborn: wrote 5, but the kernel has  in force\. What had been written"
    ):
        sysctls.apply({"vm.swappiness": 10, "vm.stubborn": 5})
    assert sysctls.read("vm.swappiness") == 60


def in_namespace(code):
    """Run `code` on a real kernel's net.* parameters, in a network namespace that nobody else uses."""
    program = textwrap.dedent(
        """
        import json
        from ansible_collections.evolve.vm.plugins.module_utils.tunables.sysctl import SysctlError, Sysctls
        sysctls = Sysctls()
        def failure(target):
            try:
                sysctls.apply(target)
            except SysctlError as error:
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
        assert sysctls.faults(target, write=True) == []
        sysctls.apply(target)
        print(json.dumps([{key: sysctls.read(key) for key in target}, sysctls.plan(target)]))
        """
    )
    assert after == {"net.ipv4.tcp_rmem": "4096 87380 1048576", "net.ipv4.tcp_fin_timeout": 30}
    assert plan == []


def test_real_kernel_refuses_and_what_was_written_is_put_back():
    message, before, after = in_namespace(
        """
        target = {"net.ipv4.tcp_fin_timeout": 30, "net.ipv4.tcp_congestion_control": "nonsense"}
        before = [sysctls.read(key) for key in target]
        message = failure(target)
        print(json.dumps([message, before, [sysctls.read(key) for key in target]]))
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
            sysctls.apply(dict(zip(keys, [1024, "32768 60999"])))
            # The first key must stay below the range of the second.
            target = {keys[0]: 40000, keys[1]: "45000 60999"}
            sysctls.apply({key: target[key] for key in order})
            results.append([sysctls.read(key) for key in keys])
            sysctls.apply({keys[0]: 500, keys[1]: "600 700"})
        print(json.dumps(results))
        """
    )
    assert first == second == [40000, "45000 60999"]
