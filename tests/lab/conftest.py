# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of real virtual machines: made once, beside any other lab of this machine, and removed at the end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from .labs import INVENTORY, REPOSITORY, Lab, ansible

__all__ = ["APPLICATIONS", "DIRECTORY", "INVENTORY", "NAME", "REPOSITORY", "SMALL", "ansible", "lab_playbook"]

SMALL = Lab("evolve-lab-test", "10.88.67")
NAME = SMALL.name
DIRECTORY = SMALL.directory
# Everything that the small lab, made to be quick, does not have.
APPLICATIONS = Lab(
    "evolve-lab-apps-test",
    "10.88.68",
    {
        "lab_slots": 1,
        "lab_applications": ["postgresql", "mysql", "redis", "nginx", "jvm"],
        "lab_kernel": "generic",
        "lab_boot": "grub",
        "lab_hugepages_mib": 1024,
    },
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The small lab itself is tested as it was made, then what uses it, then the other lab, and at last the removal."""
    last = "test_absent_removes_the_lab_and_nothing_else"

    def position(item: pytest.Item) -> tuple[bool, bool, bool]:
        other = "applications_lab" in getattr(item, "fixturenames", ())
        return item.name == last, other, item.path.name != "test_lab.py"

    items.sort(key=position)


def lab_playbook(*arguments: str, **variables: object) -> subprocess.CompletedProcess[str]:
    """Runs playbooks/lab.yml for the small lab, in the directory that the environment names."""
    return ansible("ansible-playbook", *SMALL.playbook_arguments(**variables), *arguments)


@pytest.fixture(scope="session")
def lab_environment() -> Iterator[None]:
    """The inventory leads to the tests' lab, not to that of whoever works here; what is left of an earlier one goes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.environment().items():
            patch.setenv(name, value)
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


@pytest.fixture(scope="session")
def applications_lab() -> Iterator[Lab]:
    """A lab whose one slot runs every application, on a kernel that knows every device, and boots by GRUB."""
    APPLICATIONS.playbook(lab_state="absent")
    made = APPLICATIONS.playbook()
    assert made.returncode == 0, made.stdout
    yield APPLICATIONS
    remove(APPLICATIONS)


@pytest.fixture
def no_other_lab() -> None:
    """libvirt is stopped with the last lab that uses it: there is none but the small one."""
    remove(APPLICATIONS)


def remove(lab: Lab) -> None:
    if lab.directory.exists():
        removed = lab.playbook(lab_state="absent")
        assert removed.returncode == 0, removed.stdout
