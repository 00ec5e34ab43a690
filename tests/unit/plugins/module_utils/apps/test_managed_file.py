# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of applications, and what is kept of them until a change has proven good."""

from __future__ import annotations

import os

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.apps import managed_file
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError
from ansible_collections.evolve.vm.plugins.module_utils.apps.managed_file import Journal, interrupted, read, write


def test_file_keeps_mode_owner_and_attributes(tmp_path):
    path = tmp_path / "app.conf"
    path.write_bytes(b"old")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    try:
        os.setxattr(path, "user.kept", b"yes")
        attributes = ["user.kept"]
    except OSError:  # not on every filesystem
        attributes = []
    before = path.stat()
    write(str(path), b"new")
    after = path.stat()
    assert path.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert [name for name in os.listxattr(path) if name.startswith("user.")] == attributes
    assert after.st_mtime > 0
    assert list(tmp_path.iterdir()) == [path]


def test_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_file_that_must_not_be_there_is_removed(tmp_path):
    path = tmp_path / "app.conf"
    path.write_bytes(b"old")
    write(str(path), None)
    write(str(path), None)
    assert read(str(path)) is None


def test_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(AppError, match=r"none/app\.conf cannot be written: No such file"):
        write(str(tmp_path / "none" / "app.conf"), b"new")


def test_what_was_comes_back_with_its_mode(tmp_path):
    old, new = tmp_path / "old.conf", tmp_path / "new.conf"
    old.write_bytes(b"\x00 old")
    old.chmod(0o600)
    state = str(tmp_path / "state")
    journal = Journal("own app/1", state)
    journal.begin([str(old), str(new)], {"options": {"port": 5}})
    write(str(old), b"other")
    old.chmod(0o644)
    write(str(new), b"other")
    (tmp_path / ".new.conf.evolve-new").write_bytes(b"half wri")

    found = list(interrupted(state))
    assert [each.app for each in found] == ["own app/1"]
    assert found[0].found() == {"options": {"port": 5}}
    assert found[0].put_back() == []
    assert old.read_bytes() == b"\x00 old"
    assert old.stat().st_mode & 0o777 == 0o600
    assert not new.exists()
    assert not (tmp_path / ".new.conf.evolve-new").exists()
    found[0].end()
    assert list(interrupted(state)) == []
    assert found[0].found() is None


def test_nobody_else_may_read_what_is_kept(tmp_path):
    (tmp_path / "app.conf").write_bytes(b"password")
    Journal("app", str(tmp_path / "state")).begin([str(tmp_path / "app.conf")], {})
    assert (tmp_path / "state" / "app").stat().st_mode & 0o077 == 0


def test_nothing_is_begun_before_all_is_kept(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    (tmp_path / "app.conf").write_bytes(b"old")
    monkeypatch.setattr(managed_file, "_write_synced", full)
    with pytest.raises(AppError, match=r"cannot be kept in .*No space left on device\. Nothing was changed"):
        Journal("app", str(tmp_path / "state")).begin([str(tmp_path / "app.conf")], {})
    assert list(interrupted(str(tmp_path / "state"))) == []


def test_journal_that_cannot_be_understood_stops_everything(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "journal.json").write_text("{")
    with pytest.raises(AppError, match=r"journal\.json cannot be understood"):
        Journal("app", str(tmp_path)).put_back()
