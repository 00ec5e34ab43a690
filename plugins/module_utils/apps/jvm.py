# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Java virtual machine that runs as a service. Settings are its -XX flags, and `heap`, `gc`, `Xmx`, `Xms`, `Xss`.

What there is, and what is accepted, is asked of the same `java`; what is in force of the running process.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import Any, ClassVar, Collection, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps import jvm_file, jvm_flags, jvm_process, managed_file
from ansible_collections.evolve.vm.plugins.module_utils.apps.asking import same
from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import run
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import App, AppError, Known, Setting
from ansible_collections.evolve.vm.plugins.module_utils.apps.jvm_file import Deviation
from ansible_collections.evolve.vm.plugins.module_utils.apps.jvm_flags import COLLECTORS, Flag, flag_of
from ansible_collections.evolve.vm.plugins.module_utils.apps.jvm_process import Process
from ansible_collections.evolve.vm.plugins.module_utils.apps.service import Service
from ansible_collections.evolve.vm.plugins.module_utils.apps.units import UnitError, convert, exact, number, whole
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value

_DROP_IN = "/etc/systemd/system/{unit}.d/zz-evolve.conf"
# A service that does not like its options may end soon after it has begun.
_UP_SECONDS = 2
# Heaps are made of regions of up to 32 MiB, and rounded up to a whole number of them.
_ROUNDING = 32 * 1024**2
_UNLIMITED = 2**63


