# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's folder: clean before and after, one user at a time, never somebody else's."""

from __future__ import annotations

import os

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.workspace import Workspace


def open_at(directory):
    with Workspace(str(directory)):
        raise AssertionError("the folder should have been refused")


def test_the_folder_is_made_and_removed(tmp_path):
    directory = tmp_path / "bench"
    with Workspace(str(directory)) as workspace:
        assert os.listdir(workspace.path) == []
        (directory / "files" / "test_file.0").write_text("x")
        assert directory.stat().st_mode & 0o077 == 0
    assert not directory.exists()


def test_it_is_removed_after_a_failure(tmp_path):
    directory = tmp_path / "bench"
    with pytest.raises(RuntimeError), Workspace(str(directory)):
        raise RuntimeError
    assert not directory.exists()


def test_a_folder_that_was_there_stays_with_its_content(tmp_path):
    (tmp_path / "precious").write_text("x")
    with Workspace(str(tmp_path)):
        pass
    assert os.listdir(tmp_path) == ["precious"]


def test_what_a_killed_benchmark_left_is_gone(tmp_path):
    directory = tmp_path / "bench"
    (directory / "files").mkdir(parents=True)
    (directory / "files" / "test_file.0").write_text("x" * 1000)
    with Workspace(str(directory)) as workspace:
        assert os.listdir(workspace.path) == []


def test_two_benchmarks_at_once_are_refused(tmp_path):
    directory = tmp_path / "bench"
    with Workspace(str(directory)) as first:
        with pytest.raises(InfrastructureError, match="another benchmark is running"):
            open_at(directory)
        assert os.path.isdir(first.path)
    with Workspace(str(directory)):
        pass


def test_a_link_is_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "files").mkdir(parents=True)
    (elsewhere / "files" / "precious").write_text("x")
    (tmp_path / "bench").symlink_to(elsewhere)
    with pytest.raises(InfrastructureError, match="is not a folder"):
        open_at(tmp_path / "bench")
    assert (elsewhere / "files" / "precious").exists()


def test_a_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "theirs").write_text("x")
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(InfrastructureError, match=f"belongs to user id {owner}"):
        open_at(tmp_path)
    assert (tmp_path / "files" / "theirs").exists()


def test_a_missing_parent_is_told(tmp_path):
    with pytest.raises(InfrastructureError, match=r"cannot be used: No such file(.|\n)*`directory`"):
        open_at(tmp_path / "no" / "where")


def test_space_that_is_not_there_is_told_in_numbers(tmp_path):
    with Workspace(str(tmp_path / "bench")) as workspace:
        workspace.require_space(1)
        with pytest.raises(InfrastructureError, match=r"MiB free; the benchmark's files take 1099511627776 MiB"):
            workspace.require_space(1024**4)
