# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module population in real runs of Ansible: files, check mode, differences, faults."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ansible_collections
import pytest
import yaml

COLLECTIONS = Path(next(iter(ansible_collections.__path__))).parent
SPACE: dict[str, Any] = {
    "parameters": {
        "vm.vcpus": {"type": "int", "range": [1, 8]},
        "vm.memory_mib": {"type": "int", "range": [512, 8192], "step": 256, "scale": "log"},
        "vm.disk.cache": {"type": "choice", "values": ["none", "writeback", "off"]},
        "app.level": {"type": "float", "range": [0, 1]},
    },
    "constraints": ["vm.vcpus * 256 <= vm.memory_mib"],
    "size": 6,
}
BASELINE = {"vm.vcpus": 2, "vm.memory_mib": 1024, "vm.disk.cache": "off", "app.level": 0.5}

Play = Callable[..., tuple[list[dict[str, Any]], str]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Runs the module once for each mapping of options; returns the results and the output."""

    def run(*tasks: dict[str, Any], arguments: tuple[str, ...] = ()) -> tuple[list[dict[str, Any]], str]:
        body: list[dict[str, Any]] = []
        for options in tasks:
            body.append({"evolve.vm.population": options, "register": "latest", "ignore_errors": True})
            body.append({"ansible.builtin.set_fact": {"collected": "{{ (collected | default([])) + [latest] }}"}})
        keep = {"content": "{{ collected | to_json }}", "dest": str(tmp_path / "results.json")}
        body.append({"ansible.builtin.copy": keep, "check_mode": False, "diff": False})
        connection = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        content = [{"hosts": "localhost", "gather_facts": False, "vars": connection, "tasks": body}]
        (tmp_path / "play.yml").write_text(yaml.safe_dump(content))
        (tmp_path / "none.cfg").touch()
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "play.yml", *arguments],
            cwd=tmp_path,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
                "ANSIBLE_CONFIG": str(tmp_path / "none.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "ANSIBLE_HOME": str(tmp_path / "home"),
                "ANSIBLE_NOCOLOR": "1",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        output = done.stdout + done.stderr
        assert (tmp_path / "results.json").exists(), output
        return json.loads((tmp_path / "results.json").read_text()), output

    return run


def evaluated(population: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "fitness": one["configuration"]["vm.vcpus"] / 10} for one in population]


def test_generations_go_from_file_to_file(play: Play, tmp_path: Path) -> None:
    first, second = tmp_path / "new" / "first.yml", tmp_path / "second.json"
    (made,), dummy = play({**SPACE, "baseline": BASELINE, "dest": "new/first.yml"})
    assert (made["changed"], made["generation"], made["best"]) == (True, 0, None)
    assert made["dest"] == str(first)
    stored = yaml.safe_load(first.read_text())["evolve_population"]
    assert stored == made["population"]
    assert stored[0]["configuration"] == BASELINE
    assert len(stored) == 6

    first.write_text(yaml.safe_dump({"evolve_population": evaluated(stored)}))
    breed = {**SPACE, "src": "new/first.yml", "dest": "second.json", "elites": 1}
    (bred, again), dummy = play(breed, breed)
    assert (bred["changed"], again["changed"]) == (True, False)
    assert bred["population"] == again["population"] == json.loads(second.read_text())["evolve_population"]
    assert bred["best"] == bred["population"][0] == max(evaluated(stored), key=lambda one: one["fitness"])
    assert [one["number"] for one in bred["population"][1:]] == [6, 7, 8, 9, 10]
    assert bred["generation"] == 1


def test_a_population_in_a_variable_gives_what_the_same_file_gives(play: Play, tmp_path: Path) -> None:
    (made,), dummy = play(SPACE)
    assert "dest" not in made
    assert not made["changed"]
    given = evaluated(made["population"])
    (tmp_path / "given.yaml").write_text(yaml.safe_dump({"evolve_population": given}))
    (one, other, sown), dummy = play(
        {**SPACE, "population": given}, {**SPACE, "src": "given.yaml"}, {**SPACE, "population": given, "seed": 2}
    )
    assert one["population"] == other["population"] != sown["population"]


def test_check_mode_says_what_would_change_and_writes_nothing(play: Play, tmp_path: Path) -> None:
    (told,), output = play({**SPACE, "dest": "a/x.yml"}, arguments=("--check", "--diff"))
    assert told["changed"]
    assert not (tmp_path / "a").exists()
    assert "+++ after" in output
    assert "+- number: 0" in output
    (done,), dummy = play({**SPACE, "dest": "a/x.yml"})
    assert done["population"] == told["population"]
    (told_again,), output = play({**SPACE, "dest": "a/x.yml"}, arguments=("--check", "--diff"))
    assert not told_again["changed"]
    assert "+- number" not in output


def test_a_playbook_that_runs_again_loses_nothing_that_was_evaluated(play: Play, tmp_path: Path) -> None:
    file = tmp_path / "first.yml"
    (made,), dummy = play({**SPACE, "dest": str(file)})
    population = made["population"]
    population[2] |= {"fitness": 0.25, "metrics": {"x": 1.5}}
    population[3] |= {"failure": "the guest did not answer"}
    file.write_text(yaml.safe_dump({"evolve_population": population}))
    (again, after), dummy = play({**SPACE, "dest": str(file)}, {**SPACE, "dest": str(file)})
    assert again["population"] == after["population"] == population
    assert not after["changed"]
    assert yaml.safe_load(file.read_text())["evolve_population"] == population


def test_all_faults_are_told_at_once_and_nothing_is_written(play: Play, tmp_path: Path) -> None:
    (tmp_path / "best.yml").write_text("evolve_configuration: {vm.vcpus: 2}\n")
    bad = {
        "parameters": {**SPACE["parameters"], "x": {"type": "int", "range": [9, 1]}},
        "constraints": ["vm.vcpus <"],
        "baseline": {"vm.vcpus": 2},
        "founders": 3,
        "population": [{"configuration": BASELINE, "fitness": "high"}],
        "src": "missing.yml",
        "dest": "best.yml",
        "size": 1,
        "tournament": 0,
        "crossover_rate": 2,
        "seed": -1,
    }
    (refused,), dummy = play(bad)
    assert refused["failed"]
    for sign in (
        "13 faults in the task (nothing has been written):",
        "x.range: found [9, 1]",
        "evolve_constraints[1]: ",
        "size: found 1, expected a whole number 2 to 1000",
        "tournament: found 0",
        "crossover_rate: found 2.0",
        "seed: found -1, expected a whole number of at least 0",
        "founders: found 3, expected a list of configurations",
        "src: found beside population, expected one of them",
        "baseline: found beside population, expected only where the first population is generated",
        "population[1].fitness: found 'high', expected a number, or null where it is not evaluated",
        "best.yml holds no population: expected a mapping with the key evolve_population",
        "best.yml would be overwritten; remove it first, or name another file",
    ):
        assert sign in refused["msg"]
    assert (tmp_path / "best.yml").read_text() == "evolve_configuration: {vm.vcpus: 2}\n"


def test_what_else_is_refused(play: Play, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"evolve_population": [')
    (tmp_path / "broken.yml").write_text("a: [\n- b: {")
    waiting = {"evolve_population": [{"configuration": BASELINE}]}
    (tmp_path / "waiting.yml").write_text(yaml.safe_dump(waiting))
    (tmp_path / "link.yml").symlink_to("waiting.yml")
    (tmp_path / "done.yml").write_text(
        yaml.safe_dump({"evolve_population": [{"configuration": BASELINE, "fitness": 1.0}]})
    )
    (tmp_path / "same.yml").symlink_to("done.yml")
    (tmp_path / "file").touch()
    expected = {
        "src: cannot read .*/missing.yml: No such file": {"src": "missing.yml"},
        "src: found '.*/done.txt', expected a name that ends in .yml, .yaml, .json": {"src": "done.txt"},
        "src: .*/broken.json is not readable as JSON: ": {"src": "broken.json"},
        "src: .*/broken.yml is not readable as YAML: ": {"src": "broken.yml"},
        "src: none of the 1 individuals has a fitness or a failure; evaluate them first": {"src": "waiting.yml"},
        "dest: found '.*/same.yml', which is src too; expected another file": {"src": "done.yml", "dest": "same.yml"},
        "dest: found '.*/x.txt', expected a name that ends in": {"dest": "x.txt"},
        "elites: found 6, expected fewer than the population": {"elites": 6},
        "size: found 2, expected at least 3: the baseline and the founders": {
            "size": 2,
            "elites": 0,
            "baseline": BASELINE,
            "founders": [BASELINE, BASELINE],
        },
        "baseline.vm.vcpus: has no value": {"baseline": {k: v for k, v in BASELINE.items() if k != "vm.vcpus"}},
        r"founders\[1\].vm.vcpu: not a parameter of this search space. Did you mean vm.vcpus": {
            "founders": [{"vm.vcpu": 2}]
        },
        "cannot write .*/file/x.yml: ": {"dest": "file/x.yml"},
        "population: all individuals failed, and the search space holds no other configuration": {
            "parameters": {"f": {"type": "bool"}},
            "constraints": [],
            "population": [{"configuration": {"f": f}, "failure": "it broke"} for f in (True, False)],
        },
    }
    results, dummy = play(*[{**SPACE, **options} for options in expected.values()])
    for sign, result in zip(expected, results, strict=True):
        assert result["failed"]
        assert re.search(sign, result["msg"]), result["msg"]
