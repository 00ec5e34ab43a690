# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a PostgreSQL server of this machine has its things, and how to speak with it and with its programs."""

from __future__ import annotations

import glob
import json
import os
import pwd
import re
import shutil
import tempfile
from typing import Any, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import Completed, as_user, run, tail
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError

OPTIONS: Mapping[str, str] = {
    "cluster": "str",
    "data_directory": "path",
    "config_file": "path",
    "include_dir": "path",
    "bin_directory": "path",
    "log_file": "path",
    "socket_directory": "str",
    "port": "int",
    "become_user": "str",
    "database_user": "str",
    "database": "str",
}
_CONNECT_SECONDS = "5"
_MESSAGE = re.compile(r"\b(?P<kind>LOG|WARNING|ERROR|FATAL|PANIC|HINT|DETAIL):\s+(?P<text>.*)$")
# What is said besides the reasons.
_SUMMARY = re.compile(r'^configuration file ".*" contains errors$')
_REMARK = re.compile(r"^skipping missing configuration file ")


class Place(NamedTuple):
    """version, cluster: as Debian names a server, empty where it is not one of Debian's."""

    version: str
    cluster: str
    data_directory: str
    config_file: str
    log_file: str


class Cluster:
    """One server. Raises AppError where there is none, or several and none is named."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.place = _find(options)
        self._bin = options.get("bin_directory") or _programs(self.place)
        self.user = options.get("become_user") or _owner(self.place.data_directory)
        self._database = options.get("database", "postgres")
        self._database_user = options.get("database_user") or self.user
        self._socket = options.get("socket_directory", "")
        self._port = options.get("port")

    def program(self, name: str) -> str:
        """The path of one of its programs. Raises AppError where it is not installed."""
        path = os.path.join(self._bin, name)
        found = path if os.access(path, os.X_OK) else shutil.which(name)
        if not found:
            raise AppError(f"PostgreSQL's program {name} is neither in {self._bin} nor on the path.")
        return found

    def postgres(self, *arguments: str) -> Completed:
        """What the server's program says, which is not started as a server for that."""
        command = as_user(self.user, [self.program("postgres"), *arguments])
        return run(command, environment={"LC_ALL": "C"})

    def value(self, name: str, given: str | None = None) -> str | None:
        """The value a start would give a setting, in the server's own unit, the server running or not.

        given: a value for it, as in the file, in place of that in the files. None where there is no such setting, or
        the files are refused.
        """
        other = ("-c", f"{name}={given}") if given is not None else ()
        done = self.postgres("-C", name, *self._where(), *other)
        return None if done.code else done.output.rstrip("\n")

    def refusals(self, config_file: str | None = None) -> list[str]:
        """Why the server does not accept its files, or another, as it says it: all reasons."""
        done = self.postgres("-C", "data_directory", *self._where(config_file))
        if not done.code:
            return []
        said: list[str] = []
        for line in done.errors.splitlines():
            match = _MESSAGE.search(line)
            if match and match["kind"] in ("HINT", "DETAIL") and said:
                said[-1] += f". {match['text'].rstrip('.')}"
            elif match and not _REMARK.match(match["text"]) and not (said and _SUMMARY.match(match["text"])):
                said.append(match["text"])
        return said or [done.said or f"postgres ended with exit code {done.code}"]

    def refusals_of(self, lines: Mapping[str, str]) -> list[str]:
        """Why the server would not accept these settings, of all its files' lines only these; name -> value."""
        handle, path = tempfile.mkstemp(prefix="evolve-", suffix=".conf")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(f"{name} = {value}\n" for name, value in lines.items())
            if os.geteuid() == 0:
                os.chown(path, pwd.getpwnam(self.user).pw_uid, -1)
            return self.refusals(path)
        finally:
            os.unlink(path)

    def described(self) -> dict[str, str]:
        """Setting -> its context, as the program knows them; those not meant for files are not among them."""
        done = self.postgres("--describe-config")
        rows = [line.split("\t") for line in done.output.splitlines()]
        described = {row[0]: row[1] for row in rows if len(row) > 2}
        if not described:
            raise AppError(f"PostgreSQL's program lists no settings: {done.said}")
        return described

    def query(self, sql: str) -> Any:
        """The one value, in JSON, that the statement gives; None without a row. Raises AppError."""
        done = self._psql(sql)
        if done.code:
            raise AppError(f"PostgreSQL answers: {tail(done.errors, 3)}")
        return json.loads(done.output) if done.output.strip() else None

    def answers(self) -> bool:
        """Whether it is up. Raises AppError where it is, but lets us not in: to start it would be no remedy."""
        host, port = self._address()
        for dummy in range(2):
            done = self._psql("SELECT 1")
            if not done.code:
                return True
            # Not yet, no longer, or not at all. It may have come up between the two: then one is let in the next time.
            if run([self.program("pg_isready"), "-q", "-h", host, "-p", port]).code:
                return False
        raise AppError(
            f"PostgreSQL runs but does not let us in as {self._database_user}: {tail(done.errors, 3)}. "
            "See the options become_user, database_user and database."
        )

    def _psql(self, sql: str) -> Completed:
        host, port = self._address()
        command = [self.program("psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", self._database]
        command += ["-h", host, "-p", port, "-U", self._database_user, "-w"]
        # A limit that is itself being tried must not keep us from reading it.
        environment = {"LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": _CONNECT_SECONDS, "PGCLIENTENCODING": "UTF8"}
        return run(as_user(self.user, command), stdin=f"SET statement_timeout = 0;\n{sql};\n", environment=environment)

    def _address(self) -> tuple[str, str]:
        """Socket directory, or host, and port: of the server that runs, else those it would have."""
        try:
            with open(os.path.join(self.place.data_directory, "postmaster.pid"), encoding="utf-8") as file:
                running = [line.strip() for line in file][3:6]
        except OSError:
            running = []
        port, socket, host = (running + [""] * 3)[:3]
        port = str(self._port or port or self.value("port") or 5432)
        socket = self._socket or socket or (self.value("unix_socket_directories") or "").split(",")[0].strip(" \"'")
        if not socket:
            socket = "127.0.0.1" if host in ("", "*", "0.0.0.0") else host
        return socket, port

    def _where(self, config_file: str | None = None) -> list[str]:
        path = config_file or self.place.config_file
        return ["-D", self.place.data_directory, "-c", f"config_file={path}"]


def _find(options: Mapping[str, Any]) -> Place:
    data, config = options.get("data_directory", ""), options.get("config_file", "")
    log = options.get("log_file", "")
    if not data:
        place = _debian(options.get("cluster", ""))
        if place is not None:
            return place._replace(config_file=config or place.config_file, log_file=log or place.log_file)
        found = [path for path in ["/var/lib/pgsql/data", *glob.glob("/var/lib/pgsql/*/data")] if _is_data(path)]
        if len(found) != 1:
            several = (
                f"There are several data directories ({', '.join(found)})" if found else "No server was found here"
            )
            raise AppError(f"{several}. Say which in apps.postgresql: data_directory, and config_file if not in it.")
        data = found[0]
    if not _is_data(data):
        raise AppError(f"{data} is no data directory of PostgreSQL: it has no file PG_VERSION that can be read.")
    config = config or os.path.join(data, "postgresql.conf")
    if not os.path.isfile(config):
        raise AppError(f"{config} does not exist. Say where it is in apps.postgresql.config_file.")
    return Place("", "", data, config, log)


def _debian(wanted: str) -> Place | None:
    """The cluster of that name, such as 15/main, or the only one there is."""
    if not shutil.which("pg_lsclusters"):
        return None
    rows = [line.split() for line in run(["pg_lsclusters", "--no-header"]).output.splitlines()]
    found = {f"{row[0]}/{row[1]}": row for row in rows if len(row) >= 6}
    if wanted and wanted not in found:
        raise AppError(f"There is no cluster {wanted}. pg_lsclusters knows: {', '.join(found) or 'none'}.")
    if not wanted and len(found) > 1:
        raise AppError(f"There are several clusters: {', '.join(found)}. Say which in apps.postgresql.cluster.")
    if not found:
        return None
    row = found[wanted or next(iter(found))]
    log = " ".join(row[6:])
    folder = f"/etc/postgresql/{row[0]}/{row[1]}"
    return Place(row[0], row[1], row[5], f"{folder}/postgresql.conf", log if log.startswith("/") else "")


def _is_data(path: str) -> bool:
    return os.path.isfile(os.path.join(path, "PG_VERSION"))


def _owner(path: str) -> str:
    uid = os.stat(path).st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise AppError(f"{path} belongs to user id {uid}, who has no name. Say become_user.") from None


def _programs(place: Place) -> str:
    version = place.version
    if not version:
        with open(os.path.join(place.data_directory, "PG_VERSION"), encoding="utf-8") as file:
            version = file.read().strip()
    found = [
        path for path in (f"/usr/lib/postgresql/{version}/bin", f"/usr/pgsql-{version}/bin") if os.path.isdir(path)
    ]
    return found[0] if found else "/usr/bin"
