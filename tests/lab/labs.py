# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labs of the tests: how one is made and removed, and how its slots are spoken to."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
INVENTORY = REPOSITORY / "inventories" / "lab"


def ansible(program: str, *arguments: str, timeout: int = 400, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of Ansible on the lab's inventory; output and errors come together in `stdout`."""
    tools = Path(sys.executable).parent
    return subprocess.run(
        [str(tools / program), "-i", str(INVENTORY), *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "NO_COLOR": "1", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )


def virsh(*arguments: str, xml: str | None = None) -> str:
    run = subprocess.run(
        ["virsh", "--connect", "qemu:///system", *arguments], input=xml, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@dataclass(frozen=True)
class Lab:
    """A lab beside any other of this machine. `variables` is what it is made with."""

    name: str
    network_prefix: str
    variables: Mapping[str, object] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        # Not below /tmp: where QEMU does not run as root, it must be able to reach its disks.
        return Path("/var/lib", self.name)

    def environment(self) -> dict[str, str]:
        """What leads the inventory to this lab."""
        return {"EVOLVE_LAB_DIRECTORY": str(self.directory)}

    def ansible(self, program: str, *arguments: str, timeout: int = 400) -> subprocess.CompletedProcess[str]:
        return ansible(program, *arguments, timeout=timeout, **self.environment())

    def playbook(self, *arguments: str, **variables: object) -> subprocess.CompletedProcess[str]:
        """Runs playbooks/lab.yml."""
        return self.ansible("ansible-playbook", *self.playbook_arguments(**variables), *arguments)

    def playbook_arguments(self, **variables: object) -> list[str]:
        settings = {"lab_name": self.name, "lab_network_prefix": self.network_prefix, **self.variables, **variables}
        return [str(REPOSITORY / "playbooks" / "lab.yml"), "-e", json.dumps(settings)]

    def domain(self, slot: str) -> str:
        return f"{self.name}-{slot}"

    def shell(self, slot: str, command: str) -> str:
        """What root sees when the command is run in a slot."""
        run = self.ssh(slot, f"sudo sh -c {shlex.quote(command)}")
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout.strip()

    def ssh(self, slot: str, command: str) -> subprocess.CompletedProcess[str]:
        groups: dict[str, Any] = json.loads((self.directory / "inventory.json").read_text(encoding="utf-8"))
        common = groups["evolve_slots"]["vars"]
        address = groups["_meta"]["hostvars"][slot]["ansible_host"]
        options = ["-F", "none", "-n", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]
        options += [*shlex.split(common["ansible_ssh_common_args"]), "-i", common["ansible_ssh_private_key_file"]]
        return subprocess.run(
            ["ssh", *options, f"{common['ansible_user']}@{address}", command],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def boot(self, slot: str) -> str:
        """The id of the present boot of a slot, or nothing while it does not answer."""
        run = self.ssh(slot, "cat /proc/sys/kernel/random/boot_id")
        return run.stdout.strip() if run.returncode == 0 else ""

    def wait(self, slot: str, before: str = "", seconds: float = 120) -> None:
        """Until the slot answers, in another boot than `before`."""
        deadline = time.monotonic() + seconds
        while self.boot(slot) in ("", before):
            assert time.monotonic() < deadline, f"{slot} does not come up: {self.console(slot)}"
            time.sleep(0.5)

    def reboot(self, slot: str) -> None:
        before = self.boot(slot)
        # The connection may be lost before it answers.
        self.ssh(slot, "sudo systemctl --no-block reboot")
        self.wait(slot, before)

    def redefine(self, slot: str, xml: str) -> None:
        """Switches the slot off and on again with another definition, and waits until it is up."""
        domain = self.domain(slot)
        virsh("destroy", domain)
        virsh("define", "/dev/stdin", xml=xml)
        virsh("start", domain)
        self.wait(slot)

    def console(self, slot: str) -> str:
        """The end of what the slot has said while it booted."""
        log = self.directory / "slots" / f"{slot.rpartition('-')[2]}.console.log"
        return log.read_text(encoding="utf-8", errors="replace")[-2000:]
