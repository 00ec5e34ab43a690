# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.files import FileError, replace_file


def test_a_file_and_its_folders_are_made(tmp_path: Path) -> None:
    replace_file(tmp_path / "a" / "b" / "c.yml", "some text: \u00e4\n")
    assert (tmp_path / "a" / "b" / "c.yml").read_bytes() == b"some text: \xc3\xa4\n"
    assert os.listdir(tmp_path / "a" / "b") == ["c.yml"]


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    replace_file(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_reader_sees_the_old_text_or_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with file.open() as reader:
        replace_file(file, "new and longer")
        assert reader.read() == "old", "the old file was not written into"
    assert file.read_text() == "new and longer"


def test_what_cannot_be_written_is_named_and_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(FileError, match=r"cannot write .*/file/below: (Not a directory|File exists)"):
        replace_file(tmp_path / "file" / "below", "new")
    assert (tmp_path / "file").read_text() == "old"
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match=r"cannot write .*/folder: Is a directory"):
        replace_file(tmp_path / "folder", "new")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"], "nothing is left over"
