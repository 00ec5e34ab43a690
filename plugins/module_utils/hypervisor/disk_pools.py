# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storage pools of a libvirt connection, and which files on its host are in use by whom. Only reads."""

from __future__ import annotations

import os
import time
import xml.etree.ElementTree as ET
from contextlib import suppress
from typing import Any, Iterator, Mapping, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_image import chain
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_mark import is_ours
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_source import (
    DiskSource,
    disk_sources,
    machine_of,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt

OF_FILES = ("dir", "fs", "netfs")
"""The pools whose volumes are files in one folder."""

_REFRESH_SECONDS = 10.0


class Pool(NamedTuple):
    """kind as libvirt has it (dir, logical, ...); path: where its volumes are, empty for a pool without a place."""

    name: str
    kind: str
    path: str
    active: bool


class Use(NamedTuple):
    """One use of a file: by a disk of a machine, at once or as a backing file; or by an image in a pool."""

    path: str
    uuid: str
    disk: str
    by: str


def pools_of(connection: Any) -> dict[str, Pool]:
    """By name; none where this hypervisor knows no pools."""
    try:
        found = connection.listAllStoragePools()
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return {}
    return {pool.name: pool for pool in map(_describe, found) if pool is not None}


def path_of(connection: Any, disk: DiskSource) -> str:
    """The file or device with the data of this disk; empty where there is none, or its pool does not know it."""
    if disk.kind in ("file", "block"):
        path = disk.source.get("file" if disk.kind == "file" else "dev", "")
        return os.path.normpath(path) if path else ""
    if disk.kind != "volume":
        return ""
    try:
        pool = connection.storagePoolLookupByName(disk.source.get("pool", ""))
        return str(pool.storageVolLookupByName(disk.source.get("volume", "")).path())
    except libvirt.libvirtError:
        return ""


def uses(connection: Any, pools: Mapping[str, Pool]) -> Iterator[Use]:
    """Every use of a file by a machine of this host, running or not, and by the images in its active pools."""
    # What a guest writes to a raw volume may look like an overlay of anything.
    raw = set()
    for domain in connection.listAllDomains():
        for xml in _definitions(domain):
            name, uuid = machine_of(xml)
            for disk in disk_sources(xml):
                by, path = f"disk {disk.target} of machine {name}", path_of(connection, disk)
                below = chain(path)[1:] if disk.format == "qcow2" else []
                if path and disk.format == "raw":
                    raw.add(os.path.realpath(path))
                if path:
                    yield Use(os.path.realpath(path), uuid, disk.target, by)
                for each in below:
                    yield Use(os.path.realpath(each), uuid, disk.target, f"{by}, as a backing file")
    for pool in pools.values():
        if pool.active and pool.kind in OF_FILES:
            for path in _images(pool.path):
                for each in chain(path)[1:] if os.path.realpath(path) not in raw else []:
                    yield Use(os.path.realpath(each), "", "", f"image {path}, as its backing file")


def refresh(connection: Any, name: str) -> None:
    """Have libvirt look at what is in the pool now. Waits while somebody else has a job in it. Raises libvirtError."""
    patience = time.monotonic() + _REFRESH_SECONDS
    while True:
        try:
            connection.storagePoolLookupByName(name).refresh()
            return
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_INTERNAL_ERROR or time.monotonic() > patience:
                raise
            time.sleep(0.2)


def pool_has(connection: Any, disk: DiskSource, pool: Pool) -> bool:
    """Whether the volume of this disk is in this pool."""
    if disk.kind == "volume":
        return disk.source.get("pool") == pool.name
    path = path_of(connection, disk)
    if not path or not pool.path:
        return False
    return os.path.realpath(os.path.dirname(path)) == os.path.realpath(pool.path)


def is_local(connection: Any) -> bool:
    """Whether the files of this libvirt are the files of this host."""
    return urlsplit(connection.getURI()).hostname in (None, "localhost")


def _describe(pool: Any) -> Pool | None:
    try:
        root = ET.fromstring(pool.XMLDesc())
        path = (root.findtext("target/path") or "").strip()
        return Pool(pool.name(), root.get("type", ""), os.path.normpath(path) if path else "", bool(pool.isActive()))
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_STORAGE_POOL:
            raise
        return None  # It has gone since it was listed.


def _definitions(domain: Any) -> Iterator[str]:
    """What the domain has now and what it will have at its next start; less of a domain that goes meanwhile."""
    with suppress(libvirt.libvirtError):
        yield str(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        if domain.isActive():
            yield str(domain.XMLDesc(0))


def _images(folder: str) -> Iterator[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file() and not is_ours(entry.name):
                yield entry.path
