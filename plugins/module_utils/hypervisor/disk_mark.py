# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note that lies beside every copy of a disk while a move is not confirmed: whose it is and where it came from.

It never says which copy is the one in force, for that is what the definition of the machine says, and nothing else.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_copy import PARTIAL, Stamp, remove, write_text

ENDING = ".evolve-copy"
_ABOUT = (
    "evolve.vm moves disk {disk} of machine {machine} between storage pools. {volume} is one of its copies. The one in "
    "use is the one that `virsh domblklist --inactive {machine}` shows. Any other can be deleted, and this note with "
    "it, once the machine works."
)


class Mark(NamedTuple):
    """volume: the path it lies beside; origin: where the disk was before the first of the moves nobody has confirmed.
    By that it is known, and not by its target, which another bus may change. disk: its target, for people.

    copied: stamp of the copy when it was complete; None before that. original: stamp of what it was copied from.
    returned: stamp of the same file once what the machine wrote to the copy has been brought back there.
    """

    machine: str
    uuid: str
    disk: str
    volume: str
    origin: str
    copied: Stamp | None = None
    original: Stamp | None = None
    returned: Stamp | None = None

    def is_of(self, uuid: str, origin: str) -> bool:
        """Whether it is about the disk of this machine that was there first."""
        return (self.uuid, self.origin) == (uuid, origin)


def write_mark(mark: Mark) -> None:
    """Raises OSError."""
    about = _ABOUT.format(disk=mark.disk, machine=mark.machine, volume=mark.volume)
    write_text(mark.volume + ENDING, json.dumps({"about": about, **mark._asdict()}, indent=2) + "\n")


def read_mark(volume: str) -> Mark | None:
    """The mark beside this volume; None without one, or where it was not written by us."""
    try:
        with open(volume + ENDING, encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
        machine, uuid, disk, origin = (str(found[name]) for name in ("machine", "uuid", "disk", "origin"))
        stamps = [Stamp(*found[name]) if found[name] else None for name in ("copied", "original", "returned")]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # Where it lies counts, not where it lay when it was written: whoever moved it by hand moved the volume too.
    return Mark(machine, uuid, disk, volume, origin, *stamps)


def remove_mark(volume: str) -> None:
    """Raises OSError."""
    remove(volume + ENDING)


def marked_volumes(folder: str, uuid: str, origin: str) -> list[Mark]:
    """The marks of this disk in a folder, also those whose volume has gone."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(ENDING))
    except OSError:
        return []
    marks = [read_mark(os.path.join(folder, name[: -len(ENDING)])) for name in names]
    return [mark for mark in marks if mark is not None and mark.is_of(uuid, origin)]


def is_ours(name: str) -> bool:
    """Whether a file name is that of a mark or of an unfinished copy."""
    return name.endswith((ENDING, PARTIAL))
