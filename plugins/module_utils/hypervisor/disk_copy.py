# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies one file safely: holes stay holes, what was written is read back from the device and compared, and the final
name appears only then, all at once. Knows files only, nothing of machines.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from contextlib import contextmanager, suppress
from typing import Callable, Iterator, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.synced_files import sync

PARTIAL = ".evolve-partial"
"""Ends the name of a copy that is not complete. One that is found when nobody copies is worthless."""

_PIECE = 4 << 20


class CopyFailed(Exception):
    """The copy did not come about; nothing of it is left. The text is one sentence without a full stop."""


class Stamp(NamedTuple):
    """By which a file is known not to have been written to."""

    size: int
    modified_ns: int


class Ownership(NamedTuple):
    """Whose a file is, and who may do what with it."""

    user: int
    group: int
    mode: int


def stamp(path: str) -> Stamp:
    """The stamp of this file as it is now. Raises OSError."""
    found = os.stat(path)
    return Stamp(found.st_size, found.st_mtime_ns)


def space_needed(path: str) -> int:
    """Bytes that a copy of this file takes. Raises OSError."""
    with _opened(path, os.O_RDONLY) as handle:
        if _fully_allocated(handle):
            return os.fstat(handle).st_size
        return sum(end - start for start, end in _data(handle))


def space_free(folder: str) -> int:
    """Bytes that may be written there. Raises OSError."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def ownership_of(path: str) -> Ownership:
    """Raises OSError."""
    found = os.stat(path)
    return Ownership(found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))


def ownership_among(folder: str, source: str, leave_out: Callable[[str], bool]) -> Ownership:
    """That of most files in `folder`, but open to nobody to whom `source` is closed; without any, that of `source`."""
    own = ownership_of(source)
    others: Counter[Ownership] = Counter()
    for entry in os.scandir(folder):
        if entry.is_file(follow_symlinks=False) and not leave_out(entry.name):
            others[ownership_of(entry.path)] += 1
    if not others:
        return own
    most = others.most_common(1)[0][0]
    return most._replace(mode=(most.mode & own.mode) | stat.S_IRUSR | stat.S_IWUSR)


def copy_file(
    source: str,
    destination: str,
    ownership: Ownership,
    finish: Callable[[str], None] | None = None,
    before_rename: Callable[[Stamp], None] | None = None,
) -> None:
    """Copy `source` to `destination`, which is replaced in one step if it exists. Raises CopyFailed.

    finish: called with the path of the verified copy before it gets its name, to edit it. before_rename: called with
    the stamp the copy will have.
    """
    partial = destination + PARTIAL
    try:
        before = stamp(source)
        with suppress(FileNotFoundError):
            os.unlink(partial)
        _write(source, partial)
        _compare(source, partial)
        if stamp(source) != before:
            raise CopyFailed(f"{source} was written to while it was copied")
        if finish is not None:
            finish(partial)
        os.chown(partial, ownership.user, ownership.group)
        os.chmod(partial, ownership.mode)
        sync(partial)
        if before_rename is not None:
            before_rename(stamp(partial))
        os.rename(partial, destination)
        sync(os.path.dirname(destination))
    except OSError as error:
        raise CopyFailed(_reason(error, destination)) from error
    finally:
        # Also after a Ctrl-C or a SystemExit: nothing is left under either name.
        with suppress(OSError):
            os.unlink(partial)


def write_text(path: str, text: str) -> None:
    """Give the file this content in one step, so that it is never half written. Raises OSError."""
    partial = path + PARTIAL
    try:
        with open(partial, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(partial, path)
        sync(os.path.dirname(path))
    finally:
        with suppress(OSError):
            os.unlink(partial)


def remove(path: str) -> None:
    """Take the file away; it may have gone already. Raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(path)
        sync(os.path.dirname(path))


def _write(source: str, destination: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with _opened(source, os.O_RDONLY) as given, _opened(destination, flags) as made:
        size = os.fstat(given).st_size
        if _fully_allocated(given):
            # Stays so, for writing to a hole is slower: a machine must not change its speed by being moved.
            os.posix_fallocate(made, 0, size)
        os.truncate(made, size)
        for start, end in _data(given):
            while start < end:
                piece = os.pread(given, min(_PIECE, end - start), start)
                if not piece:
                    raise CopyFailed(f"{source} became shorter while it was copied")
                start = _write_piece(made, piece, start)
        os.fsync(made)


def _write_piece(handle: int, piece: bytes, offset: int) -> int:
    view = memoryview(piece)
    while view:
        written = os.pwrite(handle, view, offset)
        view, offset = view[written:], offset + written
    return offset


def _compare(source: str, copy: str) -> None:
    """Read both again, the copy from its device and not from memory."""
    with _opened(source, os.O_RDONLY) as given, _opened(copy, os.O_RDONLY) as made:
        size = os.fstat(given).st_size
        if os.fstat(made).st_size != size:
            raise CopyFailed(f"the copy of {source} has {os.fstat(made).st_size} bytes instead of {size}")
        os.posix_fadvise(made, 0, 0, os.POSIX_FADV_DONTNEED)
        offset = 0
        while offset < size:
            # Where both have a hole, both are zero.
            offset = min(_next_data(given, offset, size), _next_data(made, offset, size))
            if offset < size and os.pread(given, _PIECE, offset) != os.pread(made, _PIECE, offset):
                raise CopyFailed(f"the copy of {source} reads back differently near byte {offset}")
            offset += _PIECE
        # Neither is read again soon; the memory is the machines'.
        for handle in (given, made):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)


def _fully_allocated(handle: int) -> bool:
    found = os.fstat(handle)
    return found.st_size > 0 and found.st_blocks * 512 >= found.st_size


def _data(handle: int) -> Iterator[tuple[int, int]]:
    """The parts of a file that are no holes."""
    size = os.fstat(handle).st_size
    start = _next_data(handle, 0, size)
    while start < size:
        end = min(os.lseek(handle, start, os.SEEK_HOLE), size)
        yield start, end
        start = _next_data(handle, end, size)


def _next_data(handle: int, offset: int, size: int) -> int:
    try:
        return os.lseek(handle, offset, os.SEEK_DATA) if offset < size else size
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return size


@contextmanager
def _opened(path: str, flags: int) -> Iterator[int]:
    handle = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _reason(error: OSError, destination: str) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        folder = os.path.dirname(destination)
        return f"{folder} ran full while {os.path.basename(destination)} was written: {error.strerror}"
    return f"{error.filename or destination}: {error.strerror} (errno {error.errno})"
