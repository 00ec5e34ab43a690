# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of disks, which are the storage pools that their volumes lie in: reading them, and moving disks.

Moving is the business of disk_class.py; this is the place where it is joined to the driver.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, Protocol


class Move(Protocol):
    """One disk on its way to another class."""

    def faults(self) -> list[str]:
        """Every reason why it cannot be moved, as sentences."""

    def perform(self) -> str:
        """Copy and verify, with the machine off; returns the definition with the moved source."""

    def undo(self) -> None:
        """Take the copy away again."""


#: DiskMove and disk_class_of of disk_class.py; None as long as there is no such file.
MOVE: Callable[[Any, str, str | None, str, Mapping[str, str]], Move] | None = None
CLASS_OF: Callable[[Any, str, str | None, Mapping[str, str]], str] | None = None
