# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx. Settings are directives of the contexts main, events and http, such as `events.worker_connections`.

nginx tells nobody what it has in force. What stands in its files is in force when every worker was started after the
last of them was written: a reload starts all workers anew, and one that fails starts none.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import signal
import time
from contextlib import suppress
from typing import Any, Callable, ClassVar, Collection, Iterator, Mapping, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps import managed_file, nginx_config, nginx_processes
from ansible_collections.evolve.vm.plugins.module_utils.apps.asking import same
from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import run
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import App, AppError, Known, Setting
from ansible_collections.evolve.vm.plugins.module_utils.apps.nginx_config import Directive, NginxSyntaxError
from ansible_collections.evolve.vm.plugins.module_utils.apps.nginx_defaults import DEFAULTS
from ansible_collections.evolve.vm.plugins.module_utils.apps.nginx_probe import Probe
from ansible_collections.evolve.vm.plugins.module_utils.apps.nginx_values import understood, written
from ansible_collections.evolve.vm.plugins.module_utils.apps.service import Service
from ansible_collections.evolve.vm.plugins.module_utils.apps.units import UnitError
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value

CONTEXTS = ("main", "events", "http")

# Read by the master when it starts; a reload leaves them as they are.
_RESTART = ("daemon", "lock_file", "master_process", "pid")
_RELOAD_SECONDS = 30
_DRAIN_SECONDS = 10
# As Debian's unit has it.
_STOPPING = ((signal.SIGQUIT, 5.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
_PATIENCE_SECONDS = 0.02
_TICK_SECONDS = 0.05
# A starting nginx writes its process id a moment before its workers are there.
_STARTING_SECONDS = 2.0


class _Place(NamedTuple):
    """A directive and the file it stands in. context: the blocks around it, those around its `include` too."""

    path: str
    directive: Directive
    context: tuple[str, ...]


class Nginx(App):
    """The nginx of one configuration file. `http.gzip` is gzip in http { }; where only one context is meant, `gzip`."""

    OPTIONS: ClassVar[Mapping[str, str]] = {
        "config_file": "path",
        "program": "path",
        "reload_timeout_seconds": "int",
        "drain_timeout_seconds": "int",
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self._program = options.get("program") or shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.access(self._program, os.X_OK):
            raise AppError(f"nginx is not installed: there is no program {self._program} (option `program`).")
        built = dict(re.findall(r"--([a-z-]+)=(\S+)", run([self._program, "-V"]).errors))
        self._prefix = built.get("prefix", "/usr/local/nginx")
        self._config_file = options.get("config_file") or self._below_prefix(built.get("conf-path", "conf/nginx.conf"))
        if not os.path.isfile(self._config_file):
            raise AppError(f"there is no configuration {self._config_file} (option `config_file`).")
        self._built = built
        self._reload_seconds = float(options.get("reload_timeout_seconds") or _RELOAD_SECONDS)
        self._drain_seconds = float(options.get("drain_timeout_seconds", _DRAIN_SECONDS))
        self._by_command = {kind: bool(options.get(f"{kind}_command")) for kind in ("restart", "reload")}
        self._service = Service(name, options, ["nginx"], log_file=self._error_log())
        self._probe = Probe(self._program, self._load_modules)

    # --- what there is

    def known(self, names: Collection[str]) -> dict[str, Known]:
        """Every directive of the three contexts that this nginx takes, its modules among them."""
        found = {}
        for name in names:
            where = self._resolve(name)
            if where is not None:
                found[name] = Known("restart" if where[1] in _RESTART else "reload")
        return found

    def names(self) -> Collection[str]:
        """Those with a default known here, and those that stand in the files; with and without their context."""
        names = set(DEFAULTS)
        for place in self._places():
            if place.directive.body is None and len(place.context) < 2:
                names.add(f"{place.context[0] if place.context else 'main'}.{place.directive.name}")
        return {*names, *(name.partition(".")[2] for name in names)}

    # --- what can be had

    def faults(self, target: Mapping[Setting, Value]) -> list[str]:
        """Values that cannot be written, directives that stand twice, and those whose present value nobody can say."""
        return [
            f"{setting.parameter}: {fault}"
            for setting, value in target.items()
            for fault in self._fault(setting, value)
        ]

    def _fault(self, setting: Setting, value: Value) -> Iterator[str]:
        context, name = self._where(setting)
        yield from self._value_fault(setting, value)
        found = self._found(self._places(), context, name)
        if len(found) > 1:
            where = " and ".join(f"{place.path}:{place.directive.line}" for place in found)
            yield f"{name} stands {len(found)} times in {context} ({where}); only what stands once can be varied."
        elif not found:
            if self._absent(context, name) is None:
                yield (
                    f"{name} stands nowhere in {context}, and its default is not known here, so there would be nothing "
                    f"to go back to. Write it into {self._config_file} with its present value."
                )
            if context != "main" and self._block(self._places(), context) is None:
                yield f"{self._config_file} and what it includes have no block {context} {{ }} to put {name} into."

    def _value_fault(self, setting: Setting, value: Value) -> Iterator[str]:
        context, name = self._where(setting)
        if not isinstance(value, bool) and value not in ("on", "off") and self._is_flag(context, name):
            yield f"found {value!r}, expected true or false: {name} is on or off."
        elif isinstance(value, float) and not setting.unit:
            yield f"found {value!r}, expected a whole number or text, in quotes."
        else:
            try:
                text = written(value, setting.unit)
                parsed = nginx_config.parse(f"{name} {text};")
                if len(parsed) != 1 or parsed[0].value != text or not text:
                    yield f"found {value!r}, which nginx would not read as a value of {name}."
            except UnitError as error:
                yield f"{error}."
            except NginxSyntaxError as error:
                yield f"found {value!r}, which nginx would not read as a value of {name}: {error}."

    # --- what is in force

    def read(self, settings: Sequence[Setting]) -> dict[str, Value]:
        """What stands in the files, once it is sure that the workers have read them as they are."""
        pid_file = self._pid_file()
        if nginx_processes.is_starting(pid_file):
            _wait(lambda: not nginx_processes.is_starting(pid_file), _STARTING_SECONDS)
        master, workers = self._running()
        if master is None or not workers:
            raise AppError("nginx does not run, so nothing is in force.")
        places = self._places()
        oldest = min(worker.started for worker in workers)
        for path in sorted({place.path for place in places}):
            changed = os.stat(path).st_mtime
            if changed > oldest + _PATIENCE_SECONDS:
                raise AppError(
                    f"{path} was written {changed - oldest:.1f} s after nginx had last read its "
                    "configuration, so nobody can say what is in force. Reload nginx, or put the file back."
                )
        values = {}
        for setting in settings:
            context, name = self._where(setting)
            text = self._text_in_force(places, context, name, len(workers))
            values[setting.parameter] = understood(text, setting, self._is_flag(context, name))
        return values

    def _text_in_force(self, places: Sequence[_Place], context: str, name: str, workers: int) -> str:
        found = self._found(places, context, name)
        if not found:
            default = self._absent(context, name)
            if default is None:
                raise AppError(
                    f"{name} stands nowhere in {context}, and its default is not known here. "
                    f"Write it into {self._config_file} with its present value."
                )
            return default
        if (context, name) == ("main", "worker_processes") and found[-1].directive.value != "auto":
            return str(workers)
        return found[-1].directive.value

    def _absent(self, context: str, name: str) -> str | None:
        """What is in force where the directive stands nowhere."""
        if (context, name) == ("main", "worker_rlimit_nofile"):
            limits = {nginx_processes.open_files_limit(worker.pid) for worker in self._running()[1]}
            return str(limits.pop()) if len(limits) == 1 and None not in limits else None
        return DEFAULTS.get(f"{context}.{name}")

    # --- files

    def files(self, target: Mapping[Setting, Value]) -> dict[str, bytes | None]:
        """The files that hold the directives of `target`, each changed in place, or added to its block."""
        texts = {place.path: self._text(place.path) for place in self._places()}
        for setting, value in target.items():
            path, text = self._edited(texts, setting, value)
            texts[path] = text
        return {
            path: _encoded(text)
            for path, text in texts.items()
            if text != self._text(path) or self._holds(path, target)
        }

    def _edited(self, texts: Mapping[str, str], setting: Setting, value: Value) -> tuple[str, str]:
        """The path of the one file to change for a setting, and its new text."""
        context, name = self._where(setting)
        places = self._places(texts)
        new = written(value, setting.unit)

        def is_wanted(text: str) -> bool:
            return same(understood(text, setting, self._is_flag(context, name)), value)

        found = self._found(places, context, name)
        if found:
            path, directive, dummy = found[-1]
            if is_wanted(directive.value):
                return path, texts[path]
            if directive.mark is not None and is_wanted(directive.mark.before):
                return path, nginx_config.restored(texts[path], directive)
            return path, nginx_config.replaced(texts[path], directive, new)
        before = self._absent(context, name) or ""
        block = None if context == "main" else self._block(places, context)
        path = block.path if block else os.path.realpath(self._config_file)
        if is_wanted(before):
            return path, texts[path]
        return path, nginx_config.added(texts[path], block.directive if block else None, name, new, before)

    def _holds(self, path: str, target: Mapping[Setting, Value]) -> bool:
        places = self._places()
        return any(place.path == path for setting in target for place in self._found(places, *self._where(setting)))

    # --- doing

    def check(self) -> str:
        """What `nginx -t` says."""
        done = run([self._program, "-t", "-q", "-c", self._config_file])
        return (done.said or f"nginx -t ended with exit code {done.code}") if done.code else ""

    def is_running(self) -> bool:
        """Whether a master and workers are there."""
        return bool(self._running()[1])

    def reload(self, target: Mapping[Setting, Value]) -> None:
        """Gracefully: returns when new workers take the requests and the old ones have ended, or time has passed."""
        master, before = self._running()
        if master is None:
            raise AppError("nginx does not run, so it cannot be reloaded.")
        log, log_start = self._error_log(), _size(self._error_log())
        if self._by_command["reload"]:
            self._service.reload()
        else:
            os.kill(master, signal.SIGHUP)
        old = {worker.pid for worker in before}
        expected = self._expected_workers()

        def is_done() -> bool:
            said = [line for line in _lines_from(log, log_start) if "[emerg]" in line or "[alert]" in line]
            if said:
                raise AppError("nginx has not taken over its configuration:\n" + "\n".join(said[-5:]))
            now = {worker.pid for worker in nginx_processes.workers(master)}
            return len(now - old) >= expected and not now & old

        if not _wait(is_done, self._reload_seconds):
            said = "\n".join(_lines_from(log, log_start)[-5:])
            raise AppError(
                f"{self._reload_seconds:g} s after nginx was told to reload, its workers are not new "
                f"(option `reload_timeout_seconds`).\n{said}".rstrip()
            )
        # Requests under way end in the old workers, which would disturb what is measured next.
        _wait(lambda: not nginx_processes.leaving(master), self._drain_seconds)

    def restart(self) -> None:
        """By systemd or `restart_command`; without either by signals, and the program itself."""
        if self._by_command["restart"] or self._service.unit:
            self._service.restart()
            return
        master = self._running()[0]
        if master is not None:
            self._stop(master)
        done = run([self._program, "-c", self._config_file])
        if done.code:
            raise AppError(f"nginx does not start:\n{done.said}")

    def last_words(self) -> str:
        """The end of its error log."""
        return self._service.last_words()

    def stopped_on_purpose(self) -> bool:
        """Whether systemd says that nobody wants it."""
        return self._service.stopped_on_purpose()

    def _stop(self, master: int) -> None:
        pid_file = self._pid_file()
        for number, seconds in _STOPPING:
            with suppress(ProcessLookupError):
                os.kill(master, number)
            if _wait(lambda: nginx_processes.master(pid_file) != master, seconds):
                return
        raise AppError(f"nginx (process {master}) does not end.")

    # --- finding

    def _where(self, setting: Setting) -> tuple[str, str]:
        where = self._resolve(setting.name)
        if where is None:
            raise AppError(f"{setting.parameter}: nginx has no directive {setting.name}.")
        return where

    def _resolve(self, name: str) -> tuple[str, str] | None:
        """Context and directive that a name means."""
        given, dot, bare = name.rpartition(".")
        if dot and given not in CONTEXTS:
            return None
        if not re.fullmatch(r"[a-z][a-z0-9_]*", bare):
            return None
        likely = [context for context in CONTEXTS if f"{context}.{bare}" in DEFAULTS]
        for context in [given] if given else [*likely, *reversed(CONTEXTS)]:
            if self._probe.ask(context, bare).exists:
                return context, bare
        return None

    def _is_flag(self, context: str, name: str) -> bool:
        return self._probe.ask(context, name).is_flag

    def _found(self, places: Sequence[_Place], context: str, name: str) -> list[_Place]:
        around = () if context == "main" else (context,)
        return [place for place in places if place.context == around and place.directive.name == name]

    def _block(self, places: Sequence[_Place], name: str) -> _Place | None:
        blocks = [place for place in self._found(places, "main", name) if place.directive.body is not None]
        return blocks[0] if blocks else None

    def _places(self, texts: Mapping[str, str] | None = None) -> list[_Place]:
        """Every directive of the configuration, includes followed. texts: path -> what to read in the file's place."""
        return list(self._walk(os.path.realpath(self._config_file), (), texts or {}, ()))

    def _walk(
        self, path: str, around: tuple[str, ...], texts: Mapping[str, str], trail: tuple[str, ...]
    ) -> Iterator[_Place]:
        if path in trail:
            raise AppError(f"{path} includes itself.")
        try:
            directives = nginx_config.parse(texts[path] if path in texts else self._text(path))
        except NginxSyntaxError as error:
            raise AppError(f"{path} cannot be understood: {error}.") from error
        for directive in directives:
            context = (*around, *directive.context)
            yield _Place(path, directive, context)
            if directive.name == "include" and directive.words:
                pattern = nginx_config.unquoted(directive.words[0])
                # As nginx has it: relative to the folder of the main file, whichever file includes.
                full = os.path.join(os.path.dirname(self._config_file), pattern)
                for included in sorted(glob.glob(full)):
                    yield from self._walk(os.path.realpath(included), context, texts, (*trail, path))

    def _text(self, path: str) -> str:
        content = managed_file.read(path)
        if content is None:
            raise AppError(f"{path} is gone.")
        return content.decode("utf-8", "surrogateescape")

    def _main(self, name: str) -> list[Directive]:
        return [place.directive for place in self._found(self._places(), "main", name)]

    def _load_modules(self) -> str:
        files = [nginx_config.unquoted(word) for each in self._main("load_module") for word in each.words]
        return "".join(f'load_module "{self._below_prefix(file)}";\n' for file in files)

    def _pid_file(self) -> str:
        given = self._main("pid")
        value = nginx_config.unquoted(given[-1].words[0]) if given and given[-1].words else ""
        return self._below_prefix(value or self._built.get("pid-path", "logs/nginx.pid"))

    def _error_log(self) -> str:
        """The path of the log of the master; empty where that is no file."""
        given = self._main("error_log")
        value = nginx_config.unquoted(given[-1].words[0]) if given and given[-1].words else ""
        value = value or self._built.get("error-log-path", "logs/error.log")
        return "" if value == "stderr" or value.startswith(("syslog:", "memory:")) else self._below_prefix(value)

    def _below_prefix(self, path: str) -> str:
        return os.path.join(self._prefix, path)

    def _running(self) -> tuple[int | None, list[nginx_processes.Worker]]:
        master = nginx_processes.master(self._pid_file())
        return (None, []) if master is None else (master, nginx_processes.workers(master))

    def _expected_workers(self) -> int:
        given = self._main("worker_processes")
        value = given[-1].value if given else DEFAULTS["main.worker_processes"]
        return int(value) if value.isdigit() else os.cpu_count() or 1


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _wait(is_done: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > end:
            return False
        time.sleep(_TICK_SECONDS)
    return True


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size if path else 0
    except OSError:
        return 0


def _lines_from(path: str, start: int) -> list[str]:
    if not path:
        return []
    try:
        with open(path, "rb") as file:
            file.seek(start if start <= _size(path) else 0)
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
