# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook textbook_loop and the examples of docs/guide/07-building-blocks.md, run as a user runs them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import PLAYBOOK, ROOT, environment, said

MACHINES = 4
GENERATIONS = 3
GUIDE = ROOT / "docs" / "guide" / "07-building-blocks.md"
VARIABLES = yaml.safe_load((ROOT / "inventories" / "simulation" / "group_vars" / "evolve_slots.yml").read_text())


def play(arguments: list[str], folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PLAYBOOK, *arguments], cwd=folder, env=environment(), capture_output=True, text=True, timeout=600, check=False
    )


def breed(home: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    """The playbook on some of the machines of inventories/simulation."""
    given = {"evolve_home": str(home), "textbook_generations": GENERATIONS, "textbook_size": 6, **variables}
    machines = ["--limit", f"evolve_slots[0:{MACHINES - 1}]"]
    return play(["evolve.vm.textbook_loop", "-i", "inventories/simulation", *machines, "-e", json.dumps(given)])


def best_of(output: str) -> list[float]:
    """The best fitness of each generation, as it was printed."""
    lines = re.findall(r"^Generation (\d+): best fitness ([+-][0-9.]+) %, individual \d+$", output, re.MULTILINE)
    assert [int(generation) for generation, dummy in lines] == list(range(len(lines)))
    return [float(fitness) for dummy, fitness in lines]


def machines(home: Path) -> list[dict[str, Any]]:
    """What is in force on the machines, read without our own code."""
    found = [json.loads(file.read_text()) for file in sorted((home / "simulation").glob("*.json"))]
    return [
        {**one["values"], **{f"kernel.sysctl.{name}": value for name, value in one["sysctls"].items()}} for one in found
    ]


def test_the_loop_breeds_ever_better_ones_and_deploys_the_best(tmp_path: Path) -> None:
    ended = breed(tmp_path)
    assert ended.returncode == 0, said(ended)
    bests = best_of(ended.stdout)
    assert len(bests) == GENERATIONS + 1
    assert bests == sorted(bests), "the elites stay"
    assert bests[-1] > bests[0]
    deployed = yaml.safe_load((tmp_path / "textbook.yml").read_text())["evolve_configuration"]
    assert set(deployed) == set(VARIABLES["evolve_parameters"])
    assert deployed["vm.memory_mib"] % 256 == 0
    assert deployed["kernel.sysctl.vm.dirty_background_ratio"] < deployed["kernel.sysctl.vm.dirty_ratio"]
    assert len(machines(tmp_path)) == MACHINES
    for machine in machines(tmp_path):
        assert {name: machine[name] for name in deployed} == deployed
    applied = play(
        [
            *("evolve.vm.apply", "-i", "inventories/simulation", "--limit", "sim-01", "--check"),
            *("-e", f"@{tmp_path}/textbook.yml", "-e", f"evolve_home={tmp_path}"),
        ]
    )
    assert "sim-01: would change 0 of 8 parameters" in applied.stdout, said(applied)


def test_children_that_cannot_be_measured_do_not_stop_the_loop(tmp_path: Path) -> None:
    # A machine's first three measurements go well: the baseline, one or two of the first population, a first child.
    ended = breed(tmp_path, evolve_simulation={"junk_after": 3})
    assert ended.returncode == 0, said(ended)
    bests = best_of(ended.stdout)
    assert len(bests) == GENERATIONS + 1
    assert len(set(bests[1:])) == 1, "no child of the later generations could be measured"
    deployed = yaml.safe_load((tmp_path / "textbook.yml").read_text())["evolve_configuration"]
    for machine in machines(tmp_path):
        assert {name: machine[name] for name in deployed} == deployed


def test_unusable_variables_end_the_loop_with_all_faults(tmp_path: Path) -> None:
    ended = breed(
        tmp_path,
        evolve_parameters={"vm.vcpus": {"type": "int", "range": [8, 1]}},
        evolve_constraints=["vm.memory_mib > 512"],
    )
    assert ended.returncode != 0
    for sign in ("2 faults in the task", "write [1, 8]", "speaks of 'vm.memory_mib', which is no parameter"):
        assert sign in said(ended)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder in which the guide's playbooks were run in their order, and what each of them printed."""
    folder = tmp_path_factory.mktemp("guide")
    printed = []
    for number, block in enumerate(block for block in blocks("yaml") if "hosts:" in block):
        (folder / f"example-{number}.yml").write_text(block)
        ended = play(["-i", "localhost,", f"example-{number}.yml"], folder)
        assert ended.returncode == 0, said(ended)
        printed.append(ended.stdout)
    return folder, printed


def test_the_guides_examples_print_what_the_guide_says(examples: tuple[Path, list[str]]) -> None:
    dummy, printed = examples
    assert len(printed) == 3
    shown = blocks("text")[1:]
    for output, text in zip(printed[1:], shown, strict=True):
        assert text in output


def test_the_guides_examples_write_what_the_guide_shows(examples: tuple[Path, list[str]]) -> None:
    folder, dummy = examples
    (file,) = [block for block in blocks("yaml") if "hosts:" not in block]
    assert (folder / "generation-0.yml").read_text() == file
    assert len(json.loads((folder / "generation-1.json").read_text())["evolve_population"]) == 4


def test_the_guide_shows_the_loop_as_it_prints(examples: tuple[Path, list[str]]) -> None:
    """The lines of the run in the guide are of the present form; its numbers are those of 24 machines."""
    assert len(best_of(blocks("text")[0])) == 6
