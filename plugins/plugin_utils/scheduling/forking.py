# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forks that cost little: a worker lives for one task, and need not copy what it never writes."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_light = False


@contextmanager
def light_forks() -> Iterator[None]:
    """While it lasts, workers do not collect garbage, which would copy every page that holds an object."""
    global _light
    gc.collect()
    gc.freeze()
    _light = True
    try:
        yield
    finally:
        _light = False
        gc.unfreeze()


def _forked() -> None:
    if _light:
        gc.disable()


os.register_at_fork(after_in_child=_forked)
