# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers to be configured, for tests: from Debian's packages, on sockets in a folder, stopped and started at will."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def folder_of(user: str) -> Iterator[Path]:
    """A folder that a server's user may enter, which pytest's own are not; user: empty for ourselves."""
    folder = Path(tempfile.mkdtemp(prefix="evolve-app-"))
    try:
        if user:
            shutil.chown(folder, user)
        yield folder
    finally:
        shutil.rmtree(folder)


class PostgreSQLServer:
    """A server in a folder of its own. `options` is what app_config is told of it."""

    USER = "nobody" if os.geteuid() == 0 else ""

    def __init__(self, folder: Path) -> None:
        found = Path("/usr/lib/postgresql").glob("*/bin")
        self.programs = max(found, key=lambda path: float(path.parent.name))
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log"
        self.options: dict[str, Any] = {}
        self.run("initdb", "-D", self.data, "-U", "evolve", "-A", "trust", "--locale=C", "--no-sync")
        self.configure("listen_addresses = ''", f"unix_socket_directories = '{folder}'", "fsync = off")
        self.configure("max_connections = 20", "shared_buffers = 16MB", "max_wal_size = 64MB", "min_wal_size = 32MB")

    @contextmanager
    def running(self) -> Iterator[PostgreSQLServer]:
        """The server, started as it was made, and as it was made again afterwards."""
        config = self.data / "postgresql.conf"
        kept = config.read_bytes()
        self.options = {
            "data_directory": str(self.data),
            "log_file": str(self.log),
            "database_user": "evolve",
            "health_timeout_seconds": 20,
        }
        self.control("start")
        try:
            yield self
        finally:
            if self.is_up():
                self.control("stop")
            config.write_bytes(kept)
            for left in (self.ours, self.data / "postgresql.auto.conf"):
                left.unlink(missing_ok=True)

    @property
    def ours(self) -> Path:
        return self.data / "zz-evolve.conf"

    def configure(self, *lines: str) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def run(self, program: str, *arguments: object) -> str:
        command = [str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(
            ["runuser", "-u", self.USER, "--", *command] if self.USER else command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def control(self, action: str) -> None:
        fast = [] if action == "start" else ["-m", "fast"]
        self.run("pg_ctl", action, "-D", self.data, "-w", "-l", self.log, *fast)

    def is_up(self) -> bool:
        return (self.data / "postmaster.pid").exists()

    def sql(self, statement: str) -> str:
        return self.run(
            "psql", "-X", "-Atq", "-h", self.folder, "-U", "evolve", "-d", "postgres", "-c", statement
        ).strip()

    def show(self, name: str) -> str:
        return self.sql(f"SHOW {name}")

    @property
    def started(self) -> str:
        return self.sql("SELECT pg_postmaster_start_time()")


_RESTART = """#!/bin/sh
mariadb-admin --no-defaults --socket={folder}/socket shutdown 2>/dev/null
mariadbd --defaults-file={folder}/my.cnf >{folder}/output 2>&1 &
server=$!
while kill -0 $server 2>/dev/null; do
    mariadb-admin --no-defaults --socket={folder}/socket --user=root ping >/dev/null 2>&1 && exit 0
    sleep 0.05
done
echo "the server has not come up"
exit 1
"""


class MariaDBServer:
    """A server in a folder of its own. `options` is what app_config is told of it."""

    USER = "mysql" if os.geteuid() == 0 else ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "error.log"
        self.config = folder / "my.cnf"
        self.options: dict[str, Any] = {}
        (folder / "conf.d").mkdir()
        (folder / "restart").write_text(_RESTART.format(folder=folder))
        user = f"user = {self.USER}" if self.USER else ""
        self.config.write_text(
            f"[mysqld]\ndatadir = {folder}/data\nsocket = {folder}/socket\npid-file = {folder}/pid\n{user}\n"
            f"log-error = {self.log}\nskip-networking\nskip-name-resolve\ninnodb_buffer_pool_size = 16M\n"
            "innodb_log_buffer_size = 2M\ninnodb_log_file_size = 8M\nkey_buffer_size = 1M\n"
            f"innodb_flush_log_at_trx_commit = 0\n!includedir {folder}/conf.d/\n"
        )
        command = ["mariadb-install-db", f"--defaults-file={self.config}", "--skip-test-db"]
        command += ["--auth-root-authentication-method=normal", *([f"--user={self.USER}"] if self.USER else [])]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stdout + made.stderr

    @contextmanager
    def running(self) -> Iterator[MariaDBServer]:
        """The server, started as it was made, and as it was made again afterwards."""
        kept = self.config.read_bytes()
        self.options = {
            "defaults_file": str(self.config),
            "socket": str(self.folder / "socket"),
            "user": "root",
            "restart_command": ["sh", str(self.folder / "restart")],
            "health_timeout_seconds": 20,
        }
        self.start()
        try:
            yield self
        finally:
            self.stop()
            self.config.write_bytes(kept)
            for left in (self.folder / "conf.d").iterdir():
                left.unlink()

    @property
    def ours(self) -> Path:
        return self.folder / "conf.d" / "zz-evolve.cnf"

    def start(self) -> None:
        # Not with our pipes, which the server would hold open.
        subprocess.run(
            ["sh", self.folder / "restart"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )

    def stop(self) -> None:
        subprocess.run(
            ["mariadb-admin", "--no-defaults", f"--socket={self.folder}/socket", "--user=root", "shutdown"],
            check=False,
            capture_output=True,
            timeout=60,
        )

    def sql(self, statement: str) -> str:
        command = ["mariadb", "--no-defaults", f"--socket={self.folder}/socket", "--user=root", "-NB", "-e", statement]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    def value(self, name: str) -> str:
        return self.sql(f"SELECT @@GLOBAL.{name}")

    @property
    def starts(self) -> int:
        return self.log.read_text().count("ready for connections")