class Jvm(App):
    """The java of one service.

    Options go into `options_file`, one a line, or into its variable `variable`, as a shell or systemd reads it; without
    a file into the variable `variable` of the environment of the service.
    """

    OPTIONS: ClassVar[Mapping[str, str]] = {
        "java": "path",
        "options_file": "path",
        "variable": "str",
        "pid_file": "path",
        "process": "str",
        "up_seconds": "int",
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self._service = Service(name, options)
        self._pid_file = options.get("pid_file") or ""
        self._words = options.get("process") or ""
        if not (self._service.unit or self._pid_file or self._words):
            raise AppError(
                f"nothing says which Java is meant: apps.{name} needs `service` (where systemd runs), `pid_file`, or "
                "`process` (words of its command line)."
            )
        self._file = options.get("options_file") or ""
        self._variable = options.get("variable") or ("" if self._file else jvm_process.VARIABLES[0])
        self._is_drop_in = not self._file
        if self._is_drop_in:
            if not self._service.unit:
                raise AppError(
                    f"without systemd apps.{name} needs `options_file`, a file with the options of its java."
                )
            self._file = _DROP_IN.format(unit=self._service.unit)
        self._up_seconds = float(options.get("up_seconds", _UP_SECONDS))
        self._java_given = options.get("java") or ""
        self._flags: dict[str, Flag] | None = None

    # --- what there is

    def known(self, names: Collection[str]) -> dict[str, Known]:
        flags = self._listed()
        live = bool(self._jcmd())
        found = {}
        for name in names:
            if name == "gc" or flag_of(name) in flags:
                manageable = name in flags and "manageable" in flags[name].kinds
                found[name] = Known("live" if manageable and live else "restart")
        return found

    def names(self) -> Collection[str]:
        return [*self._listed(), *jvm_flags.ALIASES, "gc"]

    # --- what can be had

    def faults(self, target: Mapping[Setting, Value]) -> list[str]:
        faults, values = [], {}
        for setting, value in target.items():
            try:
                text = self._written(setting, value)
            except UnitError as error:
                faults.append(f"{setting.parameter}: {error}.")
                continue
            said = jvm_flags.refusal(self._java(), jvm_flags.options({setting.name: text}, self._listed()))
            if said:
                faults.append(f"{setting.parameter}: java refuses {text}: {said}")
            values[setting.name] = text
        for both, single in (("heap", "Xmx"), ("heap", "Xms")):
            if both in values and single in values:
                faults.append(f"{both} and {single} say the same thing twice: heap is both -Xms and -Xmx. Name one.")
        if values and not faults:
            said = jvm_flags.refusal(self._java(), jvm_flags.options(self._merged(target)[0], self._listed()))
            if said:
                names = ", ".join(setting.parameter for setting in target)
                faults.append(f"{names}: java refuses these values together: {said}")
        return faults

    # --- what is in force

    def read(self, settings: Sequence[Setting]) -> dict[str, Value]:
        process = self._running()
        flags = self._in_force(process)
        missing = [setting.name for setting in settings if setting.name != "gc" and flag_of(setting.name) not in flags]
        if missing:
            raise AppError(f"this java has no {', '.join(missing)}.")
        words = process.words
        return {setting.parameter: self._understood(setting, flags, words) for setting in settings}

    def origin(self, setting: Setting) -> str:
        """The word of its command line that counts more than ours."""
        process = self._process()
        flag = flag_of(setting.name)
        shorts = {"MaxHeapSize": "-Xmx", "InitialHeapSize": "-Xms", "ThreadStackSize": "-Xss"}
        pattern = rf"(-XX:[+-]?{flag}(=.*)?|{shorts.get(flag, '-XX')}\d.*)"
        others = [word for word in (process.options if process else []) if re.fullmatch(pattern, word)]
        ours = jvm_flags.options(self._merged({})[0], self._listed())
        others = [word for word in others if word not in ours]
        if not others:
            return ""
        return (
            f"the command line of the service has {others[-1]}, which may count more (option `variable`: _JAVA_OPTIONS)"
        )

    # --- files

    def files(self, target: Mapping[Setting, Value]) -> dict[str, bytes | None]:
        content = managed_file.read(self._file)
        original = jvm_file.original(content)
        values, were = self._merged(target)
        words = jvm_flags.options(values, self._listed())
        try:
            if self._is_drop_in:
                lines = jvm_file.drop_in(self._variable, self._variable_of_unit(), words)
            elif self._variable:
                lines = [jvm_file.assignment(original, self._variable, words)]
            else:
                lines = words
        except ValueError as error:
            raise AppError(f"{self._file}: {self._variable} cannot be added to: {error}.") from error
        ours = {name: Deviation(value, were[name]) for name, value in values.items()}
        return {self._file: jvm_file.rendered(original, ours, lines)}

    def _merged(self, target: Mapping[Setting, Value]) -> tuple[dict[str, str], dict[str, str]]:
        """The values that deviate once `target` is applied, and what was there before each."""
        found = jvm_file.deviations(managed_file.read(self._file))
        values = {name: each.value for name, each in found.items()}
        were = {name: each.was for name, each in found.items()}
        missing = [setting for setting in target if setting.name not in were]
        if missing:
            process = self._process()
            flags = self._in_force(process) if process else jvm_flags.ask(self._java())
            were.update({setting.name: self._shown(setting.name, flags) for setting in missing})
        for setting, value in target.items():
            text = self._written(setting, value)
            values.pop(setting.name, None)
            if not same(text, were[setting.name]):
                values[setting.name] = text
        return values, were

    # --- doing

    def check(self) -> str:
        """What the java says that is started with our options only to say its version."""
        values = {name: each.value for name, each in jvm_file.deviations(managed_file.read(self._file)).items()}
        return jvm_flags.refusal(self._java(), jvm_flags.options(values, self._listed()))

    def is_running(self) -> bool:
        """Whether it has been up for `up_seconds`."""
        process = self._process()
        if process is None or process.seconds < self._up_seconds:
            return False
        return process.listens_to_tools or "-Xrs" in process.options

    def reload(self, target: Mapping[Setting, Value]) -> None:
        """Flags that are manageable, by jcmd."""
        process, jcmd = self._running(), self._jcmd()
        known = self.known([setting.name for setting in target])
        for setting, value in target.items():
            if known[setting.name].tier == "live":
                text = self._written(setting, value)
                done = run([jcmd, str(process.pid), "VM.set_flag", setting.name, text])
                if done.code or "rror" in done.output:
                    raise AppError(f"java does not take {setting.name}={text} while it runs: {done.said}")

    def restart(self) -> None:
        if self._is_drop_in:
            run(["systemctl", "daemon-reload"])
        self._service.restart()

    def last_words(self) -> str:
        return self._service.last_words()

    def stopped_on_purpose(self) -> bool:
        return self._service.stopped_on_purpose()

    # --- values

    def _written(self, setting: Setting, value: Value) -> str:
        """As the JVM prints it, in what it counts in. Raises UnitError."""
        if setting.name == "gc":
            if value not in COLLECTORS:
                raise UnitError(f"found {value!r}, expected one of {', '.join(COLLECTORS)}")
            return str(value)
        flag = self._listed()[flag_of(setting.name)]
        if flag.type == "bool":
            if not isinstance(value, bool):
                raise UnitError(f"found {value!r}, expected true or false")
            return str(value).lower()
        if not flag.is_number:
            text = str(value)
            if re.search(r"[\s'\"\\$`]", text):
                raise UnitError(f"found {text!r}, expected one word without quotes")
            return text
        if setting.unit:
            return str(whole(value, setting.unit, self._own_unit(setting, flag)))
        if flag.type == "double":
            return format(float(exact(value)), "f")
        if exact(value).denominator != 1:
            raise UnitError(f"found {value!r}, expected a whole number")
        return str(int(exact(value)))

    def _understood(self, setting: Setting, flags: Mapping[str, Flag], words: Sequence[str]) -> Value:
        text = self._shown(setting.name, flags)
        if setting.name == "gc":
            return text
        flag = flags[flag_of(setting.name)]
        if flag.type == "bool":
            return text == "true"
        if not flag.is_number:
            return text
        asked = jvm_flags.requested(words, flag_of(setting.name))
        if asked is not None and 0 <= int(text) - asked < _ROUNDING:
            text = str(asked)
        if not setting.unit:
            return number(exact(text))
        try:
            return number(convert(exact(text), self._own_unit(setting, flag), setting.unit))
        except UnitError as error:
            raise AppError(f"{setting.parameter}: {error}.") from error

    def _shown(self, name: str, flags: Mapping[str, Flag]) -> str:
        """What a list of flags says of a setting; 0 where there is no limit."""
        if name == "gc":
            return next(
                (word for word, flag in COLLECTORS.items() if flag in flags and flags[flag].value == "true"), ""
            )
        flag = flags[flag_of(name)]
        return "0" if flag.type == "size_t" and int(flag.value) >= _UNLIMITED else flag.value

    def _own_unit(self, setting: Setting, flag: Flag) -> str:
        unit = jvm_flags.own_unit(setting.name, flag)
        if not unit:
            raise UnitError(
                f"{setting.name} cannot be said in {setting.unit}: what java counts it in is not known here"
            )
        return unit

    # --- finding

    def _process(self) -> Process | None:
        if self._pid_file:
            return jvm_process.by_pid_file(self._pid_file)
        if self._words:
            found = jvm_process.by_words(self._words)
            if len(found) > 1:
                raise AppError(
                    f"{len(found)} Java processes have {self._words!r} in their command lines: say more words."
                )
            return found[0] if found else None
        return jvm_process.by_unit(self._service.unit)

    def _running(self) -> Process:
        process = self._process()
        if process is None:
            raise AppError("its java does not run, so nothing is in force.")
        return process

    def _java(self) -> str:
        process = None if self._java_given else self._process()
        java = self._java_given or (process.java if process else "") or shutil.which("java") or "/usr/bin/java"
        if not os.access(java, os.X_OK):
            raise AppError(f"Java is not installed: there is no program {java} (option `java`).")
        return java

    def _jcmd(self) -> str:
        beside = os.path.join(os.path.dirname(os.path.realpath(self._java())), "jcmd")
        return beside if os.access(beside, os.X_OK) else ""

    def _listed(self) -> dict[str, Flag]:
        if self._flags is None:
            self._flags = jvm_flags.ask(self._java())
        return self._flags

    def _in_force(self, process: Process) -> dict[str, Flag]:
        """Asked of the process itself; without jcmd, of the same java started in the same way."""
        jcmd = self._jcmd()
        if jcmd and process.listens_to_tools:
            done = run([jcmd, str(process.pid), "VM.flags", "-all"])
            flags = jvm_flags.parse(done.output)
            if not done.code and flags:
                return {**self._listed(), **flags}
        for word in process.options:
            if word.startswith("@") and os.path.exists(word[1:]) and os.stat(word[1:]).st_mtime > process.started:
                raise AppError(
                    f"{word[1:]} was written after the java that has read it was started, so nobody can say what is in "
                    "force. Restart it, or install jcmd, which is part of a JDK."
                )
        return jvm_flags.ask(process.java, process.options, process.variables)

    def _variable_of_unit(self) -> str:
        """What the variable holds in the environment of the service without our drop-in."""
        own = managed_file.read(self._file)
        if own is not None:
            found = re.search(r"^# without it: (.*)$", own.decode("utf-8", "surrogateescape"), re.MULTILINE)
            return found[1] if found else ""
        said = run(["systemctl", "show", "--property", "Environment", "--value", self._service.unit]).output
        found = re.search(rf'(?:^|\s)(?:"{self._variable}=((?:[^"\\]|\\.)*)"|{self._variable}=(\S*))', said)
        return (found[1] or found[2] or "") if found else ""
