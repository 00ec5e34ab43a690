# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is where a disk is to be moved: the machine, the pools, the copies that earlier moves left. Only reads."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Any, Iterator, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_copy import (
    PARTIAL,
    CopyFailed,
    space_free,
    space_needed,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_mark import Mark, marked_volumes, read_mark
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_pools import (
    OF_FILES,
    Pool,
    path_of,
    pool_has,
    pools_of,
    uses,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_source import (
    DiskSource,
    disk_sources,
    find_source,
    machine_of,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import HypervisorError
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt

SPARE_BYTES = 1 << 20
"""For the mark and what a file system needs for itself."""


class Surroundings:
    """xml: the definition before the move. target: the disk (vda); None takes the first. wanted: name of the class.

    Methods raise libvirtError and OSError; `disk` and what needs it raise UnsuitableMachine.
    """

    def __init__(self, connection: Any, xml: str, target: str | None, wanted: str, classes: Mapping[str, str]) -> None:
        self.connection = connection
        self.xml = xml
        self.wanted = wanted
        self.machine, self.uuid = machine_of(xml)
        self.pools = pools_of(connection)
        self.classes = dict(classes) or {name: name for name in self.pools}
        self._target = target

    @property
    def disk(self) -> DiskSource:
        """The disk as the definition given has it."""
        return find_source(self.xml, self._target)

    @property
    def pool(self) -> Pool | None:
        """The pool of the wanted class."""
        return self.pools.get(self.classes.get(self.wanted, ""))

    @property
    def old(self) -> str:
        """The path of the volume to be moved."""
        return path_of(self.connection, self.disk)

    @property
    def origin(self) -> str:
        """Where the volume was before the first of the moves that nobody has confirmed."""
        mark = read_mark(self.old)
        return mark.origin if mark is not None and mark.uuid == self.uuid else self.old

    def new(self, pool: Pool) -> str:
        """The path of its copy."""
        return os.path.join(pool.path, os.path.basename(self.old))

    def is_there(self, disk: DiskSource) -> bool:
        """Whether this volume is in the pool of the wanted class."""
        return self.pool is not None and pool_has(self.connection, disk, self.pool)

    def domain(self) -> Any:
        """The machine as libvirt has it; None when it is not defined."""
        try:
            if self.uuid:
                return self.connection.lookupByUUIDString(self.uuid)
            return self.connection.lookupByName(self.machine)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
            return None

    def present(self) -> DiskSource | None:
        """The disk as the machine is defined with it now; None when it is not defined."""
        domain = self.domain()
        if domain is None:
            return None
        xml = str(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        # By its volume, for its target may be another since the move.
        volumes = {self.old, *(mark.volume for mark in self.marks())}
        for disk in disk_sources(xml):
            if path_of(self.connection, disk) in volumes:
                return disk
        return find_source(xml, self.disk.target)

    def in_use(self) -> str:
        """The path of the volume the machine is defined with now; empty when it is not defined."""
        present = self.present()
        return "" if present is None else path_of(self.connection, present)

    def own_mark(self, volume: str) -> Mark | None:
        """The mark beside this volume if it is of this machine's disk."""
        mark = read_mark(volume)
        return mark if mark is not None and mark.is_of(self.uuid, self.origin) else None

    def marks(self) -> list[Mark]:
        """The marks of this disk wherever a move may have left one."""
        folders = {pool.path for pool in self.pools.values() if pool.kind in OF_FILES and pool.path}
        folders.add(os.path.dirname(self.old))
        found = [mark for folder in sorted(folders) for mark in marked_volumes(folder, self.uuid, self.origin)]
        marks = {mark.volume: mark for mark in found}
        # A machine may have come from a folder that is no pool.
        left = self.own_mark(self.origin)
        if left is not None:
            marks[left.volume] = left
        return list(marks.values())

    def users_of(self, volumes: list[str]) -> list[str]:
        """Who uses one of these files, as texts."""
        real = {os.path.realpath(volume) for volume in volumes}
        return sorted({use.by for use in uses(self.connection, self.pools) if use.path in real})

    def other_users(self) -> list[str]:
        """Who uses the volume besides this disk, as texts."""
        present = self.present()
        own = {(self.uuid, disk.target) for disk in (self.disk, present) if disk is not None}
        path, found = os.path.realpath(self.old), uses(self.connection, self.pools)
        return sorted({use.by for use in found if use.path == path and (use.uuid, use.disk) not in own})

    def lacking_bytes(self, pool: Pool) -> int:
        """How many bytes are missing in the pool for the copy; 0 when it fits."""
        return max(0, space_needed(self.old) + SPARE_BYTES - space_free(pool.path))

    def replaced(self, pool: Pool) -> list[str]:
        """What a move takes away in the pool: an unfinished copy, and what an earlier move left there."""
        new = self.new(pool)
        if self.own_mark(new) is None:
            return []
        return [path for path in (new + PARTIAL, new) if os.path.lexists(path)]


@contextmanager
def speaking(what: str) -> Iterator[None]:
    """Turn the exceptions of libvirt, of files and of copying into ours."""
    try:
        yield
    except CopyFailed as error:
        raise HypervisorError(f"{what}: {error}.") from error
    except libvirt.libvirtError as error:
        raise HypervisorError(f"{what}: {error.get_error_message()}.") from error
    except OSError as error:
        raise HypervisorError(f"{what}: {error.filename}: {error.strerror} (errno {error.errno}).") from error
