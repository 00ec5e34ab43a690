# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to run on the measured machine while a benchmark runs elsewhere, such as the other end of iperf3.

Where the benchmark runs on that machine itself, it is started and stopped with it. Elsewhere the role does it, with two
tasks on the measured machine. A server ends by itself in the end, should nobody stop it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import Iterator, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import BenchmarkDefinition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import LOOPBACK
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Server, Shell
from ansible_collections.evolve.vm.plugins.module_utils.processes import stat_of

_READY_SECONDS = 20.0
_LONGEST_SECONDS = 24 * 3600
_SPARE_SECONDS = 60
_RECORD = ".servers"


@contextmanager
def served(jobs: Sequence[Job], shell: Shell) -> Iterator[None]:
    """Run what the jobs need on this machine, if it is the one that is measured."""
    found = _servers(jobs) if shell.target == LOOPBACK else []
    running = []
    try:
        for server in found:
            running.append(_start(server, _LONGEST_SECONDS, shell.folder))
            _await(server, running[-1])
        yield
    finally:
        for process in running:
            _kill(process.pid)
            process.wait()


def start_servers(definition: BenchmarkDefinition, directory: str) -> bool:
    """Start on this machine what benchmarks that run elsewhere need, after stopping what is left of before.

    Returns whether there was anything to start. Raises BenchmarkError.
    """
    stop_servers(directory)
    elsewhere = definition.elsewhere()
    servers = _servers([job for benchmark in elsewhere for job in benchmark.jobs])
    seconds = sum(benchmark.timeout_seconds for benchmark in elsewhere) + _SPARE_SECONDS
    started: list[int] = []
    try:
        for server in servers:
            process = _start(server, seconds, "/")
            started.append(process.pid)
            _await(server, process)
        if started:
            with open(directory + _RECORD, "w", encoding="ascii") as file:
                file.write("".join(f"{pid} {_begun(pid)}\n" for pid in started))
    except (BenchmarkError, OSError):
        for pid in started:
            _kill(pid)
        raise
    return bool(started)


def stop_servers(directory: str) -> bool:
    """Stop what `start_servers` has started; returns whether there was anything."""
    try:
        with open(directory + _RECORD, encoding="ascii") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return False
    for line in lines:
        pid, dummy, begun = line.partition(" ")
        # Not another process that has got the number since.
        if pid.isdigit() and begun and _begun(int(pid)) == begun:
            _kill(int(pid))
    os.unlink(directory + _RECORD)
    return True


def _servers(jobs: Sequence[Job]) -> list[Server]:
    found: list[Server] = []
    for server in (job.server() for job in jobs):
        if server is not None and server not in found:
            found.append(server)
    return found


def _start(server: Server, seconds: float, folder: str) -> subprocess.Popen[bytes]:
    program = server.command[0]
    if shutil.which(program) is None:
        raise InfrastructureError(f"the program {program} is not on the machine that is measured. Install it there")
    if _answers(server.port):
        raise InfrastructureError(
            f"port {server.port} is in use on the machine that is measured, and {program} needs it. Stop what listens "
            "there, or give the benchmark another port"
        )
    return subprocess.Popen(
        ["timeout", "--kill-after=5", str(round(seconds)), *server.command],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _await(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Wait until it accepts connections."""
    end = time.monotonic() + _READY_SECONDS
    while True:
        ended = process.poll()
        if ended is not None:
            raise InfrastructureError(f"{' '.join(server.command)} ended with exit code {ended}")
        if _answers(server.port):
            return
        if time.monotonic() > end:
            raise InfrastructureError(f"{' '.join(server.command)} does not answer on port {server.port}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def _kill(pid: int) -> None:
    """End a server with its children, and come back when its port is free."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    end = time.monotonic() + _READY_SECONDS
    while _runs_in_group(pid) and time.monotonic() < end:
        time.sleep(0.02)


def _runs_in_group(group: int) -> bool:
    """Whether a process of the group is more than a zombie."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            found = stat_of(int(name))
            if found is not None and found.group == group and found.state != "Z":
                return True
    return False


def _begun(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty where there is none."""
    found = stat_of(pid)
    return "" if found is None else str(found.started)
