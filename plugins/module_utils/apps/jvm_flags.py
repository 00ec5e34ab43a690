# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags of a Java virtual machine: as it lists them, and as options of its command line. Pure but for asking `java`."""

from __future__ import annotations

import re
from typing import Iterable, Mapping, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import run, tail
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError

COLLECTORS: Mapping[str, str] = {
    "serial": "UseSerialGC",
    "parallel": "UseParallelGC",
    "g1": "UseG1GC",
    "z": "UseZGC",
    "shenandoah": "UseShenandoahGC",
    "epsilon": "UseEpsilonGC",
}
"""Word of the setting `gc` -> the flag that chooses this garbage collector."""

ALIASES: Mapping[str, str] = {
    "heap": "MaxHeapSize",
    "Xmx": "MaxHeapSize",
    "Xms": "InitialHeapSize",
    "Xss": "ThreadStackSize",
}
"""Setting that is no flag -> the flag that tells what is in force of it. `heap` is both -Xms and -Xmx."""

# Counted in KiB, where all other sizes are in bytes.
_IN_KIB = ("ThreadStackSize", "CompilerThreadStackSize", "VMThreadStackSize")
_UNLOCK = {"experimental": "-XX:+UnlockExperimentalVMOptions", "diagnostic": "-XX:+UnlockDiagnosticVMOptions"}
_SECONDS = 60.0
# A java that fails leaves a report behind, and one that touches all its memory at once takes it from others.
_HARMLESS = ("-XX:ErrorFile=/dev/null", "-XX:-AlwaysPreTouch")
_NOISE = ("Error: Could not create", "Error: A fatal", "Picked up", "NOTE: Picked up")
_QUIET = {"JDK_JAVA_OPTIONS": "", "JAVA_TOOL_OPTIONS": "", "_JAVA_OPTIONS": ""}


class Flag(NamedTuple):
    """type: as the JVM calls it, such as bool, size_t or uintx. kinds: such as product, manageable, experimental."""

    type: str
    value: str
    kinds: str

    @property
    def is_number(self) -> bool:
        return self.type not in ("bool", "ccstr", "ccstrlist")


def parse(text: str) -> dict[str, Flag]:
    """What -XX:+PrintFlagsFinal or `jcmd VM.flags -all` prints, as name -> flag."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"\s*(\w+)\s+(\w+)\s+:?=(.*?)\{([^{}]*)\}(?:\s*\{[^{}]*\})?\s*$", line)
        if match:
            found[match[2]] = Flag(match[1], match[3].strip(), match[4])
    return found


def ask(java: str, options: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> dict[str, Flag]:
    """All flags of a java that is started with these options. Raises AppError with its words."""
    unlocked = [*_UNLOCK.values(), *options, *_HARMLESS[:1], "-XX:+PrintFlagsFinal", "-version"]
    done = run([java, *unlocked], _SECONDS, environment={**_QUIET, **(environment or {})})
    flags = parse(done.output)
    if done.code or not flags:
        raise AppError(f"{java} does not list its flags: {tail(done.output + done.errors)}")
    return flags


def refusal(java: str, options: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Why a java does not start with these options, in its words; empty where it does."""
    done = run([java, *options, *_HARMLESS, "-version"], _SECONDS, environment={**_QUIET, **(environment or {})})
    if not done.code:
        return ""
    lines = [line for line in f"{done.output}\n{done.errors}".splitlines() if line.strip(" #")]
    telling = [line for line in lines if not line.startswith(_NOISE)]
    return tail("\n".join(telling[:4] or lines)) or f"java ended with exit code {done.code}"


def flag_of(setting: str) -> str:
    """The flag that a setting is about."""
    return ALIASES.get(setting, setting)


def own_unit(setting: str, flag: Flag) -> str:
    """What the JVM counts a flag in; empty where that is not known."""
    name = flag_of(setting)
    if name in _IN_KIB:
        return "KiB"
    if re.search(r"Milli(s|seconds)$|IntervalMS$|PeriodicGCInterval$", name):
        return "ms"
    return "B" if flag.type == "size_t" or name.endswith(("Size", "Limit")) else ""


def options(values: Mapping[str, str], flags: Mapping[str, Flag]) -> list[str]:
    """The command line for settings with values in the JVM's own units, as it prints them."""
    words: list[str] = []
    for name, value in values.items():
        if name == "gc":
            others = [each for word, each in COLLECTORS.items() if word != value and _is_plain(each, flags)]
            # Two at a time are refused, and the service itself may choose one.
            words += [*(f"-XX:-{each}" for each in others), f"-XX:+{COLLECTORS[value]}"]
        elif name == "heap":
            words += [f"-Xms{_short(value)}", f"-Xmx{_short(value)}"]
        elif name in ("Xmx", "Xms"):
            words.append(f"-{name}{_short(value)}")
        elif name == "Xss":
            words.append(f"-Xss{value}k")
        elif name == "MaxMetaspaceSize" and value == "0":
            continue  # no limit, which cannot be said
        elif flags[name].type == "bool":
            words.append(f"-XX:{'+' if value == 'true' else '-'}{name}")
        else:
            words.append(f"-XX:{name}={value}")
    named = [COLLECTORS.get(value, "") if name == "gc" else flag_of(name) for name, value in values.items()]
    kinds = " ".join(flags[name].kinds for name in named if name in flags)
    return [option for kind, option in _UNLOCK.items() if kind in kinds] + words


def requested(words: Iterable[str], flag: str) -> int | None:
    """The bytes that the last of these options asks for, where the JVM rounds up what is asked for."""
    short = {"MaxHeapSize": "-Xmx", "InitialHeapSize": "-Xms"}.get(flag, "")
    found = None
    for word in words:
        match = re.fullmatch(rf"(?:{short or '-XX'}|-XX:{flag}=)(\d+)([kKmMgGtT]?)", word)
        if match:
            found = int(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " ")
    return found


def _is_plain(name: str, flags: Mapping[str, Flag]) -> bool:
    return name in flags and not any(kind in flags[name].kinds for kind in _UNLOCK)


def _short(size: str) -> str:
    """A number of bytes in the largest unit that it is a whole number of."""
    amount = int(size)
    for letter, unit in (("g", 1024**3), ("m", 1024**2), ("k", 1024)):
        if amount and amount % unit == 0:
            return f"{amount // unit}{letter}"
    return size
