# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue that comes with the collection: every entry is sound, and makes a search space of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor import parameters as vm
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.deriving import derive, needs_facts
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.facts import TYPICAL
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.risks import RISKS
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace

REPOSITORY = Path(__file__).resolve().parents[5]
KNOWN = catalogue()
SMALL = {
    **TYPICAL,
    "guest.memory_mib": 1024,
    "guest.vcpus": 2,
    "hypervisor.vcpus": 4,
    "hypervisor.free_memory_mib": 2048,
}
LARGE = {
    **TYPICAL,
    "guest.memory_mib": 65536,
    "guest.vcpus": 32,
    "hypervisor.vcpus": 128,
    "hypervisor.free_memory_mib": 2**19,
}


def searchable(family: str) -> list[str]:
    """The names of a family that can be searched by their name alone."""
    return [entry.name for entry in KNOWN.entries.values() if entry.family == family and not entry.example]


@pytest.mark.parametrize("facts", [SMALL, TYPICAL, LARGE], ids=["small", "typical", "large"])
@pytest.mark.parametrize("family", KNOWN.families)
def test_all_entries_of_a_file_make_one_search_space(family: str, facts: dict[str, float]) -> None:
    derived = derive(searchable(family), [], facts, list(RISKS))
    assert derived.faults == []
    space = SearchSpace.from_mapping(derived.parameters, derived.constraints)
    assert list(space.parameters) == searchable(family)


@pytest.mark.parametrize("facts", [SMALL, TYPICAL, LARGE], ids=["small", "typical", "large"])
@pytest.mark.parametrize("profile", KNOWN.profiles)
def test_a_profile_makes_a_search_space_without_any_risk(profile: str, facts: dict[str, float]) -> None:
    derived = derive(None, profile, facts)
    assert derived.faults == []
    space = SearchSpace.from_mapping(derived.parameters, derived.constraints)
    assert KNOWN.risks_in(space.design(4, seed=1)[-1]) == {}
    assert needs_facts(None, profile) <= TYPICAL.keys()


def test_whatever_the_machine_module_knows_is_in_the_catalogue() -> None:
    assert set(vm.NAMES) <= set(KNOWN.names("vm."))


def test_every_vm_parameter_is_there() -> None:
    limits = [f"{what}_{unit}" for what in ("read", "write", "total") for unit in ("iops", "mib_per_second")]
    disk = ["class", "bus", "cache", "io", "iothread", "queues", "discard", *limits]
    network = ["model", "queues", "inbound_mbit_per_second", "outbound_mbit_per_second"]
    assert set(KNOWN.names("vm.")) == {
        "vm.vcpus",
        "vm.memory_mib",
        *(f"vm.cpu.{name}" for name in ("shares", "quota_percent", "pinning", "topology")),
        *(f"vm.memory.{name}" for name in ("maximum_mib", "hugepages")),
        *(f"vm.disk.{name}" for name in disk),
        *(f"vm.network.{name}" for name in network),
    }


def test_at_least_75_kernel_parameters_of_every_kind() -> None:
    assert len(KNOWN.names("kernel.")) >= 75
    for kind, least in {"sysctl": 60, "sysfs": 25, "boot": 20, "module": 10}.items():
        assert len(KNOWN.names(f"kernel.{kind}.")) >= least


@pytest.mark.parametrize(
    ("name", "value", "risk"),
    [
        ("vm.disk.cache", "unsafe", "durability"),
        ("vm.disk.cache", "none", None),
        ("kernel.boot.mitigations", "off", "security"),
        ("kernel.sysctl.net.ipv4.tcp_syncookies", 0, "security"),
        ("kernel.sysctl.net.ipv4.tcp_syncookies", 1, None),
        ("kernel.sysctl.vm.overcommit_memory", 1, "availability"),
        ("kernel.sysctl.vm.laptop_mode", 5, "durability"),
        ("kernel.sysctl.vm.laptop_mode", 0, None),
        ("kernel.sysfs.block.root.queue.write_cache", "write through", "durability"),
        ("kernel.sysctl.kernel.sched_rt_runtime_us", -1, "availability"),
        ("nobody.knows.this", 1, None),
    ],
)
def test_what_a_value_can_cost(name: str, value: object, risk: str | None) -> None:
    assert KNOWN.risk_of(name, value) == risk


def test_the_names_an_application_has_for_its_settings() -> None:
    assert KNOWN.setting("app.postgresql.no_such_setting") == ("no_such_setting", "")
    assert KNOWN.setting("app.redis.client-output.limit") == ("client-output.limit", "")
    assert KNOWN.setting("kernel.sysctl.vm.swappiness") == ("swappiness", "")


def test_tiers_are_known_where_the_parameter_is() -> None:
    assert KNOWN.tier("kernel.boot.mitigations") == "reboot"
    assert KNOWN.tier("nobody.knows.this") is None


def test_what_is_written_without_fsync_never_lies_in_memory_longer_than_by_default() -> None:
    for name in ("dirty_expire_centisecs", "dirty_writeback_centisecs", "dirtytime_expire_seconds"):
        entry = KNOWN.entries[f"kernel.sysctl.vm.{name}"]
        assert entry.space["range"][1] == entry.default


def test_the_reference_page_is_what_the_data_gives() -> None:
    tool = REPOSITORY / "tests" / "tools" / "catalogue_page.py"
    done = subprocess.run([sys.executable, str(tool), "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
