# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on the measured machine for benchmarks that run elsewhere: started, found again, and stopped."""

from __future__ import annotations

import socket
import sys
from contextlib import closing

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import serving
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Server

LISTENER = (
    "import socket, sys, time\nlistener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\ntime.sleep(600)\n"
)


@pytest.fixture
def port():
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return free.getsockname()[1]


@pytest.fixture
def definition(port, monkeypatch):
    """A benchmark that runs elsewhere and needs a listener on this machine."""
    parsed = parse_definition({"name": "sysbench", "tests": ["cpu"], "place": "load-1"})
    job = parsed.benchmarks[0].jobs[0]
    server = Server([sys.executable, "-c", LISTENER, str(port)], port)
    monkeypatch.setattr(type(job), "server", lambda self: server)
    return parsed


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def test_a_server_runs_until_it_is_stopped(definition, port, tmp_path):
    directory = str(tmp_path / "bench")
    assert serving.start_servers(definition, directory)
    assert answers(port)
    assert serving.stop_servers(directory)
    assert not answers(port)
    assert not serving.stop_servers(directory)
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_left_behind_is_replaced(definition, port, tmp_path):
    directory = str(tmp_path / "bench")
    serving.start_servers(definition, directory)
    try:
        assert serving.start_servers(definition, directory)
        assert answers(port)
    finally:
        serving.stop_servers(directory)
    assert not answers(port)


def test_a_server_ends_by_itself(definition, port, tmp_path, monkeypatch):
    monkeypatch.setattr(serving, "_SPARE_SECONDS", 2 - definition.benchmarks[0].timeout_seconds)
    directory = str(tmp_path / "bench")
    serving.start_servers(definition, directory)
    assert answers(port)
    for dummy in range(100):
        if not answers(port):
            break
        serving.time.sleep(0.1)
    assert not answers(port)
    serving.stop_servers(directory)


def test_a_port_in_use_is_told_and_nothing_stays(definition, port, tmp_path):
    taken = closing(socket.create_server(("127.0.0.1", port)))
    with taken, pytest.raises(InfrastructureError, match=f"port {port} is in use on the machine that is measured"):
        serving.start_servers(definition, str(tmp_path / "bench"))
    assert list(tmp_path.iterdir()) == []


def test_benchmarks_on_the_machine_itself_need_nothing_beforehand(tmp_path):
    definition = parse_definition({"name": "sysbench", "tests": ["cpu"]})
    assert not serving.start_servers(definition, str(tmp_path / "bench"))
