# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any other application, as its user describes it: a template that the controller renders, and commands.

A file made of a template cannot hold what was there before it. That is kept in a record beside what this collection
knows of the machine: the original bytes, the values before, and those of the file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shlex
from typing import Any, ClassVar, Collection, Mapping, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps import managed_file, service
from ansible_collections.evolve.vm.plugins.module_utils.apps.asking import same
from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import Completed, run
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import App, AppError, Known, Setting
from ansible_collections.evolve.vm.plugins.module_utils.apps.service import Service
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value, shown

_TIERS = ("reload", "restart")
_COMMAND_SECONDS = 60.0


class Record(NamedTuple):
    """original: what the file held before ours; None where it was not there. digest: of what we have written."""

    original: bytes | None
    was: dict[str, Value]
    values: dict[str, Value]
    digest: str


class Custom(App):
    """An application with one file. In its commands `{file}` stands for the path of that file."""

    OPTIONS: ClassVar[Mapping[str, str]] = {
        "template": "str",
        "content": "str",
        "path": "path",
        "check_command": "command",
        "read_command": "command",
        "present": "dict",
        "tier": "str",
        "record_file": "path",
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self._name = name
        self._path = options.get("path") or ""
        self._content = options.get("content")
        self._check_command = options.get("check_command") or []
        self._read_command = options.get("read_command") or []
        self._health_command = options.get("health_command") or []
        self._present: dict[str, Value] = dict(options.get("present") or {})
        self._tier = options.get("tier") or "restart"
        self._record_file = options.get("record_file") or os.path.join(
            managed_file.STATE_DIRECTORY, f"{name}.custom", "record.json"
        )
        self._stamp_file = self._record_file + ".in-force"
        missing = []
        if not self._path:
            missing.append(f"apps.{name}.path: this is needed: the file that the template is for.")
        if not self._present and not self._read_command:
            missing.append(f"apps.{name}: `present` or `read_command` is needed, or there is nothing to go back to.")
        if self._tier not in _TIERS:
            missing.append(f"apps.{name}.tier: found {self._tier!r}, expected {' or '.join(_TIERS)}.")
        if missing:
            raise AppError(" ".join(missing))
        self._service = Service(name, options)

    # --- what there is

    def known(self, names: Collection[str]) -> dict[str, Known]:
        """Those that `present` names; without it those that `read_command` prints."""
        known = self.names()
        return {name: Known(self._tier) for name in names if name in known}

    def names(self) -> Collection[str]:
        return self._present or self._printed()

    # --- what can be had

    def faults(self, target: Mapping[Setting, Value]) -> list[str]:
        faults = []
        if self._content is None:
            faults.append(
                f"apps.{self._name}.template: this is needed to apply anything: what {self._path} is made of."
            )
        for setting in target:
            if setting.unit:
                faults.append(f"{setting.parameter}: a template takes values as they are, so it can have no unit.")
        record = self._record()
        if record is not None:
            named = {setting.name for setting in target}
            for name, value in record.values.items():
                if name not in named and not same(value, record.was.get(name, value)):
                    faults.append(
                        f"app.{self._name}.{name}: it was set to {shown(value)} before, and this configuration does "
                        "not name it. A template is rendered with what is named: name it too."
                    )
            if _digest(managed_file.read(self._path)) != record.digest:
                faults.append(self._changed_by_others())
        return faults

    # --- what is in force

    def read(self, settings: Sequence[Setting]) -> dict[str, Value]:
        """What `read_command` prints; without one what the record says, where file and application are as it says."""
        values = self._in_force()
        missing = [setting.name for setting in settings if setting.name not in values]
        if missing:
            where = "read_command prints" if self._read_command else "present has"
            raise AppError(f"{self._name}: {where} no {', '.join(missing)}. There are: {', '.join(sorted(values))}.")
        return {setting.parameter: values[setting.name] for setting in settings}

    def _in_force(self) -> dict[str, Value]:
        if self._read_command:
            return self._printed()
        record = self._record()
        if record is None:
            return self._present
        digest = _digest(managed_file.read(self._path))
        if digest != record.digest:
            raise AppError(self._changed_by_others())
        if (managed_file.read(self._stamp_file) or b"").decode("ascii", "replace") != digest:
            raise AppError(
                f"{self._name}: {self._path} was written, but {self._name} has not been told since to read it. "
                f"{self._tier.capitalize()} it by applying a configuration."
            )
        return {**self._present, **record.values}

    def _printed(self) -> dict[str, Value]:
        done = self._run(self._read_command)
        if done.code:
            raise AppError(f"{self._name}: read_command ended with exit code {done.code}: {done.said}")
        return parse(done.output)

    # --- files

    def files(self, target: Mapping[Setting, Value]) -> dict[str, bytes | None]:
        record = self._record()
        present = managed_file.read(self._path)
        was = record.was if record else {**self._present, **(self._in_force() if self.is_running() else {})}
        original = record.original if record else present
        values = {**was, **{setting.name: value for setting, value in target.items()}}
        if all(same(value, was[name]) for name, value in values.items() if name in was) and set(values) <= set(was):
            return {self._path: original, self._record_file: None}
        content = (self._content or "").encode()
        return {self._path: content, self._record_file: _encoded(Record(original, was, values, _digest(content)))}

    # --- doing

    def check(self) -> str:
        """What `check_command` says where it does not end with 0."""
        if not self._check_command:
            return ""
        done = self._run(self._check_command)
        return (done.said or f"check_command ended with exit code {done.code}") if done.code else ""

    def is_running(self) -> bool:
        """As systemd says; without it as `health_command` says; without both it counts as running."""
        if self._service.unit:
            return run(["systemctl", "is-active", "--quiet", self._service.unit]).code == 0
        return not self._health_command or self._run(self._health_command).code == 0

    def reload(self, target: Mapping[Setting, Value]) -> None:
        self._service.reload()
        self._stamp()

    def restart(self) -> None:
        self._service.restart()
        self._stamp()

    def last_words(self) -> str:
        return self._service.last_words()

    def stopped_on_purpose(self) -> bool:
        return self._service.stopped_on_purpose()

    def _stamp(self) -> None:
        """Take down which file it was told to read."""
        content = managed_file.read(self._path) if self._record() is not None else None
        if content is not None:
            managed_file.write(self._stamp_file, _digest(content).encode())
        elif os.path.exists(self._stamp_file):
            managed_file.write(self._stamp_file, None)

    def _run(self, command: service.Command) -> Completed:
        if isinstance(command, str):
            return run(service.words(command.replace("{file}", shlex.quote(self._path))), _COMMAND_SECONDS)
        return run([str(word).replace("{file}", self._path) for word in command], _COMMAND_SECONDS)

    def _record(self) -> Record | None:
        content = managed_file.read(self._record_file)
        if content is None:
            return None
        try:
            found = json.loads(content)
            original = None if found["original"] is None else base64.b64decode(found["original"])
            return Record(original, dict(found["was"]), dict(found["values"]), str(found["sha256"]))
        except (ValueError, KeyError, TypeError) as error:
            raise AppError(f"{self._record_file} cannot be understood: {error}.") from error

    def _changed_by_others(self) -> str:
        return (
            f"{self._name}: {self._path} is not as this collection has written it. To take it as it is now for what "
            f"there is to go back to, remove {self._record_file}."
        )


def parse(text: str) -> dict[str, Value]:
    """What a read_command prints: a JSON object, or lines of name=value. Raises AppError."""
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError as error:
            raise AppError(f"read_command prints what is no JSON: {error}.") from error
        wrong = [name for name, value in found.items() if not isinstance(value, (bool, int, float, str))]
        if wrong:
            raise AppError(f"read_command prints no plain value for {', '.join(wrong)}.")
        return dict(found)
    values: dict[str, Value] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, sign, value = line.partition("=")
        if not sign:
            raise AppError(f"read_command prints {line!r}, expected a JSON object or lines of name=value.")
        values[name.strip()] = _plain(value.strip())
    return values


def _plain(text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"0|-?[1-9]\d*", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d+", text) else text


def _encoded(record: Record) -> bytes:
    original = None if record.original is None else base64.b64encode(record.original).decode("ascii")
    found = {"original": original, "was": record.was, "values": record.values, "sha256": record.digest}
    return (json.dumps(found, indent=1, sort_keys=True) + "\n").encode()


def _digest(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()
