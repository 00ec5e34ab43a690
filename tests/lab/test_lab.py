# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab is made, changed, broken and removed on this machine's libvirt."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from .conftest import DIRECTORY, NAME, ansible, lab_playbook
from .labs import virsh

STRANGER = "not-the-lab"
QEMU_CONF = Path("/etc/libvirt/qemu.conf")


def in_guest(slot: str, command: str) -> list[str]:
    """The lines a shell command prints in a slot."""
    run = ansible("ansible", slot, "-m", "ansible.builtin.shell", "-a", command)
    assert run.returncode == 0, run.stdout
    return run.stdout.split(">>\n", 1)[1].split("\n")


def changes(run: subprocess.CompletedProcess[str]) -> int:
    """The number of changes a playbook run with -v has counted."""
    assert run.returncode == 0, run.stdout
    return int(re.search(r"changed=(\d+)", run.stdout)[1])


def lines_of(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def traces() -> list[str]:
    """Files and processes that bear the name of the tests' lab."""
    trees = ["/etc/libvirt", "/run/libvirt", "/var/lib", "/var/log/libvirt"]
    files = lines_of("find", *trees, "-name", f"*{NAME}*")
    processes = lines_of("ps", "-e", "-o", "args=")
    return files + [process for process in processes if NAME in process]


def test_inventory_without_a_lab_is_empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVOLVE_LAB_DIRECTORY", str(tmp_path / "nothing"))
    run = ansible("ansible-inventory", "--list")
    assert run.returncode == 0, run.stdout
    groups = json.loads(run.stdout)
    assert groups["evolve_hypervisors"]["hosts"] == ["lab-hypervisor"]
    assert "slot" not in json.dumps(groups["_meta"])


def test_without_root_nothing_is_touched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVOLVE_LAB_DIRECTORY", str(tmp_path / "lab"))
    # The tests run as root, who needs no sudo: here it is asked for all the same, and is not there.
    monkeypatch.setenv("ANSIBLE_BECOME_ALLOW_SAME_USER", "true")
    monkeypatch.setenv("ANSIBLE_BECOME_EXE", "/nonexistent/sudo")
    run = lab_playbook()
    assert run.returncode != 0
    assert "Run the playbook as root, or as a user with sudo" in " ".join(run.stdout.split())
    assert not (tmp_path / "lab").exists()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"lab_slots": 0}, "lab_slots=0 (1 to 64)"),
        ({"lab_vcpus": 5}, "lab_vcpus=5 (1 to lab_vcpus_max=4)"),
        ({"lab_room_mib": 10**9}, "Free some, or name another place"),
    ],
    ids=["no slots", "too many vCPUs", "no room"],
)
def test_refused_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, object], message: str
) -> None:
    monkeypatch.setenv("EVOLVE_LAB_DIRECTORY", str(tmp_path / "lab"))
    run = lab_playbook(**variables)
    assert run.returncode != 0
    assert message in " ".join(run.stdout.split())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_failed_image_build_leaves_nothing_to_trip_over(failed_build: SimpleNamespace, lab: Path) -> None:
    assert failed_build.run.returncode != 0
    assert "no-such-package" in failed_build.run.stdout
    assert failed_build.images == []
    # The run after that, the fixture `lab`, has made the image.
    assert [path.name for path in DIRECTORY.glob("image/*/disk.raw")] == ["disk.raw"]


def test_slots_differ_in_name_and_address_only(lab: Path) -> None:
    answers, definitions = set(), set()
    for number in (1, 2):
        name, *answer = in_guest(f"slot-{number}", "hostname; nproc; sudo -n id -u; sysbench --version; uname -r")
        assert name == f"slot-{number}"
        answers.add(tuple(answer))
        definition = virsh("dumpxml", "--inactive", f"{NAME}-slot-{number}")
        definitions.add(re.sub(rf"(slot-|slots/|52:54:00:65:76:0){number}|<uuid>.*</uuid>", "", definition))
    assert len(definitions) == len(answers) == 1
    assert answers.pop()[:2] == ("2", "0")


def test_passwords_open_nothing(lab: Path) -> None:
    status, *settings = in_guest("slot-1", "sudo passwd --status root; sudo sshd -T")
    assert status.split()[1] == "L"
    assert "passwordauthentication no" in settings


def test_second_run_changes_nothing(lab: Path) -> None:
    started = time.monotonic()
    assert changes(lab_playbook("-v", lab_slots=2)) == 0
    # Nothing waits for anything: this takes 4 s alone, and the machine may be busy.
    assert time.monotonic() - started < 40


def test_lab_grows_and_shrinks_around_its_running_slots(lab: Path) -> None:
    running = virsh("domid", f"{NAME}-slot-1")
    assert changes(lab_playbook("-v", lab_slots=3)) > 0
    assert in_guest("slot-3", "hostname")[0] == "slot-3"
    # A CPU that is plugged in starts working without anybody's help.
    virsh("setvcpus", f"{NAME}-slot-3", "3", "--live")
    deadline = time.monotonic() + 60
    while in_guest("slot-3", "nproc")[0] != "3":
        assert time.monotonic() < deadline, "the third CPU does not come online"
    assert changes(lab_playbook("-v", lab_slots=2)) > 0
    assert f"{NAME}-slot-3" not in virsh("list", "--all", "--name").split()
    assert not list(DIRECTORY.glob("slots/3.*"))
    assert virsh("vol-list", f"{NAME}-ssd").count("slot-") == 2 * 2  # each with its name and path
    assert virsh("domid", f"{NAME}-slot-1") == running


def test_slot_that_is_off_is_started(lab: Path) -> None:
    virsh("destroy", f"{NAME}-slot-2")
    assert changes(lab_playbook("-v", lab_slots=2)) == 1
    assert in_guest("slot-2", "hostname")[0] == "slot-2"


@pytest.fixture
def stranger() -> Iterator[SimpleNamespace]:
    """A domain and a network that are none of the lab's business."""
    xml = f"<network><name>{STRANGER}</name></network>"
    virsh("net-create", "/dev/stdin", xml=xml)
    xml = f"<domain type='qemu'><name>{STRANGER}</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>"
    virsh("create", "--paused", "/dev/stdin", xml=xml)
    stranger = SimpleNamespace(domain=virsh("domuuid", STRANGER), network=virsh("net-uuid", STRANGER), here=True)

    def leave() -> None:
        virsh("destroy", STRANGER)
        virsh("net-destroy", STRANGER)
        stranger.here = False

    stranger.leave = leave
    yield stranger
    # Once it has left, the lab may have stopped the libvirt that would be asked.
    if stranger.here:
        leave()


def test_absent_removes_the_lab_and_nothing_else(no_other_lab: None, lab: Path, stranger: SimpleNamespace) -> None:
    started_libvirt = (DIRECTORY / "run").exists()
    assert changes(lab_playbook("-v", lab_state="absent")) > 0
    assert virsh("domuuid", STRANGER) == stranger.domain
    assert virsh("net-uuid", STRANGER) == stranger.network
    # Somebody else's machine runs, so libvirt does too, whoever has started it.
    assert DIRECTORY.exists() == started_libvirt
    stranger.leave()

    assert (changes(lab_playbook("-v", lab_state="absent")) > 0) == started_libvirt
    assert traces() == []
    assert NAME not in QEMU_CONF.read_text()
    assert changes(lab_playbook("-v", lab_state="absent")) == 0
