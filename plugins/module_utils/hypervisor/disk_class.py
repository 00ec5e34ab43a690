# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm.disk.class: which storage pool holds the volume of a machine, and the safe move of a volume into another pool.

Both volumes stay until the move is confirmed or undone. What a machine is defined with is always a complete volume, at
whatever point one is killed: a copy gets its name when it is complete and verified, and nothing that a definition
names is ever changed or deleted.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from shutil import which
from typing import Any, Iterator, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_copy import (
    PARTIAL,
    CopyFailed,
    Ownership,
    Stamp,
    copy_file,
    ownership_among,
    ownership_of,
    remove,
    space_free,
    space_needed,
    stamp,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_image import Qcow2, backing_path, read_qcow2
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_mark import (
    ENDING,
    Mark,
    is_ours,
    marked_volumes,
    read_mark,
    remove_mark,
    write_mark,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_pools import (
    OF_FILES,
    Pool,
    is_local,
    path_of,
    pools_of,
    refresh,
    uses,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_source import (
    DiskSource,
    find_source,
    machine_of,
    with_source,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import HypervisorError, UnsuitableMachine
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

NAME = "vm.disk.class"
_FORMATS = ("raw", "qcow2")
_SPARE_BYTES = 1 << 20
"""For the mark and what a file system needs for itself."""


def disk_class_of(connection: Any, xml: str, disk: str | None, pools: Mapping[str, str]) -> str:
    """The class of the volume this definition names: that of its pool; empty when it is in no known pool.

    pools: class -> pool; when empty, each class is the pool of that name.
    """
    try:
        source = find_source(xml, disk)
    except UnsuitableMachine:
        return ""
    return _class_of(connection, source, pools_of(connection), pools)


class DiskMove:
    """One move of one disk into the pool of a class. Files are changed by perform, undo and confirm only.

    xml: the definition for the next start, before the move. disk: target (vda); None takes the first disk.
    All methods raise HypervisorError.
    """

    def __init__(
        self, connection: Any, xml: str, disk: str | None, wanted_class: str, pools: Mapping[str, str]
    ) -> None:
        self._connection = connection
        self._xml = xml
        self._target = disk
        self._class = wanted_class
        self._machine, self._uuid = machine_of(xml)
        with self._speaking("Reading the storage pools failed"):
            self._pools = pools_of(connection)
        self._classes = dict(pools) or {name: name for name in self._pools}

    def faults(self) -> list[str]:
        """Every reason why this move cannot be made, as sentences. Touches nothing."""
        with self._speaking("Reading the storage pools failed"):
            pool, faults = self._pool_faults()
            try:
                disk, wanted = self._found()
            except UnsuitableMachine as error:
                return [*faults, f"{NAME}: {error}"]
            if wanted is not None and self._is_there(disk, wanted):
                return []
            unsuited = self._disk_faults(disk)
            faults += unsuited
            if not unsuited:
                faults += self._use_faults(disk)
                if pool is not None and not faults:
                    faults += self._target_faults(self._path(disk), pool)
            return faults

    def perform(self) -> str:
        """Copy the volume into the pool; returns the definition that names the copy. The machine must be shut off."""
        disk, pool = self._checked()
        if self._is_there(disk, pool):
            return self._xml
        old, new = self._path(disk), self._copy_path(disk, pool)
        self._must_be_off()
        with self._speaking(f"{NAME}: {old} was not moved to {new}"):
            if self._lacks_space(old, new):
                # Only counted as free where the copy left there by an earlier move is what takes the space.
                remove(new)
            left = self._own_mark(old, disk)
            mark = Mark(self._machine, self._uuid, disk.target, new, origin=left.origin if left else old)
            fresh = not os.path.lexists(new)
            write_mark(mark)
            try:
                self._copy(old, mark, ownership_among(pool.path, old, is_ours), overlay=disk.format == "qcow2")
                if left is None:
                    write_mark(mark._replace(volume=old, origin=old))
            except BaseException:
                if fresh:
                    remove(new)
                    remove_mark(new)
                raise
            self._refresh(pool, needed=disk.kind == "volume")
        return self._named(self._xml, disk, pool, new)

    def undo(self) -> None:
        """Return to the volume of before and take the copy away. The machine must be shut off.

        Where the machine has run with the copy and written to it, what it wrote is brought back to the old volume
        first. A definition that names the copy is made to name the old volume. Does nothing where nothing was moved.
        """
        disk, pool = self._found()
        if pool is None or self._is_there(disk, pool):
            return
        old, new = self._path(disk), self._copy_path(disk, pool)
        mark = self._own_mark(new, disk)
        if mark is None:
            return
        with self._speaking(f"{NAME}: the move of {old} to {new} was not undone"):
            self._must_be_off()
            if mark.copied is not None and os.path.exists(new) and stamp(new) != mark.copied:
                self._bring_back(mark, old)
            self._define_back(disk, new)
            self._remove_copies([mark])
            self._tidy(old)

    def confirm(self) -> None:
        """Take away every copy of this disk that an earlier move has left behind, in all pools.

        The definition of the machine must name the volume in the wanted class, and nobody may use the copies.
        """
        pool = self._found()[1]
        with self._speaking(f"{NAME}: the copies of {self._machine} that were left behind were not taken away"):
            present = self._present()
            if present is None or pool is None or not self._is_there(present, pool):
                raise HypervisorError(
                    f"{NAME}: nothing was taken away, for the definition of {self._machine} does not name a volume of "
                    f"class {self._class}. Define the machine with it first."
                )
            in_use = self._path(present)
            if not os.path.isfile(in_use):
                raise HypervisorError(f"{NAME}: nothing was taken away, for the volume {in_use} is not there.")
            self._remove_copies([mark for mark in self._marks() if mark.volume != in_use])
            self._tidy(in_use)

    def kept(self) -> list[str]:
        """The volumes that moves of this disk have left behind and nobody has confirmed, as paths."""
        with self._speaking("Reading the storage pools failed"):
            present = self._present()
            in_use = "" if present is None else self._path(present)
            return [mark.volume for mark in self._marks() if mark.volume != in_use and os.path.exists(mark.volume)]

    # --- checks -------------------------------------------------------------------------------------------------------

    def _pool_faults(self) -> tuple[Pool | None, list[str]]:
        """The pool of the wanted class if it can take volumes, and why it cannot."""
        if self._class not in self._classes:
            listing = f"There is: {', '.join(sorted(self._classes))}." if self._classes else "There is none."
            hint = did_you_mean(self._class, self._classes)
            return None, [f"{NAME}: there is no class {self._class} on this hypervisor.{hint} {listing}"]
        name = self._classes[self._class]
        if name not in self._pools:
            listing = f"It has: {', '.join(sorted(self._pools))}." if self._pools else "It has none."
            return None, [
                f"{NAME}: class {self._class} is the storage pool {name}, which this hypervisor does not have."
                f"{did_you_mean(name, self._pools)} {listing}"
            ]
        pool = self._pools[name]
        if pool.kind not in OF_FILES:
            return None, [
                f"{NAME}: class {self._class} is the storage pool {name} of type {pool.kind}; volumes can be moved "
                f"between pools of files only (types {', '.join(OF_FILES)})."
            ]
        if not pool.active:
            return None, [
                f"{NAME}: class {self._class} is the storage pool {name}, which is not active. Start it: "
                f"virsh pool-start {name}."
            ]
        if not is_local(self._connection):
            return pool, [
                f"{NAME}: {self._connection.getURI()} is another host, and a volume can be moved only on the host that "
                "has it. Let the task run there: set evolve_hypervisor to that host."
            ]
        if not os.access(pool.path, os.R_OK | os.W_OK | os.X_OK):
            return pool, [f"{NAME}: no permission to write to {pool.path} (pool {name}). Run the task with become."]
        return pool, []

    def _disk_faults(self, disk: DiskSource) -> list[str]:
        """Why this is no volume that can be moved."""
        what = f"{NAME}: disk {disk.target}"
        if disk.device != "disk" or disk.kind not in ("file", "volume"):
            kind = disk.kind if disk.device == "disk" else f"{disk.kind}, passed through as {disk.device}"
            return [f"{what} is neither a file nor a volume in a pool of files but of type {kind}; it cannot be moved."]
        path = self._path(disk)
        if not path:
            named = disk.source.get("volume", "")
            where = disk.source.get("pool", "")
            return [f"{what} has the volume {named} of pool {where}, which is not there or whose pool is not active."]
        if os.path.islink(path) or not os.path.isfile(path):
            there = "is a symbolic link" if os.path.islink(path) else "is not there, or is no file"
            return [f"{what} has its data in {path}, which {there}. It must be the file itself."]
        if not os.access(path, os.R_OK):
            return [f"{what}: no permission to read {path}. Run the task with become."]
        faults = []
        if disk.shareable:
            faults.append(f"{what} is marked as shared with other machines (<shareable/>); it cannot be moved.")
        if disk.format not in _FORMATS:
            faults.append(f"{what} has format {disk.format}; only {' and '.join(_FORMATS)} can be moved.")
        image = read_qcow2(path) if disk.format == "qcow2" else None
        if disk.format == "qcow2" and image is None:
            faults.append(f"{what} is said to be qcow2, but {path} is no qcow2 image.")
        if image is not None:
            faults += self._image_faults(what, path, image)
        return faults

    @staticmethod
    def _image_faults(what: str, path: str, image: Qcow2) -> list[str]:
        faults = []
        if image.external_data:
            faults.append(f"{what}: {path} keeps its data in another file (data_file); it cannot be moved.")
        backing = backing_path(path)
        if backing and not os.path.isfile(backing):
            faults.append(f"{what}: {path} is an overlay of {backing}, which is not there.")
        elif backing and not os.path.isabs(image.backing) and which("qemu-img") is None:
            faults.append(
                f"{what}: {path} names its backing file relative to its own place ({image.backing}); qemu-img is "
                "needed to rewrite that in a copy. Install it: package qemu-utils (Debian) or qemu-img (Fedora)."
            )
        return faults

    def _use_faults(self, disk: DiskSource) -> list[str]:
        """Who else needs the volume to stay where it is."""
        path = os.path.realpath(self._path(disk))
        others = {
            use.by
            for use in uses(self._connection, self._pools)
            if use.path == path and (use.uuid, use.disk) != (self._uuid, disk.target)
        }
        faults = [f"{NAME}: {path} is also used by {by}; it cannot be moved." for by in sorted(others)]
        domain = self._domain()
        snapshots = 0 if domain is None else _count_snapshots(domain)
        if snapshots:
            faults.append(
                f"{NAME}: {self._machine} has {snapshots} snapshot{'s' if snapshots > 1 else ''}, which would stay "
                f"with the old volume. Delete them first (virsh snapshot-list {self._machine})."
            )
        return faults

    def _target_faults(self, old: str, pool: Pool) -> list[str]:
        """Why the pool cannot take the copy."""
        new = os.path.join(pool.path, os.path.basename(old))
        mark, claimed = read_mark(new), os.path.lexists(new + ENDING)
        if os.path.lexists(new) or claimed:
            foreign = self._foreign(new, mark)
            if foreign:
                return [f"{NAME}: {foreign}"]
        lacking = self._lacks_space(old, new)
        if lacking and lacking > _allocated(new):
            needed, free = space_needed(old) + _SPARE_BYTES, space_free(pool.path) + _allocated(new)
            return [
                f"{NAME}: too little space in pool {pool.name} ({pool.path}): {old} needs {_mib(needed)} MiB, "
                f"{_mib(free, up=False)} MiB are free."
            ]
        return []

    def _foreign(self, new: str, mark: Mark | None) -> str:
        """Why what has the name of the copy already may not be replaced; empty if it may."""
        advice = "Rename or delete it (virsh vol-list shows what a pool has)"
        if mark is None:
            return f"{new} is there already and is no copy of this machine's disk. {advice}."
        if not mark.is_of(self._uuid, self._found()[0].target):
            return (
                f"{new} belongs to disk {mark.disk} of machine {mark.machine} ({mark.uuid}), as {new}{ENDING} says. "
                f"{advice}, if that machine is no more."
            )
        users = self._users_of([new])
        return f"{new} is in use by {users[0]}." if users else ""

    def _users_of(self, paths: list[str]) -> list[str]:
        real = {os.path.realpath(path) for path in paths}
        return sorted({use.by for use in uses(self._connection, self._pools) if use.path in real})

    def _checked(self) -> tuple[DiskSource, Pool]:
        faults = self.faults()
        if faults:
            raise HypervisorError("\n".join(faults))
        disk, pool = self._found()
        if pool is None:
            raise HypervisorError(f"{NAME}: there is no class {self._class}.")
        return disk, pool

    def _must_be_off(self) -> None:
        domain = self._domain()
        if domain is not None and domain.isActive():
            raise HypervisorError(f"{NAME}: {self._machine} is running; its volume can be moved only while it is off.")

    @staticmethod
    def _lacks_space(old: str, new: str) -> int:
        """How many bytes are missing for the copy; 0 when it fits."""
        return max(0, space_needed(old) + _SPARE_BYTES - space_free(os.path.dirname(new)))

    # --- steps --------------------------------------------------------------------------------------------------------

    @staticmethod
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

    def _bring_back(self, mark: Mark, old: str) -> None:
        """Copy what the machine has written since the move to the old volume."""
        if os.path.exists(old) and stamp(old) not in (mark.original, mark.returned):
            raise HypervisorError(
                f"{NAME}: both {old} and its copy {mark.volume} were written to since the move; both were kept. Decide "
                f"which one {self._machine} is to have, and delete the other."
            )
        own = ownership_of(old if os.path.exists(old) else mark.volume)
        # For one who is killed right after that, and undoes once more.
        copy_file(mark.volume, old, own, before_rename=lambda made: write_mark(mark._replace(returned=made)))

    def _define_back(self, disk: DiskSource, new: str) -> None:
        """Where the definition names the copy, have it name the old volume."""
        domain = self._domain()
        present = self._present()
        if domain is None or present is None or self._path(present) != new:
            return
        flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
        xml = str(domain.XMLDesc(flags))
        self._connection.defineXML(with_source(xml, find_source(xml, disk.target), disk.source))

    def _remove_copies(self, marks: list[Mark]) -> None:
        users = self._users_of([mark.volume for mark in marks])
        if users:
            listing = ", ".join(mark.volume for mark in marks)
            raise HypervisorError(f"{NAME}: nothing was taken away, for {listing} is still used by {'; '.join(users)}.")
        for mark in marks:
            # The mark goes last: without it nobody would know whose the volume is.
            remove(mark.volume + PARTIAL)
            remove(mark.volume)
            remove_mark(mark.volume)

    def _tidy(self, in_use: str) -> None:
        """Take away the mark of the only copy, and have libvirt see what there is now."""
        if all(mark.volume == in_use for mark in self._marks()):
            remove_mark(in_use)
        for pool in self._pools.values():
            if pool.active and pool.kind in OF_FILES:
                self._refresh(pool, needed=False)

    def _refresh(self, pool: Pool, needed: bool) -> None:
        try:
            refresh(self._connection, pool.name)
        except libvirt.libvirtError:
            # A machine that names files does not need the pool to know them.
            if needed:
                raise

    # --- places -------------------------------------------------------------------------------------------------------

    def _found(self) -> tuple[DiskSource, Pool | None]:
        """The disk as the definition given has it, and the pool of the wanted class."""
        return find_source(self._xml, self._target), self._pools.get(self._classes.get(self._class, ""))

    def _path(self, disk: DiskSource) -> str:
        return path_of(self._connection, disk)

    def _copy_path(self, disk: DiskSource, pool: Pool) -> str:
        return os.path.join(pool.path, os.path.basename(self._path(disk)))

    def _is_there(self, disk: DiskSource, pool: Pool) -> bool:
        return _pool_has(self._connection, disk, pool)

    @staticmethod
    def _named(xml: str, disk: DiskSource, pool: Pool, new: str) -> str:
        if disk.kind == "volume":
            return with_source(xml, disk, {"pool": pool.name, "volume": os.path.basename(new)})
        return with_source(xml, disk, {"file": new})

    def _marks(self) -> list[Mark]:
        """The marks of this disk wherever a move may have left one."""
        disk, dummy = self._found()
        folders = {pool.path for pool in self._pools.values() if pool.kind in OF_FILES and pool.path}
        folders.add(os.path.dirname(self._path(disk)))
        found = [mark for folder in sorted(folders) for mark in marked_volumes(folder, self._uuid, disk.target)]
        marks = {mark.volume: mark for mark in found}
        # A machine may have come from a folder that is no pool.
        for origin in {mark.origin for mark in found} - set(marks):
            left = self._own_mark(origin, disk)
            if left is not None:
                marks[origin] = left
        return list(marks.values())

    def _own_mark(self, volume: str, disk: DiskSource) -> Mark | None:
        """The mark beside this volume if it is of this machine's disk."""
        mark = read_mark(volume)
        return mark if mark is not None and mark.is_of(self._uuid, disk.target) else None

    def _domain(self) -> Any:
        """The machine as libvirt has it; None when it is not defined."""
        try:
            if self._uuid:
                return self._connection.lookupByUUIDString(self._uuid)
            return self._connection.lookupByName(self._machine)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
            return None

    def _present(self) -> DiskSource | None:
        """The disk as the machine is defined with it now."""
        domain = self._domain()
        if domain is None:
            return None
        return find_source(str(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)), self._found()[0].target)

    @contextmanager
    def _speaking(self, what: str) -> Iterator[None]:
        """Turn the exceptions of libvirt, of files and of copying into ours."""
        try:
            yield
        except CopyFailed as error:
            raise HypervisorError(f"{what}: {error}.") from error
        except libvirt.libvirtError as error:
            raise HypervisorError(f"{what}: {error.get_error_message()}.") from error
        except OSError as error:
            raise HypervisorError(f"{what}: {error.filename}: {error.strerror} (errno {error.errno}).") from error


def _class_of(connection: Any, source: DiskSource, known: Mapping[str, Pool], classes: Mapping[str, str]) -> str:
    for name, pool in (classes or {each: each for each in known}).items():
        if pool in known and _pool_has(connection, source, known[pool]):
            return name
    return ""


def _pool_has(connection: Any, disk: DiskSource, pool: Pool) -> bool:
    if disk.kind == "volume":
        return disk.source.get("pool") == pool.name
    path = path_of(connection, disk)
    if not path or not pool.path:
        return False
    return os.path.realpath(os.path.dirname(path)) == os.path.realpath(pool.path)


def _count_snapshots(domain: Any) -> int:
    try:
        return int(domain.snapshotNum())
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return 0


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


def _allocated(path: str) -> int:
    try:
        return os.stat(path).st_blocks * 512
    except FileNotFoundError:
        return 0


def _mib(size: int, up: bool = True) -> int:
    return -(-size // 2**20) if up else size // 2**20
