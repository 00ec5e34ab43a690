# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one reading of one machine holds: counters that grow as long as the machine runs, and gauges."""

from __future__ import annotations

from typing import Mapping, NamedTuple


class Processor(NamedTuple):
    """A vCPU that is there. time_ns: it ran; delay_ns: it wanted to run and did not, None where nobody counts."""

    time_ns: int
    delay_ns: int | None = None


class Memory(NamedTuple):
    """Gauges. used_mib: neither free nor in caches that can be given up; total_mib: what the guest has."""

    used_mib: float
    total_mib: float


class Disk(NamedTuple):
    """Finished requests, their bytes, and how long they took; None where nobody counts the time."""

    read_operations: int
    read_bytes: int
    write_operations: int
    write_bytes: int
    read_ns: int | None = None
    write_ns: int | None = None


class Interface(NamedTuple):
    """Bytes as the guest sees them."""

    received_bytes: int
    sent_bytes: int


class Reading(NamedTuple):
    """One machine at one moment, running. None stands for what could not be read.

    monotonic: seconds of the host's monotonic clock. run: tells one run of the machine from the next, which begins its
    counters anew. processors, disks, interfaces: by name.
    """

    monotonic: float
    run: str
    processors: Mapping[str, Processor] | None = None
    memory: Memory | None = None
    disks: Mapping[str, Disk] | None = None
    interfaces: Mapping[str, Interface] | None = None
