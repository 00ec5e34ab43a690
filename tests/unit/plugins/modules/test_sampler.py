# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module sampler with real processes, called by Ansible and as Ansible calls it."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import ansible_collections
import pytest

from ansible_collections.evolve.vm.plugins.module_utils.processes import stat_of
from ansible_collections.evolve.vm.plugins.module_utils.sampling.control import Control
from ansible_collections.evolve.vm.plugins.module_utils.sampling.status import read_status
from ansible_collections.evolve.vm.plugins.modules import sampler
from ansible_collections.evolve.vm.tests.servers import wait_until
from ansible_collections.evolve.vm.tests.web_server import web_server

COLLECTIONS = Path(next(iter(ansible_collections.__path__))).parent
MODULE = Path(sampler.__file__)
NAME = "web tier/1"
MACHINES = [{"name": "test", "host": "web1", "address": "127.0.0.1"}]


class Target:
    """The module, called in processes of its own; the samplers of one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.usual = {"name": NAME, "directory": str(folder / "run")}
        self.control = Control(self.usual["directory"], NAME)

    def begin(self, **options):
        process = subprocess.Popen(
            [sys.executable, MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(COLLECTIONS), *sys.path])},
            preexec_fn=options.pop("before", None),
        )
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": {**self.usual, **options}}))
        process.stdin.close()
        return process

    def end(self, process):
        # Nothing that the sampler has kept open may hold this up.
        result = json.loads(process.stdout.read())
        assert process.stderr.read() == ""
        process.wait(30)
        return result

    def call(self, **options):
        return self.end(self.begin(**options))

    def start(self, **options):
        usual = {"uri": "test:///default", "interval": "1s", "machines": MACHINES}
        return self.call(**{**usual, **options})

    def collect(self, since_ms=None, **options):
        return self.call(state="collected", **({} if since_ms is None else {"since_ms": since_ms}), **options)

    @property
    def status(self):
        return read_status(self.control.folder)

    def wait_for_points(self, count, field="cpu_utilisation_percent", host="web1"):
        wait_until(lambda: len(points_in(self.control.collect(None, (), False)[0].series, field, host)) >= count)


def points_in(series, field="cpu_utilisation_percent", host="web1"):
    return [point for each in series if (each["host"], each["field"]) == (host, field) for point in each["points"]]


@pytest.fixture
def target(tmp_path):
    target = Target(tmp_path)
    yield target
    status = target.status
    if status is not None and status.is_alive:
        os.kill(status.pid, signal.SIGKILL)


def test_from_its_start_to_its_end(target):
    started = target.start()
    assert (started["changed"], started["running"]) == (True, True)
    pid = target.status.pid
    assert os.getsid(pid) not in (os.getsid(0), pid)  # apart from us, and unable to get a terminal
    assert {os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1)} == {os.devnull}
    assert target.start()["changed"] is False
    assert target.status.pid == pid
    target.wait_for_points(3)
    first = target.collect()
    points = points_in(first["series"])
    assert len(points) >= 3
    assert all(abs(later[0] - earlier[0] - 1000) < 500 for earlier, later in pairwise(points))
    assert first["clock_ms"] - 5000 < first["newest_ms"] <= first["clock_ms"]
    assert abs(first["clock_ms"] - time.time() * 1000) < 60_000
    assert first["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert (first["gaps"], first["changed"]) == ([], False)
    target.wait_for_points(len(points) + 2)
    rest = target.call(state="stopped", since_ms=first["newest_ms"])
    assert (rest["changed"], rest["running"], rest["gaps"]) == (True, False, [])
    assert points_in(rest["series"])[0][0] > points[-1][0]
    assert points_in(rest["series"])[0][0] - points[-1][0] < 1500
    assert stat_of(pid) is None or stat_of(pid).state == "Z"
    assert list(Path(target.usual["directory"]).iterdir()) == []
    assert target.call(state="stopped")["changed"] is False


def test_check_mode(target):
    assert target.start(_ansible_check_mode=True)["changed"] is True
    assert not Path(target.usual["directory"]).exists()
    target.start()
    assert target.start(_ansible_check_mode=True)["changed"] is False
    assert target.start(_ansible_check_mode=True, interval=2)["changed"] is True
    renewed = os.stat(f"{target.control.folder}/renewed").st_mtime_ns
    assert target.collect(_ansible_check_mode=True)["running"] is True
    assert os.stat(f"{target.control.folder}/renewed").st_mtime_ns == renewed
    assert target.call(state="stopped", _ansible_check_mode=True)["changed"] is True
    assert target.status.is_alive
    target.collect()
    assert os.stat(f"{target.control.folder}/renewed").st_mtime_ns > renewed


def test_faults_are_told_and_nothing_is_started(target):
    failed = target.start(interval="2h", probes=[{"kind": "pgsql"}])
    assert failed["failed"]
    assert "2 faults in the options of sampler" in failed["msg"]
    failed = target.start(probes=[{"kind": "command", "command": "no-such-program"}])
    assert "probes[0]: command: there is no program no-such-program here" in failed["msg"]
    failed = target.start(uri="test:///no/such/file.xml")
    assert failed["msg"].startswith("libvirt at test:///no/such/file.xml does not answer: ")
    assert target.status is None
    (target.folder / "file").touch()
    assert "Not a directory" in target.start(directory=str(target.folder / "file"))["msg"]
    assert "action plugin evolve.vm.sampler" in target.start(hypervisor="simulated")["msg"]


def test_two_starters_at_once_make_one_process(target):
    options = {"uri": "test:///default", "interval": 1, "machines": MACHINES}
    lock = f"{target.control.folder}/lock"
    results = [target.end(process) for process in [target.begin(**options) for dummy in range(4)]]
    assert sorted(result["changed"] for result in results) == [False, False, False, True]
    holders = [pid for pid in os.listdir("/proc") if pid.isdigit() and lock in _links(pid)]
    assert holders == [str(target.status.pid)]


def _links(pid):
    try:
        return [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []


def test_one_that_was_killed_is_told_and_can_be_started_again(target):
    target.start()
    target.wait_for_points(2)
    seen = target.collect()
    os.kill(target.status.pid, signal.SIGKILL)
    wait_until(lambda: not target.status.is_alive)
    found = target.collect(seen["newest_ms"])
    assert found["running"] is False
    assert (found["gaps"][-1]["reason"], found["gaps"][-1]["end_ms"]) == ("the sampler was killed", None)
    assert target.start()["changed"] is True
    count = len(points_in(seen["series"]))
    target.wait_for_points(count + 2)
    found = target.collect(seen["newest_ms"])
    (gap,) = found["gaps"]
    assert gap["reason"] == "the sampler was killed and started again"
    assert seen["newest_ms"] - 5000 < gap["begin_ms"] < gap["end_ms"] <= points_in(found["series"])[-1][0]
    # What it had sampled before is still there.
    assert points_in(target.collect()["series"])[:count] == points_in(seen["series"])


def test_one_whose_process_id_is_somebody_elses_by_now_is_gone(target):
    target.start()
    status = target.status
    os.kill(status.pid, signal.SIGKILL)
    wait_until(lambda: not target.status.is_alive)
    path = Path(target.control.folder, "status")
    path.write_text(json.dumps({**status._asdict(), "pid": os.getpid()}))
    assert target.collect()["running"] is False
    assert target.call(state="stopped")["changed"] is False
    # We are still there.


def test_a_restarted_machine_knows_nothing_and_says_so(target):
    found = target.collect(since_ms=5)
    assert (found["running"], found["newest_ms"], found["series"]) == (False, 5, [])
    assert "this machine was restarted" in found["gaps"][0]["reason"]


def test_it_goes_on_when_its_caller_is_killed(target):
    process = target.begin(uri="test:///default", interval=1, machines=MACHINES)
    wait_until(lambda: target.status is not None)
    process.kill()
    process.wait()
    target.wait_for_points(2)


def test_other_settings_are_taken_over_by_the_same_process(target):
    target.start()
    pid = target.status.pid
    target.wait_for_points(2)
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        probe = {"kind": "tcp", "port": server.getsockname()[1], "name": "web"}
        assert target.start(probes=[probe])["changed"] is True
        assert target.status.pid == pid
        target.wait_for_points(2, "availability_percent")
    target.wait_for_points(5)
    stamps = [at_ms for at_ms, dummy in points_in(target.collect()["series"])]
    assert max(later - earlier for earlier, later in pairwise(stamps)) < 2500


def test_a_lease_that_ended_is_told(target):
    target.start(lease_seconds=10)
    assert target.collect()["running"] is True
    wait_until(lambda: not target.status.is_alive, 60)
    found = target.collect()
    assert found["running"] is False
    assert found["gaps"][-1]["reason"] == ("the sampler has ended: nobody has collected or renewed for lease_seconds")
    # What it has sampled can still be had.
    assert len(points_in(found["series"])) >= 5


def test_a_full_disk_does_not_end_it(target):
    # The files of the sampler may grow up to this size; beyond, it is as if the disk were full.
    probes = [{"kind": "tcp", "port": 1, "name": f"p{number}"} for number in range(20)]
    target.start(probes=probes, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4600, 2**30)))
    wait_until(lambda: "File too large" in target.status.trouble, 120)
    found = target.collect()
    assert found["running"] is True
    # Of text, or on ansible-core 2.19 of more.
    assert "keeps what it has in memory: samples cannot be written" in str(found["warnings"])
    resource.prlimit(target.status.pid, resource.RLIMIT_FSIZE, (2**30, 2**30))
    wait_until(lambda: target.status.trouble == "")
    stamps = [at_ms for at_ms, dummy in points_in(target.collect()["series"])]
    assert max(later - earlier for earlier, later in pairwise(stamps)) < 2500


def test_availability_falls_and_returns_with_the_server(target):
    folder = target.folder / "web"
    folder.mkdir()
    where = {"hypervisor": "none", "machines": MACHINES}

    def values():
        found = target.control.collect(None, (), False)[0].series
        return [value for dummy, value in points_in(found, "availability_percent")]

    with web_server(folder) as server:
        target.start(probes=[{"kind": "http", "url": "http://{target}:" + str(server.port)}, {"kind": "icmp"}], **where)
        wait_until(lambda: values()[-2:] == [100.0, 100.0])
        pid = int((folder / "nginx.pid").read_text())
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: values()[-2:] == [0.0, 0.0])
        wait_until(lambda: not Path(f"/proc/{pid}").exists())
        subprocess.run([shutil.which("nginx", path="/usr/sbin:/usr/bin"), "-c", folder / "nginx.conf"], check=True)
        wait_until(lambda: values()[-2:] == [100.0, 100.0])
    found = target.collect()
    # A connection may be cut by the server that ends, before there is none any more.
    assert found["failures"][-1]["reason"] == "Connection refused"
    assert {each["field"] for each in found["series"]} == {
        "availability_percent",
        "response_time_ms",
        "network_latency_ms",
        "network_lost_percent",
    }
    failed = [at_ms for at_ms, value in points_in(found["series"], "availability_percent") if value == 0]
    assert not set(failed) & {at_ms for at_ms, dummy in points_in(found["series"], "response_time_ms")}


def test_it_outlives_what_ansible_has_sent(target):
    """Ansible removes the module and all that it imports as soon as the task is over."""
    options = {**target.usual, "uri": "test:///default", "interval": 1, "machines": MACHINES}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ansible", "adhoc", "localhost", "-i", "localhost,", "-c", "local"),
            *("-m", "evolve.vm.sampler", "-a", json.dumps({**options, "probes": [{"kind": "icmp"}]})),
            *("-e", f"ansible_python_interpreter={sys.executable}"),
        ],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(target.folder / "home"),
            "ANSIBLE_CONFIG": str(target.folder / "none.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert '"running": true' in done.stdout, done.stdout + done.stderr
    target.wait_for_points(2)
    target.wait_for_points(2, "network_latency_ms")
    assert target.start(machines=[*MACHINES, {"name": "gone", "address": "127.0.0.2"}])["changed"] is True
    wait_until(lambda: target.collect()["gaps"])
    assert Path(target.control.folder, "log").read_text() == ""
