# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of our own beside those of an application."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.apps.drop_in import Line, including, lines, rendered


def test_what_is_written_can_be_read():
    deviations = {
        "work_mem": Line("'8MB'", "4096"),
        "archive_command": Line("'cp %p \"/a # b\"'", 'say "x"  # was "y"'),
        "jit": Line("'off'", None),
        "log_line_prefix": Line("''", ""),
    }
    content = rendered(deviations, "[mysqld]")
    assert content is not None
    assert b"work_mem = '8MB'  # was \"4096\"\n" in content
    assert lines(content) == deviations
    assert rendered(lines(content), "[mysqld]") == content


def test_no_deviation_is_no_file():
    assert rendered({}) is None
    assert lines(None) == {}


@pytest.mark.parametrize("content", [b"a = 1\n", b"a = 1", b"", b"\n\n"])
def test_line_that_includes_ours_goes_without_a_trace(content):
    with_line = including(content, "!include /x", True)
    assert b"\n!include /x\n" in with_line
    assert including(with_line, "!include /x", True) == with_line
    assert including(with_line, "!include /x", False) == content
