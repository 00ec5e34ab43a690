# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm.disk.class: which storage pool holds the volume of a machine, and the safe move of a volume into another pool.

Both volumes stay until the move is confirmed or undone. What a machine is defined with is always a complete volume, at
whatever point one is killed: a copy gets its name when it is complete and verified, and nothing that a definition
names is ever written to or deleted.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_copy import (
    PARTIAL,
    CopyFailed,
    Ownership,
    Stamp,
    copy_file,
    ownership_among,
    ownership_of,
    remove,
    stamp,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_faults import move_faults
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_image import backing_path, read_qcow2
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_mark import (
    Mark,
    is_ours,
    remove_mark,
    write_mark,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_pools import (
    OF_FILES,
    pool_has,
    pools_of,
    refresh,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_source import find_source, with_source
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_surroundings import Surroundings, speaking
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import HypervisorError, UnsuitableMachine
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt

NAME = "vm.disk.class"


def disk_class_of(connection: Any, xml: str, disk: str | None, pools: Mapping[str, str]) -> str:
    """The class of the volume this definition names: that of its pool; empty when it is in no known pool.

    pools: class -> pool; when empty, each class is the pool of that name.
    """
    try:
        source = find_source(xml, disk)
    except UnsuitableMachine:
        return ""
    with speaking("Reading the storage pools failed"):
        known = pools_of(connection)
        for name, pool in (pools or {each: each for each in known}).items():
            if pool in known and pool_has(connection, source, known[pool]):
                return name
    return ""


class DiskMove:
    """One move of one disk into the pool of a class. Files are changed by perform, undo and confirm only.

    xml: the definition for the next start, before the move. disk: target (vda); None takes the first disk. pools:
    class -> pool; when empty, each class is the pool of that name. All methods raise HypervisorError.
    """

    def __init__(
        self, connection: Any, xml: str, disk: str | None, wanted_class: str, pools: Mapping[str, str]
    ) -> None:
        with speaking("Reading the storage pools failed"):
            self._here = Surroundings(connection, xml, disk, wanted_class, pools)

    def faults(self) -> list[str]:
        """Every reason why this move cannot be made, as sentences. Touches nothing."""
        with speaking("Reading the storage pools failed"):
            return [f"{NAME}: {fault}" for fault in move_faults(self._here)]

    def perform(self) -> str:
        """Copy the volume into the pool; returns the definition that names the copy. The machine must be shut off."""
        here = self._here
        faults = self.faults()
        pool = here.pool
        if faults or pool is None:
            raise HypervisorError("\n".join(faults))
        disk, old = here.disk, here.old
        if here.is_there(disk):
            return here.xml
        new = here.new(pool)
        with speaking(f"{NAME}: {old} was not moved to {new}"):
            self._must_be_off()
            for path in here.replaced(pool):
                # What an earlier move left there is kept as long as it is not in the way: faults counted it as free.
                if path != new or here.lacking_bytes(pool):
                    remove(path)
            left = here.own_mark(old)
            mark = Mark(here.machine, here.uuid, disk.target, new, here.origin)
            fresh = not os.path.lexists(new)
            write_mark(mark)
            try:
                _copy(old, mark, ownership_among(pool.path, old, is_ours), overlay=disk.format == "qcow2")
                if left is None:
                    write_mark(mark._replace(volume=old))
            except BaseException:
                if fresh:
                    remove(new)
                    remove_mark(new)
                raise
            self._refresh(pool.name, needed=disk.kind == "volume")
        named = {"file": new} if disk.kind == "file" else {"pool": pool.name, "volume": os.path.basename(new)}
        return with_source(here.xml, disk, named)

    def undo(self) -> None:
        """Return to the volume of before and take the copy away. The machine must be shut off.

        Where the machine has run with the copy and written to it, what it wrote is brought back to the old volume
        first. A definition that names the copy is made to name the old volume. Does nothing where nothing was moved.
        """
        here = self._here
        pool = here.pool
        if pool is None or here.is_there(here.disk):
            return
        old, new = here.old, here.new(pool)
        with speaking(f"{NAME}: the move of {old} to {new} was not undone"):
            mark = here.own_mark(new)
            if mark is not None:
                self._must_be_off()
                if mark.copied is not None and os.path.exists(new) and stamp(new) != mark.copied:
                    _bring_back(mark, old)
                self._define_back(new)
                self._remove_copies([mark])
            left = here.marks()
            # A mark says that there are others.
            self._tidy(old, left if all(each.volume == old for each in left) else [])

    def confirm(self) -> None:
        """Take away every copy of this disk that this move and earlier ones have left behind, in all pools.

        The definition of the machine must name the volume in the wanted class, and nobody may use the copies.
        """
        here = self._here
        with speaking(f"{NAME}: the copies of {here.machine} that were left behind were not taken away"):
            present = here.present()
            if present is None or not here.is_there(present):
                raise HypervisorError(
                    f"{NAME}: nothing was taken away, for the definition of {here.machine} does not name a volume of "
                    f"class {here.wanted}. Define the machine with it first."
                )
            in_use = here.in_use()
            if not os.path.isfile(in_use):
                raise HypervisorError(f"{NAME}: nothing was taken away, for the volume {in_use} is not there.")
            marks = here.marks()
            self._remove_copies([mark for mark in marks if mark.volume != in_use])
            self._tidy(in_use, marks)

    def kept(self) -> list[str]:
        """The volumes that moves of this disk have left behind and nobody has confirmed, as paths."""
        with speaking("Reading the storage pools failed"):
            in_use = self._here.in_use()
            volumes = [mark.volume for mark in self._here.marks()]
            return [volume for volume in volumes if volume != in_use and os.path.exists(volume)]

    def _must_be_off(self) -> None:
        domain = self._here.domain()
        if domain is not None and domain.isActive():
            raise HypervisorError(
                f"{NAME}: {self._here.machine} is running; its volume can be moved only while it is off."
            )

    def _define_back(self, new: str) -> None:
        """Where the definition names the copy, have it name the old volume."""
        here = self._here
        present = here.present()
        if present is None or here.in_use() != new:
            return
        xml = str(here.domain().XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE))
        here.connection.defineXML(with_source(xml, find_source(xml, present.target), here.disk.source))

    def _remove_copies(self, marks: list[Mark]) -> None:
        users = self._here.users_of([mark.volume for mark in marks])
        if users:
            listing = ", ".join(mark.volume for mark in marks)
            raise HypervisorError(f"{NAME}: nothing was taken away, for {listing} is still used by {'; '.join(users)}.")
        for mark in marks:
            # The mark goes last: without it nobody would know whose the volume is.
            remove(mark.volume + PARTIAL)
            remove(mark.volume)
            remove_mark(mark.volume)

    def _tidy(self, volume: str, marks: list[Mark]) -> None:
        """Take away the mark of the only copy, and have libvirt see what there is now."""
        if volume in [mark.volume for mark in marks]:
            remove_mark(volume)
        for pool in self._here.pools.values():
            if pool.active and pool.kind in OF_FILES:
                self._refresh(pool.name, needed=False)

    def _refresh(self, pool: str, needed: bool) -> None:
        try:
            refresh(self._here.connection, pool)
        except libvirt.libvirtError:
            # A machine that names files does not need the pool to know them.
            if needed:
                raise


def _copy(old: str, mark: Mark, ownership: Ownership, overlay: bool) -> None:
    """Copy `old` to where the mark lies, which then tells the stamps of both."""
    original = stamp(old)

    def finish(partial: str) -> None:
        if overlay:
            _keep_backing(old, partial)

    def complete(copied: Stamp) -> None:
        # What an earlier move left there goes first: it must never be taken for a copy that was written to since.
        remove(mark.volume)
        write_mark(mark._replace(copied=copied, original=original))

    copy_file(old, mark.volume, ownership, finish, complete)


def _bring_back(mark: Mark, old: str) -> None:
    """Copy what the machine has written since the move to the old volume."""
    if os.path.exists(old) and stamp(old) not in (mark.original, mark.returned):
        raise HypervisorError(
            f"{NAME}: both {old} and its copy {mark.volume} were written to since the move; both were kept. Decide "
            f"which one {mark.machine} is to have, and delete the other."
        )
    own = ownership_of(old if os.path.exists(old) else mark.volume)
    # For one who is killed right after that, and undoes once more.
    copy_file(mark.volume, old, own, before_rename=lambda made: write_mark(mark._replace(returned=made)))


def _keep_backing(old: str, partial: str) -> None:
    """Have the copy of an overlay find its backing file from its new place. Raises CopyFailed."""
    image = read_qcow2(old)
    backing = backing_path(old)
    if image is None or not backing or os.path.isabs(image.backing):
        return
    kind = image.backing_format or ("raw" if read_qcow2(backing) is None else "qcow2")
    _qemu_img("rebase", "-u", "-f", "qcow2", "-F", kind, "-b", backing, partial)
    if not image.encrypted:
        _qemu_img("compare", "-f", "qcow2", "-F", "qcow2", old, partial)


def _qemu_img(*arguments: str) -> None:
    done = subprocess.run(["qemu-img", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise CopyFailed(f"qemu-img {arguments[0]} ended with {done.returncode}: {said}")
