# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names as sysctl writes them: dots for the slashes of a path, and slashes for its dots. Pure."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError

DOTS_AND_SLASHES = str.maketrans("./", "/.")
"""For str.translate, from a path to a key and back."""


def parts(key: str) -> list[str]:
    """The names of the folders and the file. Raises TunablesError where that would be no path below a folder."""
    # As sysctl(8) has it: a slash inside a key stands for a dot in a name, such as that of interface eth0.100.
    names = key.translate(DOTS_AND_SLASHES).split("/")
    if any(name in ("", ".", "..") for name in names):
        raise TunablesError("not a key: expected names joined by single dots.")
    return names


def key(names: list[str]) -> str:
    """The key of a path of these names."""
    return "/".join(names).translate(DOTS_AND_SLASHES)
