# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole studies on simulated machines, run as a user runs them: ansible-playbook in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.evolve.vm.tests.postgresql import connected
from ansible_collections.evolve.vm.tests.simulation.controller import RunningController

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))


class Core(NamedTuple):
    """A release of ansible-core, by the program of it that runs playbooks."""

    release: str
    playbook: Path


#: The one that everything else is tested with, and the older ones that the collection promises.
NEWEST = Core("2.19", Path(PLAYBOOK))
CORES = (*(Core(old, ROOT / f".cache/core-{old}/bin/ansible-playbook") for old in ("2.17", "2.18")), NEWEST)

STUDY: dict[str, Any] = {
    "evolve_study": "trying",
    "evolve_parameters": {
        "vm.vcpus": {"type": "int", "range": [1, 8]},
        "vm.memory_mib": {"type": "int", "range": [512, 4096], "step": 256},
        "vm.disk.cache": {"type": "choice", "values": ["none", "writeback"]},
        "kernel.sysctl.vm.swappiness": {"type": "int", "range": [0, 100]},
    },
    "evolve_constraints": ["vm.memory_mib >= 256 * vm.vcpus"],
    "evolve_goals": [
        {"metric": "fileio_operations_per_second", "direction": "maximize", "weight": 3},
        {"metric": "vm_cost", "direction": "minimize"},
    ],
    "evolve_benchmark": {"name": "sysbench", "tests": ["fileio"]},
    "evolve_budget": {"trials": 8},
    "evolve_algorithm_options": {"population": 4},
    "evolve_verification": {"blocks": 3},
}


class Estate:
    """An inventory of simulated machines in a folder of its own, and what became of its study.

    core: the release of ansible-core that its playbooks run on; another can be put in its place at any time.
    """

    def __init__(self, folder: Path, slots: int = 3) -> None:
        self.core = NEWEST
        self.folder = folder
        self.home = folder / "home"
        self.variables: dict[str, Any] = {**deepcopy(STUDY), "evolve_home": str(self.home)}
        self.hosts: dict[str, dict[str, Any]] = {f"sim-{number}": {} for number in range(1, slots + 1)}
        # Machines that are no slots, but whose configurations found the population.
        self.others: dict[str, dict[str, Any]] = {}

    def write(self) -> Path:
        """Write the inventory as it stands now."""
        connection = {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(self.core.playbook.with_name("python")),
            "evolve_platform": "simulated",
            "evolve_hypervisor": "localhost",
        }
        slots = {"hosts": self.hosts, "vars": {**connection, **self.variables}}
        groups: dict[str, Any] = {"evolve_slots": slots, "evolve_targets": {"children": {"evolve_slots": {}}}}
        if self.others:
            others = {**connection, "evolve_home": str(self.home)}
            groups["evolve_founder_hosts"] = {"hosts": self.others, "vars": others}
        path = self.folder / "hosts.yml"
        path.write_text(yaml.safe_dump(groups))
        return path

    def command(self, playbook: str, *arguments: str) -> list[str]:
        return [
            str(self.core.playbook),
            str(ROOT / "playbooks" / f"{playbook}.yml"),
            "-i",
            str(self.write()),
            *arguments,
        ]

    def run(
        self, playbook: str = "evolve", *arguments: str, prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*prefix, *self.command(playbook, *arguments)],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def start(self, *arguments: str, prefix: tuple[str, ...] = ()) -> RunningController:
        """Start the playbook evolve and go on at once."""
        return RunningController([*prefix, *self.command("evolve", *arguments)], ROOT, environment())

    def run_until(self, sign: str, *arguments: str) -> str:
        """Run until a line holds `sign`, then kill the controller and its workers with SIGKILL; returns the output."""
        with self.start(*arguments) as controller:
            controller.wait_for(sign)
            controller.kill(tree=True)
            return controller.output

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the store holds, read without our own code."""
        if url := self.variables.get("evolve_store"):
            with connected(url) as server:
                return server.execute(query).fetchall()
        with sqlite3.connect(self.home / "evolve.sqlite") as connection:
            return connection.execute(query).fetchall()

    def machines(self) -> dict[str, dict[str, Any]]:
        """What is in force on each simulated machine that was ever touched, read from its file."""
        found = {}
        for path in sorted((self.home / "simulation").glob("*.json")):
            machine = json.loads(path.read_text())
            sysctls = {f"kernel.sysctl.{key}": value for key, value in machine["sysctls"].items()}
            found[machine["name"]] = {**machine["values"], **sysctls}
        return found

    @property
    def study(self) -> Path:
        return self.home / "studies" / self.variables["evolve_study"]

    def best(self) -> dict[str, Any]:
        return yaml.safe_load((self.study / "best.yml").read_text())["evolve_configuration"]


def environment() -> dict[str, str]:
    return {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "COLUMNS": "120"}


def said(ended: subprocess.CompletedProcess[str]) -> str:
    """All that a run printed, with white space folded: long messages are wrapped."""
    return " ".join((ended.stdout + ended.stderr).split())


# Every strategy that is not Ansible's own gets these (docs/guide/10-scaling.md).
NOTICES = ("Deprecation warnings can be disabled", "Use of strategy plugins not included in ansible.builtin")


def warnings(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """The warnings of a run, but for what ansible-core 2.19 says of every strategy that is not its own."""
    found = [line for line in (ended.stdout + ended.stderr).splitlines() if "WARNING]" in line]
    return [line for line in found if not any(notice in line for notice in NOTICES)]


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return Estate(tmp_path)


@pytest.fixture(params=CORES, ids=[core.release for core in CORES])
def core(request: pytest.FixtureRequest) -> Core:
    """Each release of ansible-core that the collection promises, one after the other."""
    core: Core = request.param
    if not core.playbook.exists():
        pytest.fail(f"There is no {core.playbook}. `make cores` prepares it.", pytrace=False)
    return core


@pytest.fixture
def small_disk(tmp_path: Path) -> tuple[str, ...]:
    """A command prefix under which `home` of the estate is a file system with no more than 128 KiB."""
    home = tmp_path / "home"
    home.mkdir()
    unshare = shutil.which("unshare")
    assert unshare is not None, "util-linux is needed"
    script = f'mount -t tmpfs -o size=128k none "{home}" && shift 0 && exec "$@"'
    return (unshare, "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh")
