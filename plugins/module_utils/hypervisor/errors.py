# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between a configuration and a hypervisor. Messages are meant for people, whole sentences."""

from __future__ import annotations


class HypervisorError(Exception):
    """Anything a driver reports. The text says what is wrong, where, and what to do."""


class NotAvailable(HypervisorError):
    """The hypervisor cannot be reached or used: not running, no permission, library missing."""


class UnknownMachine(HypervisorError):
    """The hypervisor has no machine of that name."""


class UnsuitableMachine(HypervisorError):
    """The machine is in a state in which nothing may be applied to it."""


class ApplyFailed(HypervisorError):
    """Applying failed after something had been touched; the text says what was put back.

    `rebooted` and `forced_off` tell what the guest went through meanwhile.
    """

    def __init__(self, message: str, rebooted: bool, forced_off: bool) -> None:
        self.rebooted = rebooted
        self.forced_off = forced_off
        super().__init__(message)
