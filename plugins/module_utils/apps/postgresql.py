# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL. What it knows, accepts and has in force is asked of the server and its program, never kept in a list."""

from __future__ import annotations

import os
import re
import time
from typing import Any, Collection, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps import drop_in, managed_file, postgresql_cluster, units
from ansible_collections.evolve.vm.plugins.module_utils.apps.asking import same
from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import as_user
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import App, AppError, Known, Setting
from ansible_collections.evolve.vm.plugins.module_utils.apps.postgresql_cluster import Cluster
from ansible_collections.evolve.vm.plugins.module_utils.apps.service import RESTART_TIMEOUT_SECONDS, Service
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value

_FILE = "zz-evolve.conf"  # the last of its folder
_INCLUDE_DIR = re.compile(r"^\s*include_dir\s*=?\s*'([^']+)'", re.MULTILINE | re.IGNORECASE)
_INCLUDE = f"include_if_exists = '{_FILE}'"
_RELOAD_SECONDS = 20.0

_ROWS = """SELECT coalesce(json_agg(row_to_json(found)), '[]') FROM (
    SELECT lower(name) AS name, reset_val AS value, unit, context, vartype, source, sourcefile, sourceline, boot_val
    FROM pg_settings {where}) AS found"""
_ROLES = """SELECT coalesce(json_agg(row_to_json(found)), '[]') FROM (
    SELECT coalesce(r.rolname, 'every role') AS role, coalesce(d.datname, 'every database') AS database,
           lower(split_part(s.line, '=', 1)) AS name
    FROM pg_db_role_setting AS p LEFT JOIN pg_roles AS r ON r.oid = p.setrole
         LEFT JOIN pg_database AS d ON d.oid = p.setdatabase, unnest(p.setconfig) AS s(line)) AS found"""

# Sources that no file of a server comes up against.
_STRONGER = {
    "command line": "the server's command line sets it",
    "environment variable": "an environment variable of the server sets it",
    "global": "a default of the server's program, for all databases, sets it",
}
_SIZES = (("TB", "TiB"), ("GB", "GiB"), ("MB", "MiB"), ("kB", "KiB"), ("B", "B"))
_TIMES = (("d", "d"), ("h", "h"), ("min", "min"), ("s", "s"), ("ms", "ms"), ("us", "us"))
_UNITS = dict([*_SIZES, *_TIMES])


