# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stress-ng, measured for real; context switches are compared with those the kernel counts."""

from __future__ import annotations

import re
import subprocess

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import (
    BenchmarkError,
    DefinitionError,
    InfrastructureError,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, planned_commands
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.process import Deadline
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import (
    LOOPBACK,
    PlannedShell,
    RunningShell,
    online_cpus,
)
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of

BRIEF = {"name": "stress-ng", "seconds": 1, "warmup_seconds": 0, "repeats": 1}


def test_the_real_stress_ng_is_measured(tmp_path):
    definition = parse_definition(
        {
            **BRIEF,
            "stressors": ["cpu", "sem-sysv", "vm"],
            "arguments": {"vm-bytes": "8M", "vm-keep": True, "cpu-method": "matrixprod"},
            "warmup_seconds": 1,
            "repeats": 2,
        }
    )
    result = measure(definition, str(tmp_path / "bench"))
    assert list(result["metrics"]) == metric_names(definition)
    assert list(result["metrics"]) == [f"{name}_operations_per_second" for name in ("cpu", "sem_sysv", "vm")]
    assert len(result["runs"]) == 2
    assert result["version"].startswith("stress-ng 0.")
    assert result["commands"] == planned_commands(definition, online_cpus())
    assert list(tmp_path.iterdir()) == []
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "--vm-bytes 8M --vm-keep" not in running


def test_operations_are_those_that_the_programs_own_lines_tell(tmp_path):
    """The same run, as stress-ng prints it: a second way out of the program."""
    job = job_of({"name": "stress-ng", "stressors": ["switch"], "workers": 1})
    shell = RunningShell(str(tmp_path), LOOPBACK, 1, Deadline(60), [])
    done = shell.attempt(job.run_command(shell, 1))
    (printed,) = re.findall(r"\] switch +\d+ +\S+ +\S+ +\S+ +(\S+) +\S+ ", done.output + done.errors)
    assert job.metrics(done.output, shell)["switch_operations_per_second"] == pytest.approx(float(printed), abs=0.006)


def test_switches_are_counted_by_the_kernel_as_well(tmp_path):
    """A pass of `switch` is a message through a pipe to another process, to which the kernel has to change."""
    before = _switches()
    result = measure(parse_definition({**BRIEF, "stressors": ["switch"], "workers": 1}), str(tmp_path / "bench"))
    # On a busy machine several messages gather before they are read.
    assert _switches() - before > 0.2 * result["metrics"]["switch_operations_per_second"] > 200


def test_a_stressor_that_this_version_does_not_have_is_told(tmp_path):
    with pytest.raises(InfrastructureError, match=r"no stressor 'memcopy'. Did you mean memcpy\?"):
        measure(parse_definition({**BRIEF, "stressors": ["memcopy"]}), str(tmp_path / "bench"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["all", "class", "pathological"])
def test_an_option_is_no_stressor(tmp_path, option):
    with pytest.raises(InfrastructureError, match=f"no stressor '{option}'"):
        measure(parse_definition({**BRIEF, "stressors": [option]}), str(tmp_path / "bench"))


def test_a_wrong_argument_is_told_in_stress_ng_s_own_words(tmp_path):
    definition = parse_definition({**BRIEF, "stressors": ["vm"], "arguments": {"vm-bytes": "999T"}})
    with pytest.raises(BenchmarkError, match="out of range for vm-bytes"):
        measure(definition, str(tmp_path / "bench"))


def test_the_report_of_the_run_before_is_not_read_again(tmp_path):
    job = job_of({"name": "stress-ng", "stressors": ["cpu"]})
    shell = RunningShell(str(tmp_path), LOOPBACK, 1, Deadline(60), [])
    shell.write("stress-ng.yaml", "metrics:\n...\n")
    job.run_command(shell, 1)
    with pytest.raises(BenchmarkError, match="no complete report"):
        job.metrics("", shell)


def test_each_stressor_gets_its_own_arguments():
    definition = parse_definition(
        {**BRIEF, "stressors": ["vm", "vm-rw"], "arguments": {"vm-rw-bytes": "1M", "vm-keep": True, "vm-bytes": 4096}}
    )
    vm, vm_rw = (job.run_command(PlannedShell(LOOPBACK, 5, 3), 9) for job in definition.benchmarks[0].jobs)
    assert " ".join(vm[1:]) == "--vm 3 --vm-keep --vm-bytes 4096 --timeout 9s --seed 5 --metrics --yaml stress-ng.yaml"
    assert vm_rw[1:5] == ["--vm-rw", "3", "--vm-rw-bytes", "1M"]


def test_all_faults_are_told_at_once():
    with pytest.raises(DefinitionError) as caught:
        parse_definition(
            {
                "name": "stress-ng",
                "stressors": ["cpu", "cpu", "--all", 5, "vm"],
                "workers": 0,
                "stresors": [],
                "arguments": {"timeout": 5, "vm-bytes": ["1M"], "cpu-method": "--all 5", "cpu--x": 1},
            }
        )
    text = str(caught.value)
    assert "9 faults" in text
    assert "'cpu' is listed twice" in text
    assert "found '--all', expected the name of a stressor" in text
    assert "arguments.timeout: unknown option" in text
    assert "arguments.cpu-method: found '--all 5'" in text
    assert "Did you mean stressors?" in text


@pytest.mark.parametrize("stressors", [[], "cpu", {}])
def test_no_list_of_stressors_is_refused(stressors):
    with pytest.raises(DefinitionError, match="expected a list such as cpu"):
        parse_definition({"name": "stress-ng", "stressors": stressors})


def _switches():
    with open("/proc/stat", encoding="ascii") as file:
        return int(re.search(r"^ctxt (\d+)$", file.read(), re.MULTILINE).group(1))
