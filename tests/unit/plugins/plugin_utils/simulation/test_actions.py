# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions vm_config, tunables and benchmark in real runs of Ansible."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import ansible_collections
import pytest
import yaml

from ansible_collections.evolve.vm.plugins.action import benchmark, tunables, vm_config
from ansible_collections.evolve.vm.plugins.modules import benchmark as benchmark_module
from ansible_collections.evolve.vm.plugins.modules import tunables as tunables_module
from ansible_collections.evolve.vm.plugins.modules import vm_config as vm_config_module

COLLECTIONS = Path(next(iter(ansible_collections.__path__))).parent
SWAPPINESS = "kernel.sysctl.vm.swappiness"


@pytest.fixture
def play(tmp_path):
    """Runs tasks on hosts whose connection leads nowhere; returns the registered results by host, and the output."""

    def run(tasks, *arguments, hosts=("sim-01",), variables=None):
        keep = {
            "name": "Keep the results",
            "ansible.builtin.copy": {
                "content": "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, "
                "'collected') | map('default', []))) | to_json }}",
                "dest": str(tmp_path / "results.json"),
            },
            "delegate_to": "localhost",
            "run_once": True,
            "check_mode": False,
            "vars": {"ansible_python_interpreter": sys.executable, "ansible_connection": "local"},
        }
        body = []
        for number, task in enumerate(tasks):
            body.append({"name": f"Task {number}", "register": "latest", "ignore_errors": True, **task})
            body.append({"ansible.builtin.set_fact": {"collected": "{{ (collected | default([])) + [latest] }}"}})
        (tmp_path / "play.yml").write_text(
            yaml.safe_dump(
                [
                    {
                        "hosts": "all",
                        "gather_facts": False,
                        "ignore_unreachable": True,
                        "vars": {"folder": str(tmp_path / "machines"), **(variables or {})},
                        "tasks": [*body, keep],
                    }
                ]
            )
        )
        inventory = {"all": {"hosts": dict.fromkeys(hosts), "vars": {"ansible_host": "192.0.2.1"}}}
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_CONFIG": str(tmp_path / "none.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(tmp_path / "home"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_BECOME_ALLOW_SAME_USER": "1",
        }
        (tmp_path / "none.cfg").touch()
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.yml", "play.yml", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        output = done.stdout + done.stderr
        assert (tmp_path / "results.json").exists(), output
        return json.loads((tmp_path / "results.json").read_text()), output

    return run


def simulated(module, **options):
    given = {"hypervisor": "simulated", "simulation_directory": "{{ folder }}", **options}
    return {f"evolve.vm.{module}": given}


SIZE = simulated("vm_config", name="x", configuration={"vm.vcpus": "{{ 2 + 2 }}", "vm.disk.cache": "none"})
TUNE = simulated("tunables", configuration={SWAPPINESS: 10})
MEASURE = simulated("benchmark", definition={"name": "sysbench", "tests": ["fileio"]})


def test_a_trial_needs_neither_a_machine_nor_root(play, tmp_path):
    hosts = ("sim-01", "sim-02")
    results, _output = play(
        [{**SIZE, "delegate_to": "nowhere.invalid", "become": True}, {**TUNE, "become": True}, MEASURE], hosts=hosts
    )
    for host in hosts:
        sized, tuned, measured = results[host]
        assert sized["readback"] == {"vm.vcpus": 4, "vm.disk.cache": "none"}
        assert (sized["tier"], sized["rebooted"], sized["changed"]) == ("reboot", True, True)
        assert tuned["changes"] == [{"parameter": SWAPPINESS, "before": 60, "after": 10, "tier": "live"}]
        assert measured["metrics"]["fileio_operations_per_second"] > 2000
        assert all(result["simulated"] is True for result in results[host])
    assert results["sim-01"][2]["metrics"] != results["sim-02"][2]["metrics"]
    assert sorted(os.listdir(tmp_path / "machines")) == ["sim-01.json", "sim-02.json"]


def test_the_host_that_a_machine_is_sized_through_is_the_one_it_stands_on(play):
    on = [{"delegate_to": host} for host in ("{{ 'kvm-1' }}", "kvm-2")]
    read = simulated("vm_config", name="x", state="read", simulation={"host_vcpus": 8})
    results, _output = play([{**SIZE, **on[0]}, {**read, **on[0]}, {**read, **on[1]}], hosts=("sim-01", "sim-02"))
    assert results["sim-01"][1]["hypervisor"] == {
        "vcpus": 8,
        "memory_mib": 262144,
        "numa_nodes": 1,
        "machines": {host: {"vcpus": 4, "memory_mib": 1024} for host in ("sim-01", "sim-02")},
    }
    assert list(results["sim-02"][2]["hypervisor"]["machines"]) == ["sim-02"]


def test_check_mode_and_diff(play, tmp_path):
    results, output = play([SIZE, TUNE, MEASURE], "--check", "--diff")
    sized, tuned, measured = results["sim-01"]
    assert sized["changed"]
    assert tuned["changed"]
    assert measured["metrics"] == {}
    assert "vm.disk.cache: writeback -> none (reboot)" in output
    assert f"{SWAPPINESS}: 60 -> 10 (live)" in output
    assert not (tmp_path / "machines").exists()


