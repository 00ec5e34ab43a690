# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry that is usually started where entries are files of their own (Fedora, RHEL), as grubby tells it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from ansible_collections.evolve.vm.plugins.module_utils.tunables.disks import Disks
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.grub_script import Entry

_SEARCH = os.pathsep.join(["/usr/sbin", "/sbin", "/usr/bin"])


def default_entry(root: str, disks: Disks) -> Entry:
    """The entry in the words of grub.cfg. Raises TunablesError."""
    program = shutil.which("grubby") or shutil.which("grubby", path=_SEARCH)
    if program is None:
        raise TunablesError(
            "GRUB takes its entries from files in /boot/loader/entries here, and only grubby tells which one is usual. "
            "Install the package grubby."
        )
    done = subprocess.run(
        [program, "--info=DEFAULT"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode:
        raise TunablesError(f"grubby --info=DEFAULT failed: {done.stderr.strip()}.")
    return entry_from(done.stdout, disks)


def entry_from(information: str, disks: Disks) -> Entry:
    """The entry that the output of `grubby --info` describes. Raises TunablesError."""
    told = dict(re.findall(r'^(\w+)="?(.*?)"?$', information, re.MULTILINE))
    if not told.get("kernel"):
        raise TunablesError(f"grubby --info=DEFAULT names no kernel. It says: {information.strip()}")
    kernel = _in_grub(told["kernel"], disks)
    arguments = " ".join(
        part for part in (f"root={told['root']}" if told.get("root") else "", told.get("args", "")) if part
    )
    lines = [f"search --no-floppy --set=root --file {kernel}", f"linux {kernel} {arguments}"]
    # After the first come names of variables, such as $tuned_initrd.
    images = told.get("initrd", "").split()
    if images:
        lines.append(f"initrd {' '.join([_in_grub(images[0], disks), *images[1:]])}")
    return Entry(
        told.get("title", ""), told.get("id", ""), "", "".join(f"\n\t{line}" for line in lines) + "\n", [], False
    )


def _in_grub(path: str, disks: Disks) -> str:
    """The path of a file in its own file system, which is all that GRUB knows."""
    mount = disks.mount_of(path)
    below = os.path.relpath(path, mount.point)
    return os.path.join(mount.subtree, below)
