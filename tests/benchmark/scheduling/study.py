# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a study as a user does, ansible-playbook in a process of its own, and gathers what came of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.evolve.vm.tests.benchmark.scheduling.estate import STUDY, store_of, write_inventory
from ansible_collections.evolve.vm.tests.benchmark.scheduling.evidence import Evidence, read
from ansible_collections.evolve.vm.tests.benchmark.scheduling.process import Sample, Watch
from ansible_collections.evolve.vm.tests.benchmark.scheduling.setup import REPOSITORY, Setup

_REPORT_SECONDS = 30


class StudyFailed(RuntimeError):
    """The playbook did not end well."""


@dataclass(frozen=True)
class Outcome:
    """What came of a study. samples: of each controller. total_mib: the most memory that each held with its workers.
    seconds: how long the whole playbook took, from the check of its variables to the report."""

    setup: Setup
    evidence: Evidence
    samples: tuple[tuple[Sample, ...], ...]
    total_mib: tuple[float, ...]
    seconds: float


def run(setup: Setup, title: str) -> Outcome:
    """Run the study to its end. Raises StudyFailed, which names the folder that is kept then."""
    folder = Path(tempfile.mkdtemp(prefix="evolve-scheduling-"))
    print(f"{title}: {setup.trials} trials on {setup.slots} slots ...", flush=True)
    started = time.monotonic()
    processes = [_start(setup, folder, controller) for controller in range(setup.controllers)]
    watches = [Watch(process.pid) for process in processes]
    try:
        while any(process.poll() is None for process in processes):
            _wait(processes, _REPORT_SECONDS)
            print(f"  {time.monotonic() - started:6.0f} s  {_measured(folder)} measured", flush=True)
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
                process.wait()
        for watch in watches:
            watch.end()
    if any(process.returncode for process in processes):
        said = (folder / "said-0.txt").read_text()[-3000:]
        raise StudyFailed(f"{title}: ansible-playbook ended badly; everything is in {folder}\n{said}")
    seconds = time.monotonic() - started
    evidence = read(store_of(setup, folder), STUDY, folder / "log.jsonl")
    shutil.rmtree(folder)
    samples = tuple(tuple(watch.samples) for watch in watches)
    return Outcome(setup, evidence, samples, tuple(watch.total_mib for watch in watches), seconds)


def _start(setup: Setup, folder: Path, controller: int) -> subprocess.Popen[bytes]:
    command = write_inventory(setup, folder, controller)
    environment = {**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    with (folder / f"said-{controller}.txt").open("wb") as said:
        return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=said, stderr=subprocess.STDOUT)


def _wait(processes: list[subprocess.Popen[bytes]], seconds: float) -> None:
    patience = time.monotonic() + seconds
    while time.monotonic() < patience and any(process.poll() is None for process in processes):
        time.sleep(0.2)


def _measured(folder: Path) -> int:
    log = folder / "log.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0
