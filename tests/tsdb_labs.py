# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases of the role tsdb_lab, for tests: made with its playbook, on ports of their own, and removed with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.evolve.vm.tests.servers import free_port

ROOT = Path(__file__).resolve().parents[1]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
SERVERS = ("influxdb", "prometheus", "victoriametrics")
START_SECONDS = 240


@dataclass(frozen=True)
class TsdbLab:
    """Databases beside any others of this machine."""

    directory: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in SERVERS})

    def url(self, server: str) -> str:
        return f"http://127.0.0.1:{self.ports[server]}"

    def play(self, **variables: object) -> subprocess.CompletedProcess[str]:
        """Run playbooks/tsdb_lab.yml; output and errors come together in `stdout`."""
        given = {
            "tsdb_lab_directory": str(self.directory),
            "tsdb_lab_ports": self.ports,
            "tsdb_lab_install_packages": False,
            "tsdb_lab_start_timeout_seconds": START_SECONDS,
            **variables,
        }
        return subprocess.run(
            [str(PLAYBOOK), str(ROOT / "playbooks" / "tsdb_lab.yml"), "-e", json.dumps(given)],
            cwd=ROOT,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
                "NO_COLOR": "1",
                "COLUMNS": "100000",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    def made(self, **variables: object) -> int:
        """The number of changes of a play that succeeds."""
        done = self.play(**variables)
        assert done.returncode == 0, done.stdout
        return int(re.search(r"changed=(\d+)", done.stdout)[1])  # type: ignore[index]

    def refused(self, **variables: object) -> str:
        """What a play says that fails, in one line."""
        done = self.play(**variables)
        assert done.returncode != 0, done.stdout
        return " ".join(done.stdout.split())

    def pid(self, server: str) -> int:
        return int((self.directory / server / "pid").read_text().split()[0])

    def runs(self, server: str) -> bool:
        return alive(self.pid(server))


def alive(pid: int) -> bool:
    """Whether a process is there that has not ended already."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def tsdb_lab(folder: Path, **variables: object) -> Iterator[TsdbLab]:
    """Databases as long as they are needed."""
    lab = TsdbLab(folder / "databases")
    try:
        lab.made(**variables)
        yield lab
    finally:
        lab.play(tsdb_lab_state="absent")
