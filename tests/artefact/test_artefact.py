# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as its users get it: built, installed with ansible-galaxy, run from an empty folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
# What meta/runtime.yml promises.
CORES = ("current", "2.17", "2.18")
SHORT_STUDY = {"evolve_budget": {"trials": 12}, "evolve_verification": {"blocks": 2}}
EXPECTED_IN_ARTEFACT = {
    "CHANGELOG.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "dashboards",
    "docs",
    "inventories",
    "meta",
    "packages.txt",
    "playbooks",
    "plugins",
    "requirements.txt",
    "requirements.yml",
    "roles",
}


def run(command: list[str | Path], folder: Path, tools: Path = TOOLS) -> subprocess.CompletedProcess[str]:
    """Runs a command that knows nothing of the checkout: no ansible.cfg, and a home of its own with the collections."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
    return subprocess.run(
        [str(tools / command[0]), *map(str, command[1:])],
        cwd=folder,
        env={**kept, "HOME": str(home), "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def tools_of_core(version: str) -> Path:
    """Programs of an ansible-core, "current" for this one's; an older one borrows the other libraries."""
    if version == "current":
        return TOOLS
    folder = Path(sys.prefix) / "cores" / version
    ready = folder / "ready"
    if not ready.is_file():
        venv.create(folder, clear=True, with_pip=True)
        install = [folder / "bin" / "python", "-m", "pip", "install", "-qq", f"ansible-core=={version}.*"]
        subprocess.run(install, check=True)
        (own_libraries,) = folder.glob("lib/python*/site-packages")
        (own_libraries / "environment.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        ready.touch()
    return folder / "bin"


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    built = run(["ansible-galaxy", "collection", "build", REPOSITORY, "--output-path", folder], folder)
    assert built.returncode == 0, built.stdout
    (file,) = folder.glob("evolve-vm-*.tar.gz")
    return file


@pytest.fixture(scope="module")
def folder(artefact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder of a user who has just installed the collection."""
    folder = tmp_path_factory.mktemp("user")
    installed = run(["ansible-galaxy", "collection", "install", "--offline", artefact], folder)
    assert installed.returncode == 0, installed.stdout
    return folder


@pytest.fixture(scope="module")
def collection(folder: Path) -> Path:
    return folder / "home" / ".ansible" / "collections" / "ansible_collections" / "evolve" / "vm"


def test_artefact_holds_the_collection_and_nothing_of_the_workshop(artefact: Path) -> None:
    with tarfile.open(artefact) as archive:
        names = archive.getnames()
    assert {name.split("/")[0] for name in names} == EXPECTED_IN_ARTEFACT
    assert not [name for name in names if "__pycache__" in name or name.endswith(".sqlite")]


@pytest.mark.parametrize("core", CORES)
def test_simulation_runs_from_an_empty_folder(core: str, folder: Path, collection: Path) -> None:
    estate = folder / core
    shutil.copytree(collection / "inventories" / "simulation", estate / "inventories" / "simulation")
    command = ["ansible-playbook", "evolve.vm.evolve", "-i", f"{core}/inventories/simulation"]
    played = run([*command, "-e", json.dumps(SHORT_STUDY)], folder, tools_of_core(core))
    assert played.returncode == 0, played.stdout
    assert "simulated" in played.stdout
    (best,) = estate.glob("evolve/**/best.yml")
    assert yaml.safe_load(best.read_text(encoding="utf-8"))["evolve_configuration"]
    (report,) = estate.glob("evolve/**/*.html")
    assert "simulated" in report.read_text(encoding="utf-8")


def test_execution_environment_takes_its_requirements_from_the_collection(collection: Path) -> None:
    found = run(["ansible-builder", "introspect", collection.parents[2]], collection.parents[5])
    assert found.returncode == 0, found.stdout
    packages = [line.split("#")[0].strip() for line in yaml.safe_load(found.stdout)["python"]]
    stated = (REPOSITORY / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    assert packages == [line for line in stated if not line.startswith("#")], found.stdout
