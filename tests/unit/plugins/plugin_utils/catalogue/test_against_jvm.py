# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogue says of the Java virtual machine is what each of those installed says of itself."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.evolve.vm.tests.catalogue_values import POSITIONS, SMALL, Told, active, told

ENTRIES = told("jvm")
COLLECTORS = {"serial": "Serial", "parallel": "Parallel", "g1": "G1", "z": "Z", "shenandoah": "Shenandoah"}
# Written in a way of their own; the flags that hold what they say.
SHORT = {"Xmx": "MaxHeapSize", "Xms": "InitialHeapSize", "Xss": "ThreadStackSize"}
SUFFIXES = {"B": "", "KiB": "k", "MiB": "m"}
# Where the system has no such pages, or no second node, the flag reads false whatever was asked for.
TAKEN_BACK = {"app.jvm.use_large_pages", "app.jvm.use_numa"}
# Java releases have changed some defaults since the one that the data state.
DEFAULTS_OF = "17"
# Heaps of half a gigabyte may be touched, not more.
MACHINE = {**SMALL, "guest.memory_mib": 512}


class Flag(NamedTuple):
    kind: str
    value: str
    origin: str


class Java:
    def __init__(self, program: Path) -> None:
        self._program = program
        done = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
        found = re.search(r'version "(\d+)', done.stderr)
        assert found is not None, done.stderr
        self.version = found[1]

    def flags(self, *options: str) -> dict[str, Flag]:
        """Every flag of a virtual machine that was started with these options."""
        command = [str(self._program), "-XX:+UnlockExperimentalVMOptions", *options, "-XX:+PrintFlagsFinal", "-version"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[:2000]
        lines = re.findall(r"^ *(\w+) (\w+) *:?= *(.*?) *\{[^}]*\} \{([^}]*)\}$", done.stdout, re.MULTILINE)
        return {name: Flag(kind, value, origin) for kind, name, value, origin in lines}


def installed() -> list[Path]:
    """The java of every installation; links to others left aside."""
    programs = {path.resolve() for path in Path("/usr/lib/jvm").glob("*/bin/java")}
    return sorted(programs) or [Path("java")]


@pytest.fixture(scope="module", params=installed(), ids=lambda path: path.parents[1].name)
def java(request: pytest.FixtureRequest) -> Java:
    return Java(request.param)


@pytest.fixture(scope="module")
def flags(java: Java) -> Mapping[str, Flag]:
    return java.flags("-XX:+UseG1GC")


@pytest.fixture(scope="module")
def here(java: Java) -> list[Told]:
    """The entries of this version but the choice of the collector, which is no flag."""
    return [entry for entry in ENTRIES if entry.is_in(java.version) and entry.setting != "gc"]


def test_it_has_exactly_the_flags_that_the_catalogue_says_its_version_has(
    java: Java, flags: Mapping[str, Flag]
) -> None:
    missing = {entry.name for entry in ENTRIES if entry.setting != "gc" and flag(entry) not in flags}
    assert missing == {entry.name for entry in ENTRIES if not entry.is_in(java.version)}


def test_types_are_those_of_the_flags(here: list[Told], flags: Mapping[str, Flag]) -> None:
    own = {"bool": "bool", "ccstr": "choice", "double": "float"}
    types = {entry.name: own.get(flags[flag(entry)].kind, "int") for entry in here}
    numbers = {e.name for e in here if e.raw["type"] == "choice" and isinstance(e.raw["values"][0], int)}
    assert {e.name: "int" if e.name in numbers else e.raw["type"] for e in here} == types


def test_experimental_flags_are_said_to_be(here: list[Told], java: Java) -> None:
    unlocked = set(java.flags("-XX:+UseG1GC"))
    locked = set(java.flags("-XX:+UseG1GC", "-XX:-UnlockExperimentalVMOptions"))
    experimental = {entry.name for entry in here if flag(entry) in unlocked - locked}
    assert {entry.name for entry in here if "experimental" in entry.raw["summary"]} == experimental


def test_defaults_are_those_of_the_flags(here: list[Told], java: Java, flags: Mapping[str, Flag]) -> None:
    stated = [entry for entry in here if entry.default is not None]
    differing = {e.name for e in stated if in_catalogue(e, flags[flag(e)]) != e.default}
    assert java.version != DEFAULTS_OF or differing == set()


@pytest.mark.parametrize("collector", COLLECTORS)
def test_every_value_is_taken_as_it_is(here: list[Told], java: Java, collector: str) -> None:
    # What is common to all collectors is tried out with one of them; of the others the ends do.
    for number in range(len(POSITIONS)) if collector == "g1" else (0, len(POSITIONS) - 1):
        chosen = {entry: pick(entry, number) for entry in here if entry.name not in TAKEN_BACK}
        values = {**MACHINE, "app.jvm.gc": collector, **{entry.name: value for entry, value in chosen.items()}}
        asked = active(list(chosen), values)
        found = java.flags(f"-XX:+Use{COLLECTORS[collector]}GC", *(option(entry, chosen[entry]) for entry in asked))
        got = {entry: in_catalogue(entry, found[flag(entry)]) for entry in asked}
        assert {e.name: (chosen[e], got[e]) for e in asked if got[e] != chosen[e]} == {}


def test_everything_takes_a_new_start() -> None:
    assert {entry.raw["tier"] for entry in ENTRIES} == {"restart"}


def pick(entry: Told, number: int) -> Any:
    """All lows together, and so on to the highs: so the constraints between parameters hold."""
    values = entry.samples(MACHINE)
    numeric = entry.raw["type"] in ("int", "float")
    first = len(entry.raw.get("special", [])) if numeric else 0
    return values[(first + number) % len(values)]


def flag(entry: Told) -> str:
    return SHORT.get(entry.setting, entry.setting)


def option(entry: Told, value: Any) -> str:
    if isinstance(value, bool):
        return f"-XX:{'+' if value else '-'}{entry.setting}"
    if entry.setting in SHORT:
        return f"-{entry.setting}{value}{SUFFIXES[entry.unit]}"
    return f"-XX:{entry.setting}={value}{SUFFIXES.get(entry.unit, '')}"


def in_catalogue(entry: Told, found: Flag) -> Any:
    """What a flag holds, in the entry's type and unit."""
    if found.kind == "bool":
        return found.value == "true"
    if found.kind == "ccstr":
        return found.value
    if found.kind == "double":
        return float(found.value)
    # Stacks are counted in KiB; all else that has a size in bytes.
    size = entry.in_bytes(1) // (1024 if flag(entry) == "ThreadStackSize" else 1) if entry.is_size else 1
    value = int(found.value)
    # Numbers without a sign stand for what is below zero too.
    return value // size if value % size == 0 else value
