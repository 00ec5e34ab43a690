# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies that are written with names of the catalogue, whole families at once, and harvests that found them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from .conftest import Estate, said


@pytest.fixture
def by_name(estate: Estate) -> Estate:
    estate.variables["evolve_parameters"] = {
        "vm.vcpus": None,
        "vm.memory_mib": {"minimum": 1024, "range": [512, 4096]},
        "vm.disk.cache": None,
        "app.postgresql.shared_buffers_mib": {"range": [64, "0.5 * guest.memory_mib"]},
        "app.postgresql.random_page_cost": None,
        "kernel.sysctl.vm.swappiness": None,
    }
    estate.variables["evolve_constraints"] = []
    estate.variables["evolve_simulation"] = {"host_vcpus": 8, "host_memory_mib": 65536}
    return estate


def searched(estate: Estate) -> dict[str, Any]:
    ((definition,),) = estate.rows("select definition from studies")
    stored: dict[str, Any] = yaml.safe_load(definition) if isinstance(definition, str) else definition
    return stored["parameters"]


def test_ranges_follow_from_the_machines_and_are_shown_and_kept(by_name: Estate) -> None:
    ended = by_name.run()
    assert ended.returncode == 0, ended.stdout
    assert "Searched: vm.vcpus: 1 to 8 (hypervisor.vcpus = 8)" in said(ended)
    assert "vm.disk.cache: unsafe left out, as it can cost durability" in said(ended)
    before = searched(by_name)
    assert before["vm.memory_mib"]["range"] == [1024, 4096]
    assert before["app.postgresql.shared_buffers_mib"]["range"] == [64, 2048]
    by_name.variables["evolve_budget"] = {"trials": 10}
    by_name.variables["evolve_simulation"]["host_vcpus"] = 4
    assert by_name.run().returncode == 0, "what was derived is not derived again"
    assert searched(by_name) == before


def test_an_application_is_part_of_every_configuration_and_goes_back(by_name: Estate) -> None:
    ended = by_name.run()
    assert ended.returncode == 0, ended.stdout
    rows = by_name.rows("select readback from measurements where status = 'measured' and purpose = 'search'")
    readbacks = [yaml.safe_load(readback) for (readback,) in rows]
    assert len({readback["app.postgresql.shared_buffers_mib"] for readback in readbacks}) > 1
    ((harvest,),) = by_name.rows("select harvest from studies")
    for path in (by_name.home / "simulation").glob("*.apps"):
        present = yaml.safe_load(path.read_text())
        assert {name: yaml.safe_load(harvest)[name] for name in present} == present


def test_a_winner_that_gives_something_up_says_so_at_the_top(estate: Estate) -> None:
    estate.variables["evolve_parameters"] = {
        "vm.disk.cache": {"type": "choice", "values": ["writeback", "unsafe"]},
        "kernel.sysctl.vm.swappiness": {"type": "int", "range": [0, 100]},
    }
    estate.variables["evolve_constraints"] = []
    estate.variables["evolve_goals"] = [{"metric": "fileio_operations_per_second", "direction": "maximize"}]
    refused = estate.run()
    assert refused.returncode != 0
    assert "evolve_allow_risk: [durability]" in said(refused)
    estate.variables["evolve_allow_risk"] = ["durability"]
    estate.variables["evolve_budget"] = {"trials": 12}
    ended = estate.run()
    assert ended.returncode == 0, ended.stdout
    assert estate.best()["vm.disk.cache"] == "unsafe"
    text = (estate.study / "best.yml").read_text()
    assert text.startswith("# RISK: gives up durability: vm.disk.cache: unsafe\n")
    assert "RISK: the best configuration gives up durability (vm.disk.cache: unsafe)." in said(ended)
    applied = estate.run("apply", "-e", f"@{estate.study / 'best.yml'}")
    assert applied.returncode == 0, applied.stdout
    assert "RISK: this configuration gives up durability: vm.disk.cache: unsafe" in said(applied)


def test_a_harvest_is_a_configuration_file_that_founds_a_study(by_name: Estate) -> None:
    harvested = by_name.run("harvest")
    assert harvested.returncode == 0, harvested.stdout
    path = by_name.home / "harvest" / "sim-1.yml"
    configuration = yaml.safe_load(path.read_text())["evolve_configuration"]
    assert configuration["vm.vcpus"] == 2
    assert {"app.postgresql.shared_buffers_mib", "kernel.sysctl.vm.swappiness"} <= set(configuration)
    configuration["vm.vcpus"] = 5
    path.write_text(yaml.safe_dump({"evolve_configuration": configuration}))
    by_name.variables["evolve_founders"] = [str(path)]
    ended = by_name.run()
    assert ended.returncode == 0, ended.stdout
    trials = by_name.rows("select configuration from trials where origin = 'initial' order by number")
    assert yaml.safe_load(trials[0][0])["vm.vcpus"] == 5
    assert by_name.run("apply", "-e", f"@{path}").returncode == 0
    assert {machine["vm.vcpus"] for machine in by_name.machines().values()} == {5}