class PostgreSQL(App):
    """A server that this machine runs."""

    OPTIONS = postgresql_cluster.OPTIONS

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self._name = name
        self._cluster = Cluster(options)
        place = self._cluster.place
        self._folder = options.get("include_dir") or _include_dir(place.config_file)
        folder = self._folder or os.path.dirname(place.config_file)
        self._file = os.path.join(folder, _FILE)
        self._up: bool | None = None
        self._rows: dict[str, dict[str, Any]] | None = None
        timeout = options.get("restart_timeout_seconds") or RESTART_TIMEOUT_SECONDS
        version = place.version
        if place.cluster:
            units_known = [f"postgresql@{version}-{place.cluster}"]
            restart = ["pg_ctlcluster", "--skip-systemctl-redirect", version, place.cluster, "restart", "--"]
            restart += ["-t", str(timeout)]
        else:
            units_known = ["postgresql"]
            log = place.log_file or os.path.join(place.data_directory, "evolve-server.log")
            place = place._replace(log_file=log)
            restart = [self._cluster.program("pg_ctl"), "restart", "-D", place.data_directory, "-w", "-t", str(timeout)]
            restart = as_user(self._cluster.user, [*restart, "-m", "fast", "-l", log])
            if os.path.dirname(place.config_file) != place.data_directory:
                restart += ["-o", f"-c config_file={place.config_file}"]
        if "data_directory" in options and "service" not in options:
            units_known = []  # which of the machine's services that may be cannot be known
        self._service = Service(name, options, units_known, restart, log_file=place.log_file)

    def known(self, names: Collection[str]) -> dict[str, Known]:
        contexts = self._contexts()
        for name in names:
            # Not all that exist are listed by a program that is not running.
            if name.lower() not in contexts and not self._is_up() and self._cluster.value(name) is not None:
                contexts[name.lower()] = "postmaster"
        return {
            name: Known("restart" if contexts[name.lower()] in ("postmaster", "internal") else "reload")
            for name in names
            if name.lower() in contexts
        }

    def names(self) -> Collection[str]:
        return self._contexts()

    def faults(self, target: Mapping[Setting, Value]) -> list[str]:
        faults, lines = [], {}
        target = {setting: value for setting, value in target.items() if not self._has(setting, value)}
        for setting, value in target.items():
            try:
                text = self._text(setting, value)
                self._raw(setting, value)
                reason = self._out_of_reach(setting)
            except units.UnitError as error:
                reason = str(error)
            if reason:
                faults.append(f"{setting.parameter}: {reason}.")
            else:
                lines[setting.name] = text
        parameters = {setting.name.lower(): setting.parameter for setting in target}
        for refusal in self._cluster.refusals_of(lines) if lines else []:
            named = re.search(r'parameter "([^"]+)"', refusal)
            parameter = parameters.get(named[1].lower()) if named else None
            faults.append(f"{parameter or self._name}: PostgreSQL refuses the value: {refusal}.")
        return faults + self._set_for_roles(target)

    def read(self, settings: Sequence[Setting]) -> dict[str, Value]:
        self._rows = None  # as it is now
        rows = self._settings()
        missing = [setting.name for setting in settings if setting.name.lower() not in rows]
        if missing:
            raise AppError(f"{self._name}: the server has no {', '.join(missing)}.")
        return {setting.parameter: _value(setting, rows[setting.name.lower()]) for setting in settings}

    def files(self, target: Mapping[Setting, Value]) -> dict[str, bytes | None]:
        deviations = drop_in.lines(managed_file.read(self._file))
        for setting, value in target.items():
            name = setting.name.lower()
            was = deviations[name].was if name in deviations else self._in_force(name)
            if was is not None and self._raw(setting, value) == was:
                deviations.pop(name, None)
            else:
                deviations[name] = drop_in.Line(self._text(setting, value), was)
        files = {self._file: drop_in.rendered(deviations)}
        if not self._folder:
            config = self._cluster.place.config_file
            files[config] = drop_in.including(managed_file.read(config) or b"", _INCLUDE, bool(deviations))
        return files

    def check(self) -> str:
        return "\n".join(self._cluster.refusals())

    def is_running(self) -> bool:
        self._rows = None
        self._up = self._cluster.answers()
        return self._up

    def reload(self, target: Mapping[Setting, Value]) -> None:
        loaded = "SELECT to_json(pg_conf_load_time())"
        before = self._cluster.query(loaded)
        self._cluster.query("SELECT to_json(pg_reload_conf())")
        # A new session has what the server had read when it was made.
        patience = time.monotonic() + _RELOAD_SECONDS
        while self._cluster.query(loaded) == before:
            if time.monotonic() > patience:
                raise AppError(f"the server has not read its files again in {_RELOAD_SECONDS:g} s")
            time.sleep(0.05)

    def restart(self) -> None:
        self._rows = self._up = None
        self._service.restart()

    def origin(self, setting: Setting) -> str:
        row = self._settings().get(setting.name.lower(), {})
        if row.get("source") in _STRONGER:
            return _STRONGER[row["source"]]
        if row.get("sourcefile") and row["sourcefile"] != self._file:
            return f"line {row['sourceline']} of {row['sourcefile']} sets it"
        return f"its source is: {row['source']}" if row.get("source") not in (None, "configuration file") else ""

    def version(self) -> str:
        return self._cluster.postgres("--version").output.strip().rpartition(" (")[0].rpartition(" ")[2]

    def last_words(self) -> str:
        return self._service.last_words()

    def stopped_on_purpose(self) -> bool:
        return self._service.stopped_on_purpose()

    def _is_up(self) -> bool:
        return self.is_running() if self._up is None else self._up

    def _settings(self) -> dict[str, dict[str, Any]]:
        """Name -> row of pg_settings, of the running server."""
        if self._rows is None:
            self._rows = {row["name"]: row for row in self._cluster.query(_ROWS.format(where=""))}
        return self._rows

    def _contexts(self) -> dict[str, str]:
        if self._is_up():
            return {name: row["context"] for name, row in self._settings().items()}
        return {name.lower(): context for name, context in self._cluster.described().items()}

    def _in_force(self, name: str) -> str | None:
        """The value there is without us, in the server's own unit; None where it cannot be known."""
        if self._is_up():
            row = self._settings().get(name)
            return None if row is None else _raw_value(row)
        return self._cluster.value(name)

    def _has(self, setting: Setting, value: Value) -> bool:
        """Whether the server has this value in force: nothing has to be said to anybody then."""
        try:
            return self._is_up() and same(_value(setting, self._settings()[setting.name.lower()]), value)
        except AppError:
            return False

    def _raw(self, setting: Setting, value: Value) -> str | None:
        """What pg_settings shows for the value; None where it is refused. Raises UnitError."""
        if not self._is_up():
            return self._cluster.value(setting.name, _unquoted(self._text(setting, value)))
        row = self._settings().get(setting.name.lower(), {})
        vartype = row.get("vartype")
        if vartype == "bool":
            return {"on": "on", "true": "on", "yes": "on", "1": "on"}.get(_word(value), "off")
        if vartype not in ("integer", "real") or _is_negative(value):
            return _word(value) if vartype == "enum" else _plain(value)
        step, unit = _base(row.get("unit"))
        if setting.unit and not unit and units.kind(setting.unit) != "share":
            raise units.UnitError(f"{setting.name} is not counted in {setting.unit}, but is a bare number")
        if not setting.unit:
            step, unit = 1, ""
        to = unit or ("share" if setting.unit else "")
        if vartype == "integer":
            return str(units.whole(value, setting.unit, to, step) // step)
        return format(units.number(units.convert(value, setting.unit, to) / step), "g")

    def _text(self, setting: Setting, value: Value) -> str:
        """The value as the file has it: quoted, with a unit of PostgreSQL's. Raises UnitError."""
        text = _plain(value)
        if "\n" in text or "\0" in text:
            raise units.UnitError(f"found {text!r}, expected one line")
        # Negative numbers are no amounts: they say that something is off, or up to the server.
        if setting.unit and not _is_negative(value):
            kind = units.kind(setting.unit)
            if kind == "share":
                text = _plain(units.number(units.convert(value, setting.unit, "share")))
            else:
                own = _SIZES if kind == "size" else _TIMES
                for suffix, unit in own:
                    amount = units.convert(value, setting.unit, unit)
                    if amount.denominator == 1:
                        text = f"{amount}{suffix}" if amount else "0"
                        break
                else:
                    raise units.UnitError(f"{value} {setting.unit} is finer than PostgreSQL counts")
        return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

    def _out_of_reach(self, setting: Setting) -> str:
        """Why a file cannot set it, as a clause; empty where it can."""
        context = self._contexts().get(setting.name.lower())
        if context == "internal":
            return "it is fixed when the server is built or its data directory made"
        if not self._is_up():
            return ""
        row = self._settings().get(setting.name.lower(), {})
        if row.get("source") in _STRONGER:
            return f"{_STRONGER[row['source']]}, which no file comes up against"
        if os.path.basename(row.get("sourcefile") or "") == "postgresql.auto.conf":
            return (
                f"postgresql.auto.conf sets it, which counts more than any other file: ALTER SYSTEM RESET {row['name']}"
            )
        return ""

    def _set_for_roles(self, target: Mapping[Setting, Value]) -> list[str]:
        if not self._is_up():
            return []
        parameters = {setting.name.lower(): setting.parameter for setting in target}
        return [
            f"{parameters[row['name']]}: {row['role']} in {row['database']} has a value of its own for {row['name']} "
            "(ALTER ROLE or ALTER DATABASE ... SET), which counts more than any file: reset it."
            for row in self._cluster.query(_ROLES)
            if row["name"] in parameters
        ]


def _include_dir(config_file: str) -> str:
    """The last folder that the file includes and that is there; empty without one."""
    text = (managed_file.read(config_file) or b"").decode("utf-8", "replace")
    folders = [os.path.join(os.path.dirname(config_file), found) for found in _INCLUDE_DIR.findall(text)]
    return next((folder for folder in reversed(folders) if os.path.isdir(folder)), "")


def _raw_value(row: Mapping[str, Any]) -> str:
    # What the server has worked out for itself, having been told to by -1.
    if row["boot_val"] == "-1" and row["source"] in ("default", "override", "dynamic default"):
        return "-1"
    return str(row["value"] if row["value"] is not None else "")


def _value(setting: Setting, row: Mapping[str, Any]) -> Value:
    """A row of pg_settings in the parameter's unit."""
    text = _raw_value(row)
    if row["vartype"] == "bool":
        return text == "on"
    if row["vartype"] not in ("integer", "real"):
        return text
    amount = units.exact(text)
    step, unit = _base(row["unit"])
    if setting.unit and amount >= 0:
        try:
            amount = units.convert(amount * step, unit or "share", setting.unit)
        except units.UnitError as error:
            raise AppError(f"{setting.parameter}: {error}.") from error
    return units.number(amount)


def _base(unit: str | None) -> tuple[int, str]:
    """What pg_settings calls a unit, such as 8kB, as 8 and KiB."""
    match = re.match(r"^(\d*)(\D+)$", unit or "")
    if not match:
        return 1, ""
    return int(match[1] or 1), _UNITS.get(match[2], "")


def _is_negative(value: Value) -> bool:
    return str(value).lstrip().startswith("-")


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _word(value: Value) -> str:
    return _plain(value).strip().lower()


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'").replace("\\\\", "\\")
