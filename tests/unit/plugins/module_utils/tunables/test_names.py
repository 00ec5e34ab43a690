# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kernel.* names there are, and which values they take on any machine."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import parse_configuration, parse_names


def test_configuration_takes_its_own_family():
    values, faults = parse_configuration(
        {
            "vm.vcpus": 2,
            "kernel.sysctl.vm.swappiness": "10",
            "kernel.sysctl.net.ipv4.tcp_rmem": " 1  2\t3 ",
            "kernel.sysfs.kernel.mm.ksm.run": 0,
            "kernel.module.zswap.enabled": True,
            "kernel.boot.nosmt": False,
            "kernel.boot.mitigations": "off",
        }
    )
    assert faults == []
    assert values == {
        "kernel.sysctl.vm.swappiness": 10,
        "kernel.sysctl.net.ipv4.tcp_rmem": "1 2 3",
        "kernel.sysfs.kernel.mm.ksm.run": 0,
        "kernel.module.zswap.enabled": True,
        "kernel.boot.nosmt": False,
        "kernel.boot.mitigations": "off",
    }


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("kernel.sysctl.vm.swappiness", True, "A word such as 'on' needs quotes, as YAML reads it as true."),
        ("kernel.sysfs.a", False, "expected a whole number or text."),
        ("kernel.sysctl.vm.dirty_ratio", 1.5, "found 1.5, expected a whole number or text."),
        ("kernel.boot.x", 1.5, "found 1.5, expected a whole number, true, false or text."),
        ("kernel.module.a.b", ["x"], "expected a whole number, true, false or text."),
        ("kernel.boot.x", None, "found None"),
        ("kernel.sysctl.b", "1\n2", "expected one line."),
        ("kernel.boot.x", 'a"b', "expected text without double quotes"),
        ("kernel.thp", "always", "Kernel parameters are named kernel.sysctl.<key>, kernel.sysfs.<path>"),
        ("kernel.sysctrl.vm.swappiness", 1, "Did you mean kernel.sysctl.?"),
        ("kernel.sysctl.", 1, "names nothing"),
        ("kernel.module.zswap", 1, "Expected kernel.module.<module>.<parameter>."),
        ("kernel.boot.a b", 1, "not a name that can stand on a kernel command line"),
        ("kernel.boot.a=b", 1, "not a name that can stand on a kernel command line"),
        ("kernel.boot.--", True, "not a name that can stand on a kernel command line"),
    ],
)
def test_faults_say_what_was_expected(name, given, text):
    values, (fault,) = parse_configuration({name: given})
    assert values == {}
    assert fault.startswith(f"{name}: ")
    assert text in fault


def test_faults_come_all_at_once():
    values, faults = parse_configuration(
        {"kernel.sysctl.vm.swappiness": True, "kernel.thp": "always", "kernel.boot.x": [], "kernel.boot.y": 1}
    )
    assert values == {"kernel.boot.y": 1}
    assert [fault.split(":")[0] for fault in faults] == ["kernel.sysctl.vm.swappiness", "kernel.thp", "kernel.boot.x"]


def test_names_to_read_back():
    names, faults = parse_names(["vm.vcpus", "kernel.sysctl.vm.swappiness", "kernel.swappiness", "kernel.boot.x"])
    assert names == ["kernel.sysctl.vm.swappiness", "kernel.boot.x"]
    assert len(faults) == 1
