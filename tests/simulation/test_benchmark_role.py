# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role benchmark with several benchmarks at several places, on machines that are all this one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import PLAYBOOK, ROOT, environment, said

LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
PLAY = [
    {
        "hosts": "guest-1",
        "gather_facts": False,
        "ignore_unreachable": True,
        "tasks": [
            {"ansible.builtin.import_role": {"name": "evolve.vm.benchmark", "tasks_from": "install"}},
            {"ansible.builtin.import_role": {"name": "evolve.vm.benchmark"}},
            {
                "ansible.builtin.copy": {
                    "content": "{{ benchmark_result | to_json }}",
                    "dest": "{{ playbook_dir }}/result",
                }
            },
        ],
    }
]


def printing(label: str, place: str, **options: Any) -> dict[str, Any]:
    """A benchmark that says where it ran and against what."""
    command = ["sh", "-c", "echo value: 42 against {target} of $WHO"]
    metrics = {"value": {"regex": "value: ([0-9]+)"}}
    common = {"name": "command", "seconds": 1, "warmup_seconds": 0, "metrics": metrics}
    return {**common, "command": command, "label": label, "place": place, **options}


@pytest.fixture
def measure(tmp_path: Path) -> Any:
    hosts = {"guest-1": {**LOCAL, "ansible_host": "10.9.8.7"}, "load-1": LOCAL, "load-2": {"ansible_host": "127.0.0.1"}}
    hosts["load-2"] |= {"ansible_port": 1, "ansible_ssh_extra_args": "-o BatchMode=yes"}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    (tmp_path / "play.yml").write_text(yaml.safe_dump(PLAY, sort_keys=False))

    def call(definition: Any) -> tuple[dict[str, Any], str]:
        variables = {
            "evolve_benchmark": definition,
            "benchmark_directory": str(tmp_path / "bench"),
            "evolve_benchmark_environment": {"WHO": "nobody"},
        }
        (tmp_path / "result").unlink(missing_ok=True)
        done = subprocess.run(
            [PLAYBOOK, str(tmp_path / "play.yml"), "-i", str(tmp_path / "hosts.yml"), "-e", json.dumps(variables)],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        result = tmp_path / "result"
        return json.loads(result.read_text()) if result.exists() else {}, said(done)

    return call


def test_benchmarks_at_several_places_are_one_measurement(measure: Any) -> None:
    definition = [printing("a", "guest", repeats=1), printing("b", "load-1", repeats=2), printing("c", "controller")]
    result, output = measure(definition)
    assert result, output
    assert result["metrics"] == {"a.value": 42.0, "b.value": 42.0, "c.value": 42.0}
    assert result["runs"] == [result["metrics"], {"b.value": 42.0, "c.value": 42.0}]
    against = [command.split("against ")[1].split()[0] for command in result["commands"]]
    assert against == ["127.0.0.1", "10.9.8.7", "10.9.8.7", "10.9.8.7", "10.9.8.7"]
    assert (result["version"], result["cut_short"]) == ("command, command, command", "")


def test_one_benchmark_on_the_machine_itself_is_one_task(measure: Any) -> None:
    result, output = measure(printing("a", "guest"))
    assert result["metrics"] == {"value": 42.0}, output
    assert "Measure from" not in output


def test_a_load_generator_that_does_not_answer_is_said_to_be_at_fault(measure: Any) -> None:
    result, output = measure([printing("a", "guest"), printing("b", "load-2")])
    assert (result.get("unreachable"), result.get("place")) == (True, "load-2"), output


def test_a_program_that_no_package_holds_is_named(measure: Any) -> None:
    result, output = measure(printing("a", "load-1", command="no-such-benchmark"))
    assert not result
    assert "Install it on load-1 by hand, so that it is found in the PATH there" in output
    assert "no-such-benchmark" in output
