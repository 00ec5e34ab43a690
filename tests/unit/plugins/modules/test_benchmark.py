# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module benchmark, called with arguments as Ansible calls it."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
import yaml
from ansible.module_utils import basic

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.modules import benchmark

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core before 2.19

    @contextmanager
    def patch_module_args(arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
            yield


QUICK = {"name": "sysbench", "tests": ["cpu"], "seconds": 1, "warmup_seconds": 0, "repeats": 2}


@pytest.fixture
def call(capsys, tmp_path):
    def run(check_mode=False, **options):
        options = {"directory": str(tmp_path / "bench"), "_ansible_check_mode": check_mode, **options}
        with patch_module_args(options), pytest.raises(SystemExit) as ended:
            benchmark.main()
        result = json.loads(capsys.readouterr().out)
        assert bool(ended.value.code) == result.get("failed", False)
        assert list(tmp_path.iterdir()) == []
        return result

    return run


def test_it_measures(call):
    result = call(definition=QUICK)
    assert result["changed"] is False
    assert list(result["metrics"]) == metric_names(parse_definition(QUICK))
    assert len(result["runs"]) == 2
    assert len(result["commands"]) == 2
    assert "warnings" not in result


def test_check_mode_says_what_would_run(call):
    result = call(check_mode=True, definition={**QUICK, "tests": ["fileio"], "fileio": {"threads": 3}, "seconds": 60})
    assert result["changed"] is False
    assert result["metrics"] == {}
    assert result["runs"] == []
    prepared, *runs = result["commands"]
    assert prepared.endswith(" prepare")
    assert len(runs) == 2
    assert all("--threads=3 --time=60 " in command and command.endswith(" run") for command in runs)


def test_a_wrong_definition_is_told_at_once(call):
    result = call(definition={"name": "sysbench", "tests": ["disk"], "seconds": -1})
    assert "2 faults in definition" in result["msg"]
    assert "definition.tests" in result["msg"]
    assert "definition.seconds" in result["msg"]


def test_a_failed_measurement_says_its_class(call):
    endless = {**QUICK, "cpu": {"max_prime": 2000000000}, "repeats": 1, "timeout_seconds": 2}
    result = call(definition=endless)
    assert result["failure_class"] == "measurement"
    assert "stopped after timeout_seconds (2 s)" in result["msg"]


def test_a_missing_tool_is_infrastructure(call, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = call(definition=QUICK)
    assert result["failure_class"] == "infrastructure"
    assert "Install the package sysbench" in result["msg"]


def test_a_coarse_latency_is_a_warning(call, monkeypatch):
    # Where warnings end up depends on what else of Ansible this process has loaded.
    said = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, text: said.append(text))
    call(definition={**QUICK, "tests": ["memory"], "memory": {"block_size_kib": 1}})
    assert len(said) == 1
    assert "memory_latency_p95_ms" in said[0]


def test_simulated_machines_are_not_for_the_module(call):
    result = call(definition=QUICK, hypervisor="simulated")
    assert "action plugin evolve.vm.benchmark" in result["msg"]


def test_the_documented_examples_are_accepted():
    for task in yaml.safe_load(benchmark.EXAMPLES):
        if "evolve.vm.benchmark" in task:
            assert parse_definition(task["evolve.vm.benchmark"]["definition"]).benchmarks
