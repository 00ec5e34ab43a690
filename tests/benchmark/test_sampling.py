# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sampler costs and how exact it is, the sampler in a process of its own: `make bench` prints the tables."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import ansible_collections
import pytest

from ansible_collections.evolve.vm.plugins.module_utils.sampling.control import Control
from ansible_collections.evolve.vm.plugins.module_utils.sampling.counters import (
    Disk,
    Interface,
    Memory,
    Processor,
    Reading,
)
from ansible_collections.evolve.vm.plugins.module_utils.sampling.rates import points
from ansible_collections.evolve.vm.plugins.module_utils.sampling.status import read_status
from ansible_collections.evolve.vm.plugins.modules import sampler
from ansible_collections.evolve.vm.tests.servers import wait_until
from ansible_collections.evolve.vm.tests.web_server import slow_server

COLLECTIONS = Path(next(iter(ansible_collections.__path__))).parent
SECONDS = 30
DELAY_MS = 20.0
DOMAIN = """
<domain type='test'><name>vm{number}</name><memory unit='MiB'>512</memory><vcpu>4</vcpu><os><type>hvm</type></os>
<devices><disk type='file' device='disk'><source file='/{number}-a.img'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><source file='/{number}-b.img'/><target dev='vdb' bus='virtio'/></disk>
<interface type='network'><mac address='52:54:00:00:01:{number:02x}'/><source network='default'/>
<target dev='t{number}'/></interface><memballoon model='virtio'/></devices></domain>
"""


def call(folder: Path, **options: object) -> dict:
    done = subprocess.run(
        [sys.executable, sampler.__file__],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {"name": "bench", "directory": str(folder), **options}}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(COLLECTIONS), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    result = json.loads(done.stdout)
    assert not result.get("failed"), result["msg"]
    return result


def host_with(folder: Path, machines: int) -> str:
    """A host of libvirt's test driver with so many machines; its URI."""
    (folder / "host.xml").write_text(
        "<node>"
        + "".join(DOMAIN.format(number=number) for number in range(machines))
        + "<network><name>default</name><bridge name='virbr0'/><ip address='192.168.122.1' netmask='255.255.255.0'/>"
        + "</network></node>"
    )
    return f"test://{folder}/host.xml"


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def values_of(series: list[dict], field: str) -> list[list[list[float]]]:
    return [each["points"] for each in series if each["field"] == field]


@pytest.mark.parametrize(("machines", "limit_percent"), [(50, 10.0), (200, 40.0)])
def test_machines_each_second(tmp_path: Path, machines: int, limit_percent: float) -> None:
    """Counters and a TCP probe of each, every second."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server:
        serving = threading.Thread(target=_accept, args=(server,), daemon=True)
        serving.start()
        names = [{"name": f"vm{number}", "address": f"127.0.1.{number % 250 + 1}"} for number in range(machines)]
        host = server.getsockname()[1]
        call(
            tmp_path,
            uri=host_with(tmp_path, machines),
            interval=1,
            machines=names,
            probes=[{"kind": "tcp", "port": host, "host": "127.0.0.1"}],
        )
        status = read_status(Control(str(tmp_path), "bench").folder)
        assert status is not None
        time.sleep(2)
        before, began = cpu_seconds(status.pid), time.monotonic()
        time.sleep(SECONDS)
        used = 100 * (cpu_seconds(status.pid) - before) / (time.monotonic() - began)
        memory = next(line for line in Path(f"/proc/{status.pid}/status").read_text().splitlines() if "VmRSS" in line)
        call_began = time.monotonic()
        found = call(tmp_path, state="collected", since_ms=0)
        collecting = time.monotonic() - call_began
        call(tmp_path, state="stopped")
        server.shutdown(socket.SHUT_RDWR)
        serving.join()
    cpu = values_of(found["series"], "cpu_utilisation_percent")
    off = [abs(later[0] - earlier[0] - 1000) for series in cpu for earlier, later in pairwise(series)]
    times = sorted(value for series in values_of(found["series"], "response_time_ms") for _at_ms, value in series)
    count = sum(len(each["points"]) for each in found["series"])
    print(f"\n\n{machines} machines and a TCP probe of each, every second, for {SECONDS} s")
    print(f"  {used:.1f} % of a core, {int(memory.split()[1]) / 1024:.0f} MiB")
    print(f"  {count} points collected in {collecting:.2f} s")
    print(f"  intervals off by {statistics.mean(off):.2f} ms on average, {max(off)} ms at most")
    print(f"  a connection: {times[len(times) // 2]:.3f} ms (median), {times[int(len(times) * 0.99)]:.3f} ms (p99)")
    assert len(cpu) == machines
    assert min(len(series) for series in cpu) >= SECONDS - 3
    assert used < limit_percent


def _accept(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


def test_times_of_answers(tmp_path: Path) -> None:
    """Servers that take a known time, asked by 50 probes a second."""
    with slow_server(DELAY_MS / 1000) as url:
        names = [{"name": f"vm{number}"} for number in range(50)]
        call(tmp_path, hypervisor="none", interval=1, machines=names, probes=[{"kind": "http", "url": url}])
        folder = Control(str(tmp_path), "bench").folder
        wait_until(lambda: read_status(folder) is not None)
        time.sleep(15)
        found = call(tmp_path, state="stopped", since_ms=0)
    times = sorted(value for series in values_of(found["series"], "response_time_ms") for _at_ms, value in series)
    print(f"\n\n50 requests a second to a server in Python that takes {DELAY_MS:g} ms")
    print(f"  median {times[len(times) // 2]:.2f} ms, p95 {times[int(len(times) * 0.95)]:.2f} ms, {len(times)} answers")
    assert times[0] >= DELAY_MS
    assert times[len(times) // 2] < DELAY_MS + 10


def test_arithmetic() -> None:
    """Two readings of a machine to its points, without reading them."""
    before = Reading(
        1.0,
        "a",
        {str(number): Processor(10**9, 10**6) for number in range(8)},
        Memory(1.0, 2.0),
        {name: Disk(1, 1, 1, 1, 1, 1) for name in ("vda", "vdb")},
        {name: Interface(1, 1) for name in ("a0", "a1")},
    )
    after = before._replace(monotonic=2.0)
    rounds, began = 5000, time.process_time()
    for _round in range(rounds):
        points(before, after)
    each = (time.process_time() - began) / rounds
    print(f"\n\nTwo readings of a machine with 8 vCPUs, 2 disks and 2 cards to points: {each * 1e6:.0f} µs")
    assert each < 0.001
