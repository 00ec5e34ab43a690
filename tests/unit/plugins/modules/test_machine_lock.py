# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock that keeps two tasks off one machine, with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ansible_collections.evolve.vm.plugins.module_utils import machine_lock as locking
from ansible_collections.evolve.vm.plugins.module_utils.machine_lock import GUEST, MachineBusy, machine_lock
from ansible_collections.evolve.vm.plugins.modules import benchmark, tunables, vm_config

HOLDER = (
    "import sys, time\n"
    "from ansible_collections.evolve.vm.plugins.module_utils.machine_lock import machine_lock\n"
    "with machine_lock(sys.argv[1]):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


@contextmanager
def held(name: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, name], stdout=subprocess.PIPE, text=True, env=environment
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Locks of this test alone, in its own and in other processes."""
    monkeypatch.setattr(locking, "_FOLDERS", (str(tmp_path),))


def test_one_waits_until_the_other_has_ended_however_that_was():
    name = f"test {time.monotonic_ns()}"
    with held(name) as holder:
        with pytest.raises(MachineBusy, match=r"Nothing was changed") as refused, machine_lock(name, 0.3):
            pytest.fail("two hold it")
        assert "fuser /" in str(refused.value)
        holder.kill()
        with machine_lock(name, 5):
            pass


def test_machines_do_not_wait_for_each_other():
    with held("one machine"), machine_lock("another machine", 0):
        pass


def test_the_lock_needs_no_folder_that_others_cannot_write(tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "_FOLDERS", (str(tmp_path / "missing"), str(tmp_path)))
    with machine_lock("a/b", 0):
        assert [path.name for path in tmp_path.iterdir()] == ["evolve.vm-a%2Fb.lock"]
    monkeypatch.setattr(locking, "_FOLDERS", (str(tmp_path / "missing"),))
    with pytest.raises(MachineBusy, match="No such file"), machine_lock("a", 0):
        pass


@pytest.mark.parametrize(
    ("module", "name", "options"),
    [
        (vm_config, "web 1", {"name": "web 1", "configuration": {"vm.vcpus": 1}, "uri": "test:///default"}),
        (tunables, GUEST, {"configuration": {"kernel.sysctl.vm.swappiness": 1}}),
        (benchmark, GUEST, {"definition": {"name": "sysbench", "tests": ["cpu"]}}),
    ],
    ids=["vm_config", "tunables", "benchmark"],
)
def test_modules_leave_a_machine_alone_that_somebody_is_at_work_on(
    folder, run_module, monkeypatch, module, name, options
):
    monkeypatch.setattr(locking.machine_lock.__wrapped__, "__defaults__", (0.1,))
    with machine_lock(name):
        result = run_module(module, **options)
    assert result["failed"]
    assert result["failure_class"] == "infrastructure"
    assert "Nothing was changed" in result["msg"]
