# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Linux guest has, as far as sensible ranges of parameters depend on it."""

from __future__ import annotations

import os

from ansible_collections.evolve.vm.plugins.module_utils.guest.resources import GuestResources


def guest_facts(root: str = "/") -> dict[str, int]:
    """vcpus: CPUs at work. memory_mib: memory the guest can use (MemTotal). disk_mib: size of the file system at /.

    root: where / of the guest is. Raises GuestError, OSError.
    """
    guest = GuestResources(root)
    space = os.statvfs(root)
    return {
        "vcpus": len(guest.online()),
        "memory_mib": guest.memory_mib(),
        "disk_mib": space.f_frsize * space.f_blocks // 1024**2,
    }
