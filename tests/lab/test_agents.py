# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent in a real guest, as the guide has it: installed, seen to arrive, a source of fitness, and taken away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.tests.prometheus_servers import prometheus_server

from .conftest import REPOSITORY, SMALL, ansible
from .test_monitoring import STUDY, USED, readings

SLOT = "slot-1"
UNIT = "prometheus-node-exporter"


def monitor(home: Path, url: str, **more: Any) -> tuple[int, str]:
    variables = {
        "evolve_home": str(home),
        "evolve_monitoring_agent": "node_exporter",
        "evolve_monitoring_interval": "1s",
        "evolve_monitoring_listen_address": "{{ ansible_host }}",
        "evolve_monitoring_database": {"kind": "prometheus", "url": url},
        "evolve_monitoring_probes": [{"name": "ssh", "kind": "tcp", "target": "127.0.0.1:22"}],
        **more,
    }
    playbook = str(REPOSITORY / "playbooks" / "monitor.yml")
    run = ansible("ansible-playbook", playbook, "--limit", SLOT, "-e", json.dumps(variables), timeout=600)
    return run.returncode, run.stdout


def state() -> str:
    """What an agent could leave on the slot. What came along with its packages (dbus) stays, as apt has it."""
    return SMALL.shell(
        SLOT,
        "dpkg-query -W '*prometheus*' 2>/dev/null; ls /etc/systemd/system /etc/default; ls -d /etc/evolve-monitoring;"
        " systemctl list-units --failed --no-legend; ss -Hltn | awk '{print $4}' | sort; true",
    )


@pytest.mark.long
def test_an_agent_is_installed_checked_believed_and_taken_away(lab: Path, tmp_path: Path) -> None:
    before = state()
    code, said = monitor(tmp_path, "http://127.0.0.1:9090", evolve_monitoring_check=False)
    assert code == 0, said
    written = (tmp_path / "monitoring" / "prometheus.yml").read_text()

    with prometheus_server(tmp_path / "prometheus", config=written) as server:
        code, said = monitor(tmp_path, server.url)
        assert code == 0, said
        assert SMALL.shell(SLOT, f"systemctl is-active {UNIT}") == "active"

        variables = {
            **STUDY,
            "evolve_study": "watched-agent",
            "evolve_home": str(tmp_path),
            "evolve_goals": [{"metric": USED, "direction": "maximize"}],
            "evolve_monitoring": {"interval": 1, "source": "node_exporter"},
            "evolve_monitoring_database": {"kind": "prometheus", "url": server.url},
        }
        playbook = str(REPOSITORY / "playbooks" / "evolve.yml")
        run = ansible(
            "ansible-playbook", playbook, "--limit", f"{SLOT},localhost", "-e", json.dumps(variables), timeout=600
        )
        assert run.returncode == 0, run.stdout
        found = readings(tmp_path, "agent")
        assert len(found) >= 4
        # What only an agent in the guest sees.
        assert all("cpu_wait_percent" in each for each in found), found

        code, said = monitor(tmp_path, server.url, monitoring_state="absent")
        assert code == 0, said
    assert state() == before