def test_a_lost_machine_is_unreachable_for_every_task(play):
    lose = simulated("benchmark", definition={"name": "sysbench"}, simulation={"lost_after": 0})
    results, output = play([TUNE, lose, TUNE, SIZE, MEASURE])
    answers = results["sim-01"]
    assert "unreachable" not in answers[0]
    assert [answer.get("unreachable") for answer in answers[1:]] == [True] * 4
    assert all("lost after 0 measurements" in answer["msg"] for answer in answers[1:])
    assert "UNREACHABLE!" in output


def test_failures_have_the_keys_of_the_modules(play):
    hopeless = simulated("vm_config", name="x", configuration={"vm.vcpus": 7, "vm.memory_mib": 300})
    junk = simulated("benchmark", definition={"name": "sysbench"}, simulation={"junk_after": 0})
    sized, measured = play([hopeless, junk])[0]["sim-01"]
    assert sized["failed"] is True
    assert sized["rebooted"] is False
    assert measured["failed"] is True
    assert measured["failure_class"] == "measurement"


def test_wrong_options_are_told_all_at_once(play):
    wrong = {"evolve.vm.benchmark": {"hypervisor": "simulated", "defintion": {}, "simulation": {"noise": "much"}}}
    (result,) = play([wrong])[0]["sim-01"]
    assert result["failed"] is True
    for text in ("required arguments: definition", "argument 'noise' is of type", "defintion", "simulation_directory"):
        assert text in result["msg"]


def test_a_folder_that_cannot_be_used_is_told(play):
    blocked = {"evolve.vm.tunables": {**TUNE["evolve.vm.tunables"], "simulation_directory": "/proc/none"}}
    (result,) = play([blocked])[0]["sim-01"]
    assert result["failed"] is True
    assert result["failure_class"] == "infrastructure"
    assert "cannot be written to /proc/none/sim-01.json" in result["msg"]


def test_asynchronous_tasks_are_answered_at_once(play):
    (result,) = play([{**TUNE, "async": 30, "poll": 1}])[0]["sim-01"]
    assert result["readback"] == {SWAPPINESS: 10}


READ = {"evolve.vm.tunables": {"state": "read", "parameters": [SWAPPINESS]}}
HERE = {"ansible_python_interpreter": sys.executable, "ansible_connection": "local"}


def test_a_real_machine_is_answered_by_the_module(play):
    """On the target, wherever it is delegated to, as Ansible does it without an action plugin."""
    in_force = int(Path("/proc/sys/vm/swappiness").read_text())
    nowhere, delegated, waited = play(
        [
            {**READ, "timeout": 20, "vars": {"ansible_ssh_timeout": 2}},
            {**READ, "delegate_to": "localhost", "vars": HERE},
            {**READ, "delegate_to": "localhost", "vars": HERE, "async": 30, "poll": 1},
        ]
    )[0]["sim-01"]
    assert nowhere.get("unreachable") or nowhere["failed"]
    for result in (delegated, waited):
        assert result["readback"] == {SWAPPINESS: in_force}
        assert "simulated" not in result
    assert waited["finished"]


def test_a_real_machine_is_changed_with_become_check_mode_and_diff(play, tmp_path):
    in_force = int(Path("/proc/sys/vm/swappiness").read_text())
    become = tmp_path / "become"
    become.write_text(f'#!/bin/sh\necho called >> {tmp_path}/become.log\nfor last; do :; done\nexec sh -c "$last"\n')
    become.chmod(0o755)
    task = {
        "evolve.vm.tunables": {"configuration": {SWAPPINESS: in_force + 1}},
        "delegate_to": "localhost",
        "become": True,
        "vars": {**HERE, "ansible_become_exe": str(become)},
    }
    results, output = play([task, {**TUNE, "become": True}], "--check", "--diff")
    real, _simulated = results["sim-01"]
    if os.geteuid() == 0:
        assert real["changed"] is True
        assert f"{SWAPPINESS}: {in_force} -> {in_force + 1} (live)" in output
    else:
        assert "Run the task with become" in real["msg"]
    assert int(Path("/proc/sys/vm/swappiness").read_text()) == in_force
    calls = (tmp_path / "become.log").read_text()
    assert "called" in calls


def test_the_real_benchmark_is_run_by_the_module(play, tmp_path):
    task = {
        "evolve.vm.benchmark": {
            "definition": {"name": "sysbench", "tests": ["cpu"], "seconds": 1, "warmup_seconds": 0, "repeats": 1},
            "directory": str(tmp_path / "bench"),
        },
        "delegate_to": "localhost",
        "vars": HERE,
    }
    (result,) = play([task])[0]["sim-01"]
    assert result["version"].startswith("sysbench 1.0.")
    assert result["metrics"]["cpu_events_per_second"] > 0


@pytest.mark.parametrize(
    ("action", "module"),
    [(vm_config, vm_config_module), (tunables, tunables_module), (benchmark, benchmark_module)],
    ids=["vm_config", "tunables", "benchmark"],
)
def test_the_simulation_takes_the_options_of_the_module(action, module):
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    accepted = action.ActionModule.OPTIONS
    assert set(accepted) == set(documented)
    for name, option in accepted.items():
        for part in ("type", "default", "choices", "elements", "required"):
            assert option.get(part) == documented[name].get(part), (name, part)
