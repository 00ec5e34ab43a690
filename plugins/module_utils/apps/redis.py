# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis. What it knows, accepts and has in force is asked of the server and its program, never kept in a list."""

from __future__ import annotations

import glob
import os
import re
import shlex
import shutil
import time
from typing import Any, ClassVar, Collection, Iterator, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps import managed_file, redis_file
from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import run
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import App, AppError, Known, Setting
from ansible_collections.evolve.vm.plugins.module_utils.apps.redis_client import Client, Refused, for_a_moment
from ansible_collections.evolve.vm.plugins.module_utils.apps.service import Service
from ansible_collections.evolve.vm.plugins.module_utils.apps.units import UnitError, convert, exact, kind, number, whole
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value

_CONFIG_FILES = ("/etc/redis/redis.conf", "/etc/redis.conf")
_INIT_SCRIPT = "/etc/init.d/redis-server"
_PORT = 6379
_APPEND_ONLY_SECONDS = 600.0

# Where it listens, where its data are, and who may use it: changing that is another thing than making it faster.
_FIXED = re.compile(
    r"port|bind.*|unixsocket.*|tls-.*|dir|.*filename|appenddirname|logfile|pidfile|.*-?dir$|requirepass|user|aclfile"
    r"|masterauth|masteruser|replicaof|slaveof|daemonize|supervised|cluster-(enabled|config-file|announce-.*|port)"
    r"|(slave|replica)-announce-.*|enable-.*|protected-mode|syslog-.*"
)
# CONFIG GET says of amounts how many, but not of what. From the comments of redis.conf.
_TIMES = {
    "busy-reply-threshold": "ms",
    "cluster-node-timeout": "ms",
    "latency-monitor-threshold": "ms",
    "lfu-decay-time": "min",
    "lua-time-limit": "ms",
    "min-replicas-max-lag": "s",
    "min-slaves-max-lag": "s",
    "repl-backlog-ttl": "s",
    "repl-diskless-sync-delay": "s",
    "repl-ping-replica-period": "s",
    "repl-ping-slave-period": "s",
    "repl-timeout": "s",
    "shutdown-timeout": "s",
    "slowlog-log-slower-than": "us",
    "tcp-keepalive": "s",
    "timeout": "s",
}


