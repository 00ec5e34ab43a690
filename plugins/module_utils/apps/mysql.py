# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MySQL and MariaDB. What they know, accept and have in force is asked of the server and its program."""

from __future__ import annotations

import os
import re
import time
from typing import Any, Collection, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps import drop_in, managed_file, mysql_server, units
from ansible_collections.evolve.vm.plugins.module_utils.apps.asking import same
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import App, AppError, Known, Setting
from ansible_collections.evolve.vm.plugins.module_utils.apps.mysql_server import Server
from ansible_collections.evolve.vm.plugins.module_utils.apps.service import Service
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value

_RESIZE_SECONDS = 60.0

_MARIADB = """SELECT JSON_OBJECT('name', LOWER(VARIABLE_NAME), 'value', GLOBAL_VALUE, 'type', VARIABLE_TYPE,
    'minimum', NUMERIC_MIN_VALUE, 'maximum', NUMERIC_MAX_VALUE, 'step', NUMERIC_BLOCK_SIZE, 'words', ENUM_VALUE_LIST,
    'fixed', READ_ONLY = 'YES', 'option', COMMAND_LINE_ARGUMENT IS NOT NULL, 'origin', GLOBAL_VALUE_ORIGIN,
    'path', GLOBAL_VALUE_PATH)
    FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_SCOPE <> 'SESSION ONLY'"""
_MYSQL = """SELECT JSON_OBJECT('name', LOWER(i.VARIABLE_NAME), 'value', g.VARIABLE_VALUE, 'minimum', i.MIN_VALUE,
    'maximum', i.MAX_VALUE, 'origin', i.VARIABLE_SOURCE, 'path', i.VARIABLE_PATH)
    FROM performance_schema.variables_info AS i JOIN performance_schema.global_variables AS g USING (VARIABLE_NAME)"""
_READ_ONLY = "1238"
_NUMBERS = ("BIGINT", "INT", "DOUBLE")

# Sizes are counted in bytes throughout, and parts in per cent; times in seconds but for these.
_TIMES = {
    "adaptive_max_sleep_delay": "us",
    "aria_group_commit_interval": "us",
    "binlog_group_commit_sync_delay": "us",
    "binlog_commit_wait_usec": "us",
    "deadlock_timeout_long": "us",
    "deadlock_timeout_short": "us",
    "innodb_adaptive_max_sleep_delay": "us",
    "innodb_old_blocks_time": "ms",
    "innodb_thread_sleep_delay": "us",
    "max_execution_time": "ms",
    "rpl_semi_sync_master_timeout": "ms",
    "thread_pool_prio_kickup_timer": "ms",
    "thread_pool_stall_limit": "ms",
}


