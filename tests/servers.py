# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers to throw away, for tests: of Debian's packages, on loopback or sockets, with nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.evolve.vm.plugins.module_utils.apps import nginx_processes

START_SECONDS = 30


def program(name: str, package: str) -> str:
    """The path of a program of a Debian package."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"the tests need {name}; as root: apt-get install {package}")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_true: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def pid_in(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def end_process(pid: int | None) -> None:
    """End a process that need not be a child of ours."""
    if pid is None:
        return
    for number, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not is_alive(pid):
                return
            time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process still runs; what waits to be fetched by its parent does not."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def nginx_server(folder: Path, config: str) -> Iterator[Path]:
    """An nginx with this configuration, where @folder@ and @port@ are filled in; gives the path of its file."""
    path = folder / "nginx.conf"
    path.write_bytes(config.replace("@folder@", str(folder)).replace("@port@", str(free_port())).encode())
    nginx = program("nginx", "nginx-light")
    subprocess.run([nginx, "-c", path], check=True)
    pid_file = folder / "nginx.pid"
    try:
        # It writes its process id a moment before it listens and has workers.
        wait_until(lambda: (pid := pid_in(pid_file)) is not None and bool(nginx_processes.workers(pid)))
        yield path
    finally:
        end_process(pid_in(pid_file))


@contextmanager
def redis_server(folder: Path, config: str) -> Iterator[tuple[Path, Path]]:
    """A Redis with this configuration, where @folder@ is filled in; gives its file and a program that restarts it."""
    path, pid_file, restart = folder / "redis.conf", folder / "redis.pid", folder / "restart"
    path.write_bytes(config.replace("@folder@", str(folder)).encode())
    server = program("redis-server", "redis-server")
    restart.write_text(
        f"""#!/bin/sh
pid=$(cat {pid_file} 2>/dev/null) && kill "$pid" 2>/dev/null && while [ -e /proc/$pid/exe ]; do sleep 0.02; done
rm -f {pid_file}
{server} {path} --daemonize yes --pidfile {pid_file} --logfile {folder}/redis.log
for turn in $(seq 100); do test -s {pid_file} && exit 0; sleep 0.02; done
tail -n 3 {folder}/redis.log >&2
exit 1
"""
    )
    restart.chmod(0o755)
    try:
        subprocess.run([restart], check=True)
        yield path, restart
    finally:
        end_process(pid_in(pid_file))


JAVA = """public class Service {
    public static void main(String[] words) throws Exception {
        // It asks for memory of its own that is no part of the heap: with a large heap there is none left.
        if (Runtime.getRuntime().maxMemory() > 300L * 1024 * 1024) {
            System.err.println("this service cannot live with a heap of more than 300 MiB");
            System.exit(3);
        }
        Thread.sleep(600000);
    }
}
"""


@contextmanager
def java_service(folder: Path, start: str) -> Iterator[tuple[Path, Path]]:
    """A Java program that is started by the shell line `start`, where @java@ and @folder@ are filled in.

    Gives the files with its process id and a program that restarts it. The line ends with @run@ for the program.
    """
    (folder / "Service.java").write_text(JAVA)
    subprocess.run([program("javac", "default-jdk-headless"), "-d", folder, folder / "Service.java"], check=True)
    pid_file, restart = folder / "service.pid", folder / "restart"
    line = start.replace("@run@", "-cp @folder@ Service").replace("@folder@", str(folder))
    restart.write_text(
        f"""#!/bin/sh
pid=$(cat {pid_file} 2>/dev/null) && kill "$pid" 2>/dev/null && while [ -e /proc/$pid/exe ]; do sleep 0.02; done
{line.replace("@java@", program("java", "default-jdk-headless"))} >{folder}/log 2>&1 &
echo $! >{pid_file}
"""
    )
    restart.chmod(0o755)
    try:
        subprocess.run([restart], check=True)
        yield pid_file, restart
    finally:
        end_process(pid_in(pid_file))
