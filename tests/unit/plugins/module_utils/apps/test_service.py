# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How applications are restarted by commands, and what is told of those that do not."""

from __future__ import annotations

import os
import signal
import time

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.apps import service as services
from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import as_user, run
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError
from ansible_collections.evolve.vm.plugins.module_utils.apps.service import Service


@pytest.fixture(autouse=True)
def no_systemd(monkeypatch):
    monkeypatch.setattr(services, "_SYSTEMD", "/nonexistent")


def test_daemon_that_keeps_the_output_open_is_not_waited_for(tmp_path):
    started = time.monotonic()
    done = run(["sh", "-c", "sleep 30 & echo $!"])
    os.kill(int(done.output), signal.SIGKILL)
    assert time.monotonic() - started < 10


def test_command_without_an_end_is_killed_with_its_children(tmp_path):
    with pytest.raises(AppError, match=r"was killed after 0\.5 s without an end; it had said:\n\d+"):
        run(["sh", "-c", f"sleep 30 & echo $! | tee {tmp_path}/child; wait"], timeout_seconds=0.5)
    child = int((tmp_path / "child").read_text())
    patience = time.monotonic() + 5
    while os.path.exists(f"/proc/{child}/cmdline") and time.monotonic() < patience:
        with open(f"/proc/{child}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":
                break
        time.sleep(0.02)
    else:
        assert not os.path.exists(f"/proc/{child}")


def test_program_that_is_not_there_is_named():
    with pytest.raises(AppError, match="no-such-program does not start: No such file"):
        run(["no-such-program"])


def test_user_that_is_not_there_is_named():
    with pytest.raises(AppError, match="this machine has no user nobody-of-this-name"):
        as_user("nobody-of-this-name", ["true"])


def test_failed_restart_tells_what_was_printed_and_logged(tmp_path):
    log = tmp_path / "log"
    log.write_text("FATAL: of yesterday\n")
    command = f"echo starting; echo 'FATAL: no memory' >> {log}; echo 'LOG: shutting down' >> {log}; exit 3"
    service = Service("db", {"restart_command": command}, log_file=str(log))
    with pytest.raises(AppError, match=r"ended with exit code 3:\nstarting\nFATAL: no memory$"):
        service.restart()
    assert service.last_words() == "FATAL: no memory"


def test_options_come_before_what_the_driver_knows(tmp_path):
    service = Service(
        "db", {"restart_command": ["touch", str(tmp_path / "option")]}, restart=["false"], reload=["true"]
    )
    service.restart()
    service.reload()
    assert (tmp_path / "option").exists()


def test_nothing_to_restart_by():
    with pytest.raises(AppError, match="db: nothing is known to restart it by; say `service` or `restart_command`"):
        Service("db", {}).restart()


STAND_IN = """#!/bin/sh
echo "$(basename $0) $*" >> {folder}/calls
case "$*" in
    *LoadState*" db.service") echo LoadState=loaded ;;
    *LoadState*) echo LoadState=not-found ;;
    *ActiveState*) cat {folder}/state ;;
    restart*) exit 1 ;;
    -u*) echo "db: FATAL: no memory" ;;
esac
"""


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """No container runs systemd: a stand-in answers as systemd 252 does. The lab's guests have the real one."""
    monkeypatch.setattr(services, "_SYSTEMD", str(tmp_path))
    for name in ("systemctl", "journalctl"):
        (tmp_path / name).write_text(STAND_IN.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_systemd_restarts_the_first_unit_it_knows_though_it_has_failed_often(systemd):
    service = Service("db", {}, ["mariadb", "db"], restart=["true"])
    with pytest.raises(
        AppError, match=r"`systemctl restart db\.service` ended with exit code 1:\ndb: FATAL: no memory"
    ):
        service.restart()
    calls = (systemd / "calls").read_text().splitlines()
    assert calls.index("systemctl reset-failed db.service") < calls.index("systemctl restart db.service")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("ActiveState=inactive\nUnitFileState=disabled\n", True),
        ("ActiveState=inactive\nUnitFileState=enabled\n", False),
        ("ActiveState=failed\nUnitFileState=disabled\n", False),
    ],
)
def test_stopped_on_purpose_is_what_nobody_has_enabled(systemd, state, expected):
    (systemd / "state").write_text(state)
    assert Service("db", {}, ["db"]).stopped_on_purpose() is expected


def test_unit_that_is_named_has_to_be_there(systemd):
    with pytest.raises(AppError, match=r"db: systemd has no service bd \(option `service`\)"):
        Service("db", {"service": "bd"}, ["db"])


def test_commands_of_the_driver_where_systemd_knows_no_unit(systemd):
    service = Service("db", {}, ["other"], restart=["touch", str(systemd / "restarted")])
    service.restart()
    assert (systemd / "restarted").exists()