class Redis(App):
    """A server that this machine runs, started with a configuration file."""

    OPTIONS: ClassVar[Mapping[str, str]] = {
        "config_file": "path",
        "program": "path",
        "client": "command",
        "socket": "path",
        "host": "str",
        "port": "int",
        "user": "str",
        "password": "str",
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self._program = options.get("program") or shutil.which("redis-server") or "/usr/bin/redis-server"
        if not os.access(self._program, os.X_OK):
            raise AppError(f"Redis is not installed: there is no program {self._program} (option `program`).")
        self._cli = _command(options.get("client") or "redis-cli")
        found = [path for path in _CONFIG_FILES if os.path.exists(path)]
        self._config_file = os.path.realpath(options.get("config_file") or next(iter(found), _CONFIG_FILES[0]))
        if not os.path.exists(self._config_file):
            raise AppError(f"there is no configuration {self._config_file} (option `config_file`).")
        text = self._text()
        password = options.get("password")
        if password is None:
            password = redis_file.last_value(text, "requirepass") or ""
        self._client = Client([*self._cli, *_address(options, text)], password)
        is_debians = self._config_file == _CONFIG_FILES[0] and os.path.exists(_INIT_SCRIPT)
        restart = ["service", "redis-server", "restart"] if is_debians else []
        log = redis_file.last_value(text, "logfile") or ""
        self._service = Service(
            name, options, ["redis-server", "redis", "valkey-server", "valkey"], restart, log_file=log
        )
        self._base: dict[str, str] | None = None
        self._tiers: dict[str, str] = {}
        self._flags: dict[str, bool] = {}

    # --- what there is

    def known(self, names: Collection[str]) -> dict[str, Known]:
        """Whether a setting can change live is found out on a server that is started for it."""
        missing = [name for name in names if name in self._without_ours() and name not in self._tiers]
        if missing:
            with self._for_a_moment(redis_file.original(self._text())) as server:
                for name in missing:
                    self._tiers[name] = "live" if self._is_live(server, name) else "restart"
        return {name: Known(self._tiers[name]) for name in names if name in self._tiers}

    def names(self) -> Collection[str]:
        """All of CONFIG GET."""
        return self._without_ours()

    def _is_live(self, server: Client, name: str) -> bool:
        if _FIXED.fullmatch(name):
            return False
        try:
            server.set({name: self._without_ours()[name]})
        except Refused:
            return False
        return True

    # --- what can be had

    def faults(self, target: Mapping[Setting, Value]) -> list[str]:
        """What a server that is started for it refuses, in its own words, or shows in another way."""
        faults, texts = [], {}
        for setting, value in target.items():
            try:
                found = list(self._fault(setting, value))
                text = self._written(setting, value)
            except UnitError as error:
                found = [f"{error}."]
            else:
                if not found:
                    texts[setting] = text
            faults += [f"{setting.parameter}: {fault}" for fault in found]
        return faults + list(self._refusals(texts))

    def _fault(self, setting: Setting, value: Value) -> Iterator[str]:
        name = setting.name
        if _FIXED.fullmatch(name):
            yield f"{name} says where Redis is reached, keeps its data, or who may use it, which is not varied here."
        elif not isinstance(value, bool) and value not in ("yes", "no") and self._is_flag(name):
            yield f"found {value!r}, expected true or false: {name} is yes or no."
        elif name == "client-output-buffer-limit" and len(str(value).split()) != 12:
            yield (
                f"found {value!r}, expected the limits of all three classes of clients, such as "
                f"'{self._without_ours()[name]}'."
            )
        elif name in ("save", "client-output-buffer-limit") and self._is_included(name):
            yield f"{name} stands in a file that {self._config_file} includes, and would be added to; move it here."

    def _refusals(self, texts: Mapping[Setting, str]) -> Iterator[str]:
        original = redis_file.original(self._text())
        tiers = self.known([setting.name for setting in texts])
        live = {setting: text for setting, text in texts.items() if tiers[setting.name].tier == "live"}
        if live:
            with self._for_a_moment(original) as server:
                for setting, text in live.items():
                    yield from self._refusal(server, setting, text, live=True)
        for setting, text in texts.items():
            if setting not in live:
                try:
                    with self._for_a_moment(original, {setting.name: text}) as server:
                        yield from self._refusal(server, setting, text, live=False)
                except Refused as error:
                    yield f"{setting.parameter}: Redis refuses {text!r}: {_last_line(str(error))}."

    def _refusal(self, server: Client, setting: Setting, text: str, live: bool) -> Iterator[str]:
        try:
            if live:
                server.set({setting.name: text})
        except Refused as error:
            yield f"{setting.parameter}: Redis refuses {text!r}: {_last_line(str(error)).partition(' - ')[2] or error}."
            return
        shown = server.settings(setting.name).get(setting.name, "")
        if shown != text:
            yield f"{setting.parameter}: Redis makes {shown!r} of {text!r}; write it so."

    # --- what is in force

    def read(self, settings: Sequence[Setting]) -> dict[str, Value]:
        """What CONFIG GET says."""
        self._confirm()
        found = self._client.settings()
        missing = [setting.name for setting in settings if setting.name not in found]
        if missing:
            raise AppError(f"this Redis has no {', '.join(missing)}.")
        return {setting.parameter: self._understood(setting, found[setting.name]) for setting in settings}

    def _confirm(self) -> None:
        """That the server that answers is the one of the file."""
        said = dict(line.split(":", 1) for line in self._client.ask("INFO", "server").splitlines() if ":" in line)
        path = said.get("config_file", "").strip()
        if not path:
            raise AppError("Redis was started without a configuration file, so nothing would outlast a restart.")
        if os.path.realpath(path) != self._config_file:
            raise AppError(
                f"the Redis that answers was started with {path}, not {self._config_file}. Say `config_file`, or "
                "`socket` or `port`."
            )

    # --- files

    def files(self, target: Mapping[Setting, Value]) -> dict[str, bytes | None]:
        """The configuration file. Without ours it would give `_without_ours`; only what differs from that is in it."""
        text = self._text()
        deviations: dict[str, Sequence[str]] = dict(redis_file.ours(text))
        for setting, value in target.items():
            new = self._written(setting, value)
            deviations.pop(setting.name, None)
            if new != self._without_ours()[setting.name]:
                deviations[setting.name] = redis_file.lines_for(setting.name, new)
        rendered = redis_file.rendered(redis_file.original(text), deviations)
        return {self._config_file: rendered.encode("utf-8", "surrogateescape")}

    # --- doing

    def check(self) -> str:
        """What a server says that is started with the file for a moment."""
        try:
            with self._for_a_moment(self._text()):
                return ""
        except Refused as error:
            return str(error) or "redis-server ended without a word"

    def is_running(self) -> bool:
        """Whether it answers, having loaded its data."""
        try:
            return self._client.ask("PING") == "PONG"
        except Refused as error:
            if str(error).startswith(("NOAUTH", "WRONGPASS", "NOPERM")):
                raise AppError(
                    f"Redis does not let us in: {error} Say `password`, and `user` where it has one."
                ) from error
            return False
        except AppError:
            return False

    def reload(self, target: Mapping[Setting, Value]) -> None:
        """CONFIG SET of everything that can be set live; returns when an append-only file that it begins is there."""
        self._confirm()
        tiers = self.known([setting.name for setting in target])
        present = self._client.settings()
        values = {setting.name: self._written(setting, value) for setting, value in target.items()}
        self._client.set(
            {name: text for name, text in values.items() if tiers[name].tier == "live" and present.get(name) != text}
        )
        if "appendonly" in values:
            self._wait_for_append_only_file()

    def _wait_for_append_only_file(self) -> None:
        """It is begun with all data, which disturbs what is measured; and till then Redis refuses to be stopped."""
        patience = time.monotonic() + _APPEND_ONLY_SECONDS
        while re.search(r"aof_rewrite_(in_progress|scheduled):1", self._client.ask("INFO", "persistence")):
            if time.monotonic() > patience:
                raise AppError(f"Redis has not written its append-only file in {_APPEND_ONLY_SECONDS:g} s")
            time.sleep(0.05)

    def restart(self) -> None:
        """As its service does it."""
        self._service.restart()

    def last_words(self) -> str:
        """The end of its log."""
        return self._service.last_words()

    def stopped_on_purpose(self) -> bool:
        """Whether systemd says that nobody wants it."""
        return self._service.stopped_on_purpose()

    # --- values

    def _written(self, setting: Setting, value: Value) -> str:
        """As CONFIG GET shows it. Raises UnitError."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if setting.unit and not isinstance(value, str):
            to = self._own_unit(setting)
            # Negative amounts say that something is off.
            return str(exact(value)) if value < 0 else str(whole(value, setting.unit, to))
        return " ".join(str(value).split())

    def _understood(self, setting: Setting, text: str) -> Value:
        if text in ("yes", "no") and self._is_flag(setting.name):
            return text == "yes"
        if re.fullmatch(r"0|-?[1-9]\d*", text):
            if not setting.unit or text.startswith("-"):
                return int(text)
            try:
                return number(convert(int(text), self._own_unit(setting), setting.unit))
            except UnitError as error:
                raise AppError(f"{setting.parameter}: {error}.") from error
        return text

    def _own_unit(self, setting: Setting) -> str:
        """What Redis counts this in. Raises UnitError where that is not known."""
        if kind(setting.unit) == "size":
            return "B"
        if kind(setting.unit) == "time" and _TIMES.get(setting.name):
            return _TIMES[setting.name]
        raise UnitError(f"{setting.name} cannot be said in {setting.unit}: what Redis counts it in is not known here")

    def _is_flag(self, name: str) -> bool:
        """Whether it is either yes or no, in the words of a server that is given something else."""
        if name not in self._flags:
            self._flags[name] = self._without_ours().get(name) in ("yes", "no") and (
                "must be 'yes' or 'no'" in run([self._program, "--port", "0", f"--{name}", "evolve_vm_asks"]).errors
            )
        return self._flags[name]

    def _without_ours(self) -> dict[str, str]:
        """What would be in force after a restart without anything of ours."""
        if self._base is None:
            with self._for_a_moment(redis_file.original(self._text())) as server:
                self._base = server.settings()
        return self._base

    def _for_a_moment(self, text: str, more: Mapping[str, str] | None = None) -> Any:
        return for_a_moment(self._program, self._cli, text, more)

    def _is_included(self, name: str) -> bool:
        patterns = [redis_file.words(line) for line in self._text().splitlines()]
        paths = [path for words in patterns if words[:1] == ["include"] for path in glob.glob(words[-1])]
        contents = [managed_file.read(path) or b"" for path in paths]
        return any(redis_file.last_value(text.decode("utf-8", "replace"), name) is not None for text in contents)

    def _text(self) -> str:
        return (managed_file.read(self._config_file) or b"").decode("utf-8", "surrogateescape")


def _address(options: Mapping[str, Any], text: str) -> list[str]:
    """Where the server is: as the options say, else as the file does."""
    user = ["--user", options["user"]] if options.get("user") else []
    port = options.get("port") or redis_file.last_value(text, "port") or _PORT
    socket = options.get("socket") or ""
    if not socket and str(port) == "0":
        socket = (redis_file.last_value(text, "unixsocket") or "").partition(" ")[0]
    if socket:
        return ["-s", socket, *user]
    return ["-h", options.get("host") or "127.0.0.1", "-p", str(port), *user]


def _command(said: Any) -> list[str]:
    return shlex.split(said) if isinstance(said, str) else [str(word) for word in said]


def _last_line(text: str) -> str:
    return next(iter(reversed([line for line in text.splitlines() if line.strip()])), text)