class MySQL(App):
    """A server of either kind that this machine runs."""

    OPTIONS = mysql_server.OPTIONS

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self._name = name
        self._server = Server(options)
        self._include_in = ""
        self._file = options.get("option_file", "")
        if not self._file:
            folder, main = self._server.folder()
            self._include_in = "" if folder else main
            self._file = os.path.join(folder or os.path.dirname(main), mysql_server.FILE)
        log = options.get("log_file", "") or self._log_file()
        units_known = [] if options.get("defaults_file") else ["mariadb", "mysql", "mysqld"]
        restart = [] if options.get("defaults_file") else mysql_server.init_script()
        self._service = Service(name, options, units_known, restart, log_file=log)
        self._kind = "MariaDB" if self._server.is_mariadb else "MySQL"
        self._up: bool | None = None
        self._rows: dict[str, dict[str, Any]] | None = None
        self._options: dict[str, str | None] | None = None

    def known(self, names: Collection[str]) -> dict[str, Known]:
        if not self._is_up():
            return {name: Known("restart") for name in names if _own(name) in self._stopped()}
        rows = self._variables()
        known = {}
        for name in names:
            if _own(name) in rows:
                known[name] = Known("restart" if self._is_fixed(rows[_own(name)]) else "live")
        return known

    def names(self) -> Collection[str]:
        return self._variables() if self._is_up() else self._stopped()

    def faults(self, target: Mapping[Setting, Value]) -> list[str]:
        faults, lines = [], {}
        for setting, value in target.items():
            if self._has(setting, value):
                continue  # nothing has to be said to anybody
            try:
                text = self._text(setting, value)
                reason = self._reason_against(setting, value)
            except units.UnitError as error:
                reason = str(error)
            if reason:
                faults.append(f"{setting.parameter}: {reason}.")
            else:
                lines[_own(setting.name)] = text
        parameters = {_own(setting.name): setting.parameter for setting in target}
        for refusal in self._server.refusals_of(lines) if lines else []:
            named = [name for name in re.findall(r"[A-Za-z_][\w-]+", refusal) if _own(name) in parameters]
            if not named and refusal.startswith("Parsing options for plugin"):
                continue  # the reason stands in another line
            where = parameters[_own(named[0])] if named else self._name
            faults.append(f"{where}: {self._kind} refuses the value: {refusal}.")
        return faults

    def read(self, settings: Sequence[Setting]) -> dict[str, Value]:
        self._rows = None  # as it is now
        rows = self._variables()
        missing = [setting.name for setting in settings if _own(setting.name) not in rows]
        if missing:
            raise AppError(f"{self._name}: the server has no {', '.join(missing)}.")
        try:
            return {setting.parameter: _value(setting, rows[_own(setting.name)]) for setting in settings}
        except units.UnitError as error:
            raise AppError(f"{self._name}: {error}.") from error

    def files(self, target: Mapping[Setting, Value]) -> dict[str, bytes | None]:
        deviations = drop_in.lines(managed_file.read(self._file))
        for setting, value in target.items():
            name = _own(setting.name)
            was = deviations[name].was if name in deviations else self._in_force(name)
            if was is not None and same(self._literal(setting, value), was):
                deviations.pop(name, None)
            else:
                deviations[name] = drop_in.Line(self._text(setting, value), was)
        files = {self._file: drop_in.rendered(deviations, "[mysqld]")}
        if self._include_in:
            content = managed_file.read(self._include_in) or b""
            files[self._include_in] = drop_in.including(content, f"!include {self._file}", bool(deviations))
        return files

    def check(self) -> str:
        ours = drop_in.lines(managed_file.read(self._file))
        given = self._server.given() if ours else {}
        # What is set live would be lost with the next start, unnoticed.
        overridden = [
            f"{name}: a file that is read after {self._file} sets it to {given[name]}"
            for name, line in ours.items()
            if name in given and not same(given[name], _unquoted(line.text))
        ]
        return "\n".join([*self._server.refusals(), *overridden])

    def is_running(self) -> bool:
        self._rows = None
        self._up = self._server.answers()
        return self._up

    def reload(self, target: Mapping[Setting, Value]) -> None:
        rows = self._variables()
        statements = [
            f"SET GLOBAL {_own(setting.name)} = {_sql(self._literal(setting, value), rows[_own(setting.name)])}"
            for setting, value in target.items()
        ]
        self._server.execute(statements)
        if any(_own(setting.name) == "innodb_buffer_pool_size" for setting in target):
            self._wait_until_resized()

    def restart(self) -> None:
        self._rows = self._up = self._options = None
        self._service.restart()

    def origin(self, setting: Setting) -> str:
        row = self._variables().get(_own(setting.name), {})
        if row.get("path") and row["path"] != self._file:
            return f"{row['path']} sets it"
        # It has taken the value and made another of it.
        return f"{self._kind} has rounded or limited the value" if row.get("type", "").startswith(_NUMBERS) else ""

    def version(self) -> str:
        return self._server.version

    def last_words(self) -> str:
        return self._service.last_words()

    def stopped_on_purpose(self) -> bool:
        return self._service.stopped_on_purpose()

    def _is_up(self) -> bool:
        return self.is_running() if self._up is None else self._up

    def _variables(self) -> dict[str, dict[str, Any]]:
        """Name -> what the running server says of a variable."""
        if self._rows is None:
            rows = self._server.rows(_MARIADB if self._server.is_mariadb else _MYSQL)
            self._rows = {row["name"]: row for row in rows}
        return self._rows

    def _stopped(self) -> dict[str, str | None]:
        """Name -> value that a start would give it."""
        if self._options is None:
            self._options = self._server.options()
        return self._options

    def _is_fixed(self, row: dict[str, Any]) -> bool:
        """Whether the variable cannot be set while the server runs."""
        if "fixed" not in row:
            # MySQL keeps no list of them. To be given the value that it has changes nothing.
            try:
                self._server.execute([f"SET GLOBAL {row['name']} = @@GLOBAL.{row['name']}"])
                row["fixed"] = False
            except AppError as error:
                row["fixed"] = _READ_ONLY in str(error)
        return bool(row["fixed"])

    def _has(self, setting: Setting, value: Value) -> bool:
        """Whether the server has this value in force."""
        try:
            return self._is_up() and same(_value(setting, self._variables()[_own(setting.name)]), value)
        except units.UnitError:
            return False

    def _reason_against(self, setting: Setting, value: Value) -> str:
        """Why the value cannot be had, as a clause; empty where nothing is known against it."""
        if not self._is_up():
            return ""
        row = self._variables()[_own(setting.name)]
        if not row.get("option", True):
            return "no file can set it, for it is no option of the server"
        if row.get("origin") in ("COMMAND-LINE", "COMMAND_LINE"):
            return "the server's command line sets it, which counts more than any file"
        if row.get("origin") == "PERSISTED":
            return f"it is persisted in {row['path']}, which counts more than any file: RESET PERSIST {row['name']}"
        literal = self._literal(setting, value)
        minimum, maximum, step = row.get("minimum"), row.get("maximum"), int(row.get("step") or 0)
        if not str(row.get("type", "")).startswith(_NUMBERS):
            return ""
        number = units.exact(literal)
        if minimum is not None and maximum is not None and not units.exact(minimum) <= number <= units.exact(maximum):
            return f"{literal} is outside what {self._kind} accepts, which is {minimum} to {maximum}"
        if step > 1 and number % step:
            below = int(number // step * step)
            return f"{literal} is not a multiple of {step}; the nearest are {below} and {below + step}"
        return ""

    def _literal(self, setting: Setting, value: Value) -> Value:
        """The value in what the server counts in. Raises UnitError."""
        name = _own(setting.name)
        if isinstance(value, str) and ("\n" in value or "\0" in value):
            raise units.UnitError(f"found {value!r}, expected one line")
        kind = str(self._variables().get(name, {}).get("type", "")) if self._is_up() else ""
        is_number = kind.startswith(_NUMBERS)
        if kind == "BOOLEAN" and not any(same(value, each) for each in (True, False)):
            raise units.UnitError(f"found {value!r}, expected true or false")
        if not setting.unit or str(value).startswith("-"):
            if not is_number:
                return value
            number = units.exact(value)
            if number.denominator != 1 and not kind.startswith("DOUBLE"):
                raise units.UnitError(f"found {value}, expected a whole number")
            return units.number(number)
        if kind and not is_number:
            raise units.UnitError(f"{name} is not counted in {setting.unit}: it is no number")
        to = _unit(name, setting.unit)
        return (
            units.number(units.convert(value, setting.unit, to))
            if kind.startswith("DOUBLE")
            else units.whole(value, setting.unit, to)
        )

    def _text(self, setting: Setting, value: Value) -> str:
        """The value as an option file has it."""
        literal = self._literal(setting, value)
        if isinstance(literal, bool):
            return "ON" if literal else "OFF"
        return _quoted(str(literal))

    def _in_force(self, name: str) -> str | None:
        if self._is_up():
            value = self._variables()[name]["value"]
            return None if value is None else str(value)
        return {"TRUE": "ON", "FALSE": "OFF"}.get(self._stopped().get(name) or "", self._stopped().get(name))

    def _wait_until_resized(self) -> None:
        """InnoDB does so in the background, and says what came of it."""
        query = (
            "SELECT JSON_OBJECT('said', VARIABLE_VALUE) FROM {schema}.GLOBAL_STATUS "
            "WHERE VARIABLE_NAME = 'Innodb_buffer_pool_resize_status'"
        ).format(schema="information_schema" if self._server.is_mariadb else "performance_schema")
        patience = time.monotonic() + _RESIZE_SECONDS
        while True:
            rows = self._server.rows(query)
            said = str(rows[0]["said"] or "") if rows else ""
            if re.search(r"fail|cannot|could not|insufficient", said, re.IGNORECASE):
                raise AppError(f"InnoDB does not resize its buffer pool: {said}")
            if not said or "ompleted" in said or "already" in said:
                return
            if time.monotonic() > patience:
                raise AppError(f"InnoDB has not resized its buffer pool in {_RESIZE_SECONDS:g} s: {said}")
            time.sleep(0.1)

    def _log_file(self) -> str:
        options = self._server.options()
        log, data = options.get("log_error") or "", options.get("datadir") or ""
        return os.path.join(data, log) if log and log != "stderr" else ""


def _quoted(text: str) -> str:
    """As an option file has a value that is more than a word."""
    if re.fullmatch(r"[\w.,:/+=-]*", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def _own(name: str) -> str:
    # Option files take either; variables have underscores.
    return name.lower().replace("-", "_")


def _unit(name: str, unit: str) -> str:
    """What the server counts the variable in, where the parameter is in `unit`."""
    kind = units.kind(unit)
    if kind == "time":
        return _TIMES.get(name, "us" if name.endswith("_usec") else "s")
    return {"size": "B", "share": "%"}[kind]


def _value(setting: Setting, row: Mapping[str, Any]) -> Value:
    """What the server shows of a variable, in the parameter's unit."""
    text = "" if row["value"] is None else str(row["value"])
    kind = str(row.get("type") or "")
    # MySQL says of no variable what it is: what looks like one is one.
    if kind == "BOOLEAN" or (not kind and text in ("ON", "OFF")):
        return text == "ON"
    if kind and not kind.startswith(_NUMBERS):
        return text
    try:
        number = units.exact(text)
    except units.UnitError:
        return text
    if setting.unit and number >= 0:
        number = units.convert(number, _unit(_own(setting.name), setting.unit), setting.unit)
    return units.number(number)


def _sql(literal: Value, row: Mapping[str, Any]) -> str:
    if isinstance(literal, bool):
        return "ON" if literal else "OFF"
    kind = str(row.get("type") or "")
    if isinstance(literal, (int, float)) or kind.startswith(_NUMBERS):
        return str(literal)
    if kind == "BOOLEAN":
        return "ON" if same(literal, True) else "OFF"
    return "'" + str(literal).replace("\\", "\\\\").replace("'", "''") + "'"
