# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller that is killed at any moment loses nothing, and leaves nobody behind."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from .auditing import off_baseline
from .conftest import Core, Estate
from .controller import alive, descendants
from .crashing import crash

POINTS = 12


def test_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    """`make bench-crashes` does a hundred."""
    found = crash(POINTS, seed=4, folder=tmp_path)
    assert not found.faults, "\n".join(found.faults)
    assert found.kills == POINTS
    assert len(found.phases) >= 5, found
    assert found.measurements, found
    assert found.restored, found


def test_a_worker_does_not_outlive_its_controller(estate: Estate, core: Core) -> None:
    """One that was about to change its machine when the controller died must not do so after the next one has put the
    machine back."""
    estate.core = core
    estate.hosts = {"sim-1": {}}
    with estate.start() as controller:
        assert controller.wait_for("Search"), controller.output
        stopped: list[int] = []

        def caught() -> bool:
            """Stop the next worker before it has done anything."""
            for pid in descendants(controller.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)
            return bool(stopped)

        assert controller.wait_for(caught), controller.output
        assert not off_baseline(estate)
        controller.kill(tree=False)
    for pid in stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    assert not alive(stopped, 3)
    assert not off_baseline(estate), "the worker has gone on without its controller"
