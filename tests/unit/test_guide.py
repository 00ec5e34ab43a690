# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of benchmarks and monitoring in the documentation are accepted as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.registry import TOOLS
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.study.monitoring import read_monitoring, watched_names
from ansible_collections.evolve.vm.plugins.plugin_utils.study.prices import METRIC

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
LAB = yaml.safe_load((REPOSITORY / "inventories" / "lab" / "group_vars" / "all.yml").read_text())["lab_studies"]


def examples() -> list[Any]:
    blocks = [
        (page, block) for page in PAGES for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    ]
    return [
        pytest.param(found, id=f"{page.stem}-{number}")
        for number, (page, block) in enumerate(blocks)
        if "evolve_benchmark:" in block and (found := yaml.safe_load(block))
    ]


@pytest.mark.parametrize("variables", examples())
def test_a_documented_benchmark_gives_the_metrics_of_its_goals(variables: dict[str, Any]) -> None:
    metrics = metric_names(parse_definition(variables["evolve_benchmark"]))
    assert {goal["metric"] for goal in variables.get("evolve_goals", [])} <= {METRIC, *metrics}


@pytest.mark.parametrize("name", LAB)
def test_the_lab_can_measure_what_its_goals_say(name: str) -> None:
    metrics = metric_names(parse_definition(LAB[name]["benchmark"]))
    assert {goal["metric"] for goal in LAB[name]["goals"]} <= set(metrics)


def test_every_tool_has_an_example() -> None:
    page = (REPOSITORY / "docs" / "guide" / "12-benchmarks.md").read_text()
    shown = set(re.findall(r"name: ([a-z0-9-]+)", page))
    assert set(TOOLS) <= shown


def blocks_with(word: str) -> list[Any]:
    found = [block for page in PAGES for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)]
    return [yaml.safe_load(block) for block in found if re.search(rf"^{word}:", block, re.MULTILINE)]


@pytest.mark.parametrize("variables", blocks_with("evolve_monitoring"))
def test_what_is_documented_to_be_watched_gives_the_metrics_of_its_goals(variables: dict[str, Any]) -> None:
    faults: list[Fault] = []
    setting = read_monitoring(variables["evolve_monitoring"], faults)
    assert faults == []
    goals = [goal["metric"] for goal in variables.get("evolve_goals", [])]
    # The benchmark of the example is not in it; what is neither watched nor one of a tool is a mistake.
    told = {metric for tool in TOOLS.values() for metric in tool.METRICS}
    assert set(goals) <= {*watched_names(setting, goals), *told}


@pytest.mark.parametrize("variables", blocks_with("evolve_monitoring_database"))
def test_documented_databases_can_be_connected_to(variables: dict[str, Any]) -> None:
    assert read_connection(variables["evolve_monitoring_database"], "database").url
