# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of applications: written whole or not at all, and what they held kept until the change has proven good."""

from __future__ import annotations

import json
import os
import shutil
import stat
from contextlib import suppress
from typing import Any, Iterable, Iterator, Mapping
from urllib.parse import quote, unquote

from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError
from ansible_collections.evolve.vm.plugins.module_utils.synced_files import replace_text, sync

STATE_DIRECTORY = "/var/lib/evolve.vm/apps"
_JOURNAL = "journal.json"
_FORMAT = 1


def read(path: str) -> bytes | None:
    """What the file holds; None where there is none. Raises AppError."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AppError(f"{path} cannot be read: {error.strerror}. Run the task with become.") from error


def write(path: str, content: bytes | None) -> None:
    """Have the file hold `content`, or be gone (None), at any moment whole, and on the disk when this returns.

    A file that is there keeps its owner, mode and extended attributes, SELinux context among them; a new one takes the
    owner of its folder, and is readable for all. A link stays one. Raises AppError.
    """
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    fresh = _fresh(path)
    try:
        if content is None:
            with suppress(FileNotFoundError):
                os.unlink(path)
        else:
            _make_folder(folder)
            with suppress(FileNotFoundError):
                os.unlink(fresh)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                _take_attributes(path, folder, fresh)
                os.fsync(file.fileno())
            os.rename(fresh, path)
        sync(folder)
    except OSError as error:
        with suppress(OSError):
            os.unlink(fresh)
        raise AppError(f"{path} cannot be written: {error.strerror or error}.") from error


class Journal:
    """What the files of one application held before they were touched.

    `begin` comes before the first write and `end` when all is well, or put back. A journal that is found belongs to a
    call that was cut short.
    """

    def __init__(self, app: str, state_directory: str = STATE_DIRECTORY) -> None:
        self.app = app
        self._folder = os.path.join(state_directory, quote(app, safe=""))

    def begin(self, paths: Iterable[str], notes: Mapping[str, Any]) -> None:
        """Keep what the files hold. notes: whatever is needed to take up from here, as JSON can hold it."""
        try:
            # Configurations may hold passwords.
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            files = []
            for number, path in enumerate(paths):
                # The file a link leads to, for that is what is written.
                real = os.path.realpath(path)
                content = read(real)
                kept = None
                if content is not None:
                    kept = f"{number}.before"
                    _write_synced(os.path.join(self._folder, kept), content)
                    shutil.copystat(real, os.path.join(self._folder, kept))
                    _chown_like(real, os.path.join(self._folder, kept))
                files.append({"path": real, "kept": kept})
            journal = {"format": _FORMAT, "app": self.app, "files": files, "notes": dict(notes)}
            replace_text(os.path.join(self._folder, _JOURNAL), json.dumps(journal, indent=1), 0o600)
            sync(os.path.dirname(self._folder))
        except OSError as error:
            raise AppError(
                f"{self.app}: what its files hold cannot be kept in {self._folder}: {error.strerror or error}. "
                "Nothing was changed."
            ) from error

    def found(self) -> dict[str, Any] | None:
        """The notes of a call that was cut short; None where there was none."""
        journal = self._load()
        return None if journal is None else dict(journal["notes"])

    def put_back(self) -> list[str]:
        """Have every file hold again what it held. Returns what could not be put back, as sentences."""
        problems = []
        for file in (self._load() or {"files": []})["files"]:
            try:
                content = None
                if file["kept"]:
                    content = read(os.path.join(self._folder, file["kept"]))
                    if content is None:
                        raise AppError(f"{os.path.join(self._folder, file['kept'])} is gone.")
                with suppress(FileNotFoundError):
                    os.unlink(_fresh(file["path"]))
                if read(file["path"]) != content:
                    write(file["path"], content)
                    if file["kept"]:
                        shutil.copystat(os.path.join(self._folder, file["kept"]), file["path"])
                        _chown_like(os.path.join(self._folder, file["kept"]), file["path"])
            except (AppError, OSError) as error:
                problems.append(f"{file['path']}: {error}")
        return problems

    def end(self) -> None:
        """The files are as they should be; what was kept is no longer needed."""
        try:
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(self._folder, _JOURNAL))
                sync(self._folder)
            shutil.rmtree(self._folder, ignore_errors=True)
        except OSError as error:
            raise AppError(f"{self._folder}/{_JOURNAL} cannot be removed: {error.strerror}.") from error

    def _load(self) -> dict[str, Any] | None:
        path = os.path.join(self._folder, _JOURNAL)
        content = read(path)
        if content is None:
            return None
        try:
            journal = json.loads(content)
            if journal["format"] == _FORMAT:
                return dict(journal)
            reason = f"it is of format {journal['format']}"
        except (ValueError, KeyError, TypeError) as error:
            reason = str(error)
        raise AppError(
            f"{path} cannot be understood: {reason}. It tells what the files of {self.app} held before a call that was "
            "cut short; look at them, then remove it."
        )


def interrupted(state_directory: str = STATE_DIRECTORY) -> Iterator[Journal]:
    """The journals of calls that were cut short."""
    try:
        folders = sorted(os.listdir(state_directory))
    except OSError:
        return
    for folder in folders:
        if os.path.exists(os.path.join(state_directory, folder, _JOURNAL)):
            yield Journal(unquote(folder), state_directory)


def _fresh(path: str) -> str:
    # Hidden and with an end of its own: no application that reads whole folders reads this.
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.evolve-new")


def _make_folder(folder: str) -> None:
    """Only folders that nobody but us may need; any other that is missing is a mistake in a path."""
    if folder.startswith(f"{STATE_DIRECTORY}/"):
        # What is kept of other files may be as secret as they are.
        os.makedirs(folder, mode=0o700, exist_ok=True)
    elif folder.endswith(".service.d"):
        os.makedirs(folder, mode=0o755, exist_ok=True)


def _take_attributes(path: str, folder: str, fresh: str) -> None:
    if os.path.exists(path):
        shutil.copystat(path, fresh)
        _chown_like(path, fresh)
        os.utime(fresh)
    else:
        os.chmod(fresh, 0o644)
        _chown_like(folder, fresh)


def _chown_like(model: str, path: str) -> None:
    found, present = os.stat(model), os.stat(path)
    if (found.st_uid, found.st_gid) != (present.st_uid, present.st_gid):
        os.chown(path, found.st_uid, found.st_gid)
        # Giving a file away clears some bits of its mode.
        if not stat.S_ISDIR(found.st_mode):
            os.chmod(path, stat.S_IMODE(found.st_mode))


def _write_synced(path: str, content: bytes) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
