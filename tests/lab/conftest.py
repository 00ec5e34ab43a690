# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of real virtual machines: made once, beside any other lab of this machine, and removed at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
INVENTORY = REPOSITORY / "inventories" / "lab"
NAME = "evolve-lab-test"
# Not below /tmp: where QEMU does not run as root, it must be able to reach its disks.
DIRECTORY = Path("/var/lib", NAME)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The lab itself is tested as it was made, then what uses it, and at last what takes it away."""
    last = "test_absent_removes_the_lab_and_nothing_else"
    items.sort(key=lambda item: (item.name == last, item.path.name != "test_lab.py"))


def ansible(program: str, *arguments: str, timeout: int = 400) -> subprocess.CompletedProcess[str]:
    """Runs a program of Ansible on the lab's inventory; output and errors come together in `stdout`."""
    tools = Path(sys.executable).parent
    return subprocess.run(
        [str(tools / program), "-i", str(INVENTORY), *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )


def lab_playbook(*arguments: str, **variables: object) -> subprocess.CompletedProcess[str]:
    """Runs playbooks/lab.yml for the tests' own lab."""
    settings = {"lab_name": NAME, "lab_network_prefix": "10.88.67", **variables}
    playbook = str(REPOSITORY / "playbooks" / "lab.yml")
    return ansible("ansible-playbook", playbook, "-e", json.dumps(settings), *arguments)


@pytest.fixture(scope="session")
def lab_environment() -> Iterator[None]:
    """The inventory leads to the tests' lab, not to that of whoever works here; what is left of an earlier one goes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_LAB_DIRECTORY", str(DIRECTORY))
        lab_playbook(lab_state="absent")
        yield
        removed = lab_playbook(lab_state="absent")
        assert removed.returncode == 0, removed.stdout


@pytest.fixture(scope="session")
def failed_build(lab_environment: None) -> SimpleNamespace:
    """A lab whose image cannot be built, and what a build that was killed leaves as well."""
    run = lab_playbook(lab_packages_extra=["no-such-package"])
    images = [path.name for path in (DIRECTORY / "image").iterdir() if path.is_dir()]
    killed = DIRECTORY / "image" / ".building" / "root"
    killed.mkdir(parents=True, exist_ok=True)
    (killed / "half").write_text("of an image")
    return SimpleNamespace(run=run, images=images)


@pytest.fixture(scope="session")
def lab(failed_build: SimpleNamespace) -> Path:
    """The inventory of a lab with two slots."""
    made = lab_playbook(lab_slots=2)
    assert made.returncode == 0, made.stdout
    return INVENTORY
