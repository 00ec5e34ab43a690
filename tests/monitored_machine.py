# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This machine with the role monitoring, its files in a folder to throw away. What systemd would start starts here."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.evolve.vm.tests.servers import end_process, free_port

ROOT = Path(__file__).resolve().parents[1]
NAME = "slot-1"
PORTS = ("node", "blackbox", "postgresql", "mysql", "redis", "nginx", "collectd", "telegraf", "influxdb_collectd")
PLAY = [{"hosts": "all", "gather_facts": False, "roles": ["evolve.vm.monitoring"]}]


class MonitoredMachine:
    """The role's variables that a test gives, and what comes of them. settings, units, scrape: folders it writes to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "settings"
        self.units = folder / "units"
        self.scrape = folder / "scrape"
        self.ports = {name: free_port() for name in PORTS}
        self.inventory = folder / "hosts.yml"
        hosts = {NAME: {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
        self.inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))

    def run(self, playbook: Path | None = None, *options: str, **variables: Any) -> tuple[int, str]:
        """Run the role alone, or a playbook; gives its return code and what it printed, white space folded."""
        if playbook is None:
            playbook = self.folder / "play.yml"
            playbook.write_text(yaml.safe_dump(PLAY))
        given = {
            "monitoring_folder": str(self.settings),
            "monitoring_unit_folder": str(self.units),
            "monitoring_scrape_folder": str(self.scrape),
            "monitoring_ports": self.ports,
            "monitoring_become": False,
            "monitoring_service": False,
            "monitoring_take_over": True,
            **variables,
        }
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                *(str(playbook), "-i", str(self.inventory), "-e", json.dumps(given), *options),
            ],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "COLUMNS": "120"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def install(self, **variables: Any) -> None:
        """The role, which must succeed."""
        code, output = self.run(**variables)
        assert code == 0, output

    @contextmanager
    def running(self) -> Iterator[dict[str, int]]:
        """What the drop-ins start, as systemd would; gives the process ids by unit."""
        with ExitStack() as stack:
            found = {}
            for drop_in in sorted(self.units.glob("*/evolve.conf")):
                unit = drop_in.parent.name.removesuffix(".service.d")
                command, environment = _read(drop_in.read_text())
                if unit == "collectd":
                    # It becomes no daemon, keeps its process id to itself and says what is wrong.
                    command += ["-f", "-P", str(self.folder / "collectd.pid")]
                log = stack.enter_context((self.folder / f"{unit}.log").open("ab"))
                process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log)
                stack.callback(end_process, process.pid)
                found[unit] = process.pid
            yield found


def _read(drop_in: str) -> tuple[list[str], Mapping[str, str]]:
    """The last command of a drop-in, and its environment."""
    lines = dict(line.split("=", 1) for line in drop_in.splitlines() if "=" in line)
    environment = {}
    if lines["EnvironmentFile"]:
        for line in Path(lines["EnvironmentFile"]).read_text().splitlines():
            if not line.startswith("#"):
                name, dummy, value = line.partition("=")
                environment[name] = "".join(shlex.split(value))
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(lines["ExecStart"])], environment
