# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking an nginx program whether it has a directive, by having it test a configuration of nothing else."""

from __future__ import annotations

import os
import tempfile
from typing import Callable, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.apps.commands import run

# No directive has this value; what nginx says of it tells what kind of directive it is.
_WORD = "evolve_vm_asks"
_ELSEWHERE = ("unknown directive", "directive is not allowed here", "has no opening", "is not terminated by")


class Answer(NamedTuple):
    """Whether the directive may stand in that context, and is either on or off."""

    exists: bool
    is_flag: bool


class Probe:
    """load_modules: gives the directives that load the modules of the nginx that is asked about."""

    def __init__(self, program: str, load_modules: Callable[[], str]) -> None:
        self._program = program
        self._load_modules = load_modules
        self._answers: dict[tuple[str, str], Answer] = {}

    def ask(self, context: str, name: str) -> Answer:
        """What the program says of a directive in a context: main, or the name of a block of the outermost level."""
        if (context, name) not in self._answers:
            self._answers[context, name] = self._ask(context, name)
        return self._answers[context, name]

    def _ask(self, context: str, name: str) -> Answer:
        asked = f"{name} {_WORD};\n"
        blocks = {"events": "", **({context: asked} if context != "main" else {})}
        with tempfile.TemporaryDirectory(prefix="evolve-nginx-") as folder:
            path = os.path.join(folder, "nginx.conf")
            with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(self._load_modules())
                # First, or it would be too late for some: they are told by what nginx says of this one.
                file.write(asked if context == "main" else "")
                file.write("" if name == "pid" and context == "main" else f"pid {folder}/pid;\n")
                file.write("".join(f"{block} {{\n{inside}}}\n" for block, inside in blocks.items()))
            said = run([self._program, "-t", "-c", path, "-p", folder]).errors
        about_it = [line for line in said.splitlines() if f'"{name}"' in line]
        exists = not any(reason in line for line in about_it for reason in _ELSEWHERE)
        return Answer(exists, any('must be "on" or "off"' in line for line in about_it))
