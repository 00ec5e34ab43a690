# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""command: a program of the user's. It answers well by ending with exit code 0."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from contextlib import suppress
from typing import ClassVar, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.interface import Probe, ProbeFailed, ProbeFault


class Command(Probe):
    """No shell reads it. Its answer takes as long as it runs, which the start of a process is part of."""

    OPTIONS: ClassVar[Sequence[str]] = ("command",)

    def __init__(self, section: Section, address: str) -> None:
        self._command = section.command("command")
        if section.content.get("command") is None:
            section.fault("command", "is missing")

    def check(self) -> None:
        if shutil.which(self._command[0]) is None:
            raise ProbeFault(f"command: there is no program {self._command[0]} here")

    async def ask(self) -> float:
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd="/",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = await process.wait()
            took = (time.perf_counter() - began) * 1000.0
        finally:
            # Also its children, which may have outlived it.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        if code:
            raise ProbeFailed(f"it ended with exit code {code}" if code > 0 else f"signal {-code} killed it")
        return took
