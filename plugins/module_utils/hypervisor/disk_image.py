# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the header of a qcow2 image says about other files it needs.

Format: https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.txt
"""

from __future__ import annotations

import os
import re
import struct
from typing import NamedTuple

_MAGIC = b"QFI\xfb"
_DATA_IN_ANOTHER_FILE = 1 << 2
_BACKING_FORMAT = 0xE2792ACA
_LONGEST_CHAIN = 200
_PROTOCOL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Qcow2(NamedTuple):
    """backing: as the header has it, empty without one; backing_format: empty where the header does not say."""

    virtual_size: int
    backing: str
    backing_format: str
    encrypted: bool
    external_data: bool


def read_qcow2(path: str) -> Qcow2 | None:
    """The header of this file; None when it is no qcow2 image. Raises OSError."""
    with open(path, "rb") as file:
        head = file.read(1 << 16)
    if len(head) < 72 or head[:4] != _MAGIC:
        return None
    version, offset, size, _cluster_bits, virtual_size, crypt = struct.unpack_from(">IQIIQI", head, 4)
    features, header_length = 0, 72
    if version >= 3 and len(head) >= 104:
        features = struct.unpack_from(">Q", head, 72)[0]
        header_length = struct.unpack_from(">I", head, 100)[0]
    backing = head[offset : offset + size].decode(errors="surrogateescape") if offset else ""
    return Qcow2(
        virtual_size=virtual_size,
        backing=backing,
        backing_format=_extension(head, header_length, _BACKING_FORMAT),
        encrypted=crypt != 0,
        external_data=bool(features & _DATA_IN_ANOTHER_FILE),
    )


def backing_path(path: str) -> str:
    """The file that this image is an overlay of, as a path; empty without one or where it is no file of this host."""
    try:
        image = read_qcow2(path)
    except OSError:
        return ""
    if image is None or not image.backing or _PROTOCOL.match(image.backing):
        return ""
    return os.path.normpath(os.path.join(os.path.dirname(path), image.backing))


def chain(path: str) -> list[str]:
    """The image and all files below it, as far as they can be read."""
    found: list[str] = []
    while path and path not in found and len(found) < _LONGEST_CHAIN:
        found.append(path)
        path = backing_path(path)
    return found


def _extension(head: bytes, start: int, wanted: int) -> str:
    """The text of a header extension; empty when there is none."""
    while start + 8 <= len(head):
        kind, length = struct.unpack_from(">II", head, start)
        if kind == 0:
            break
        if kind == wanted:
            return head[start + 8 : start + 8 + length].decode(errors="replace")
        start += 8 + (length + 7) // 8 * 8
    return ""
