# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reason why a disk cannot be moved into the pool of a class, as sentences. Touches nothing."""

from __future__ import annotations

import os
from shutil import which
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_copy import space_free, space_needed
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_image import backing_path, read_qcow2
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_mark import ENDING, read_mark
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_pools import OF_FILES, Pool, is_local
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_surroundings import SPARE_BYTES, Surroundings
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import UnsuitableMachine
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

_FORMATS = ("raw", "qcow2")


def move_faults(here: Surroundings) -> list[str]:
    """All at once, without the name of the parameter before them."""
    faults = _class_faults(here)
    try:
        disk = here.disk
    except UnsuitableMachine as error:
        return [*faults, str(error)]
    if here.is_there(disk):
        return []
    unsuited = _volume_faults(here)
    faults += unsuited
    if not unsuited:
        faults += _use_faults(here)
        # What is in the pool can be told only where there is one to look into.
        if here.pool is not None and not faults:
            faults += _target_faults(here, here.pool)
    return faults


def _class_faults(here: Surroundings) -> list[str]:
    """Why the class can take no volumes."""
    wanted, classes, pools = here.wanted, here.classes, here.pools
    if wanted not in classes:
        listing = f"There is: {', '.join(sorted(classes))}." if classes else "There is none."
        return [f"there is no class {wanted} on this hypervisor.{did_you_mean(wanted, classes)} {listing}"]
    name = classes[wanted]
    what = f"class {wanted} is the storage pool {name}"
    if name not in pools:
        listing = f"It has: {', '.join(sorted(pools))}." if pools else "It has none."
        return [f"{what}, which this hypervisor does not have.{did_you_mean(name, pools)} {listing}"]
    pool = pools[name]
    if pool.kind not in OF_FILES:
        return [
            f"{what} of type {pool.kind}; volumes can be moved between pools of files only (types "
            f"{', '.join(OF_FILES)})."
        ]
    if not pool.active:
        return [f"{what}, which is not active. Start it: virsh pool-start {name}."]
    if not is_local(here.connection):
        return [
            f"{here.connection.getURI()} is another host, and a volume can be moved only on the host that has it. Let "
            "the task run there: set evolve_hypervisor to that host."
        ]
    if not os.access(pool.path, os.R_OK | os.W_OK | os.X_OK):
        return [f"no permission to write to {pool.path} (pool {name}). Run the task with become."]
    return []


def _volume_faults(here: Surroundings) -> list[str]:
    """Why this is no volume that can be moved."""
    disk = here.disk
    what = f"disk {disk.target}"
    if disk.device != "disk" or disk.kind not in ("file", "volume"):
        kind = disk.kind if disk.device == "disk" else f"{disk.kind}, passed through as {disk.device}"
        return [f"{what} is neither a file nor a volume in a pool of files but of type {kind}; it cannot be moved."]
    path = here.old
    if not path:
        named, where = disk.source.get("volume", ""), disk.source.get("pool", "")
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
    if disk.format == "qcow2":
        faults += [f"{what}: {fault}" for fault in _image_faults(path)]
    return faults


def _image_faults(path: str) -> list[str]:
    image = read_qcow2(path)
    if image is None:
        return [f"{path} is no qcow2 image, although the machine is defined so."]
    faults = []
    if image.external_data:
        faults.append(f"{path} keeps its data in another file (data_file); it cannot be moved.")
    backing = backing_path(path)
    if backing and not os.path.isfile(backing):
        faults.append(f"{path} is an overlay of {backing}, which is not there.")
    elif backing and not os.path.isabs(image.backing) and which("qemu-img") is None:
        faults.append(
            f"{path} names its backing file relative to its own place ({image.backing}); qemu-img is needed to rewrite "
            "that in a copy. Install it: package qemu-utils (Debian) or qemu-img (Fedora)."
        )
    return faults


def _use_faults(here: Surroundings) -> list[str]:
    """Who else needs the volume to stay where it is."""
    faults = [f"{here.old} is also used by {by}; it cannot be moved." for by in here.other_users()]
    domain = here.domain()
    snapshots = 0 if domain is None else _count_snapshots(domain)
    if snapshots:
        faults.append(
            f"{here.machine} has {snapshots} snapshot{'s' if snapshots > 1 else ''}, which would stay with the old "
            f"volume. Delete them first (virsh snapshot-list {here.machine})."
        )
    return faults


def _target_faults(here: Surroundings, pool: Pool) -> list[str]:
    """Why the pool cannot take the copy."""
    new = here.new(pool)
    foreign = _foreign(here, new)
    if foreign:
        return [foreign]
    replaced = sum(os.stat(path).st_blocks * 512 for path in here.replaced(pool))
    if here.lacking_bytes(pool) > replaced:
        needed, free = space_needed(here.old) + SPARE_BYTES, space_free(pool.path) + replaced
        return [
            f"too little space in pool {pool.name} ({pool.path}): {here.old} needs {-(-needed // 2**20)} MiB, "
            f"{free // 2**20} MiB are free."
        ]
    return []


def _foreign(here: Surroundings, new: str) -> str:
    """Why what has the name of the copy already may not be replaced; empty if it may, or there is nothing."""
    if not os.path.lexists(new) and not os.path.lexists(new + ENDING):
        return ""
    advice = "Rename or delete it (virsh vol-list shows what a pool has)"
    mark = read_mark(new)
    if mark is None:
        return f"{new} is there already and is no copy of this machine's disk. {advice}."
    if here.own_mark(new) is None:
        return (
            f"{new} belongs to disk {mark.disk} of machine {mark.machine} ({mark.uuid}), as {new}{ENDING} says. "
            f"{advice}, if that machine is no more."
        )
    users = here.users_of([new])
    return f"{new} is in use by {users[0]}." if users else ""


def _count_snapshots(domain: Any) -> int:
    try:
        return int(domain.snapshotNum())
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return 0
