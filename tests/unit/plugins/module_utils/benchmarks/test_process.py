# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of a benchmark: bounded, killed with their children, and every bad end told."""

from __future__ import annotations

import os
import time

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import (
    BenchmarkError,
    HopelessError,
    InfrastructureError,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.process import Deadline, require_good, run


def sh(script, directory, seconds=20):
    command = ["sh", "-c", script]
    return require_good(command, run(command, str(directory), Deadline(seconds)))


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def wait_for_end(pid):
    for _attempt in range(100):
        if not is_alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_the_output_is_returned(tmp_path):
    assert sh("echo one; echo two >&2; pwd; echo $LC_ALL", tmp_path) == f"one\n{tmp_path}\nC\n"


def test_nothing_waits_for_input(tmp_path):
    assert sh("cat; echo done", tmp_path) == "done\n"


def test_a_timeout_kills_the_command_and_its_children(tmp_path):
    script = "trap '' TERM; (trap '' TERM HUP; echo $$ > child; exec sleep 60) & sh -c 'echo $$ > grandchild; sleep 60'"
    started = time.monotonic()
    with pytest.raises(BenchmarkError, match=r"stopped after timeout_seconds \(1 s\)") as caught:
        sh(script, tmp_path, seconds=1)
    assert time.monotonic() - started < 10
    assert caught.value.failure_class == "measurement"
    assert wait_for_end(int((tmp_path / "grandchild").read_text()))


def test_a_child_that_outlives_its_command_is_killed(tmp_path):
    """Otherwise it would disturb the next measurement; here it does not even hold the output pipe."""
    sh("sleep 60 >/dev/null 2>&1 & echo $! > child", tmp_path)
    assert wait_for_end(int((tmp_path / "child").read_text()))


def test_a_failure_is_told_with_the_last_words(tmp_path):
    with pytest.raises(BenchmarkError, match=r"exit code 3(.|\n)*disk is on fire"):
        sh("echo disk is on fire >&2; exit 3", tmp_path)


def test_a_killed_command_is_told_with_its_signal(tmp_path):
    with pytest.raises(BenchmarkError, match=r"killed by signal 9 \(out of memory\?\)"):
        sh("kill -9 $$", tmp_path)


def test_a_program_that_does_not_start_is_infrastructure(tmp_path):
    with pytest.raises(InfrastructureError, match="does not start: No such file"):
        run(["/nonexistent/tool"], str(tmp_path), Deadline(5))


def test_bytes_that_are_no_text_are_no_crash(tmp_path):
    assert sh(r"printf 'a\377b'", tmp_path) == "a\ufffdb"


def test_no_time_left_means_stopped_at_once(tmp_path):
    with pytest.raises(BenchmarkError, match="stopped after"):
        sh("sleep 60", tmp_path, seconds=0)


def test_what_takes_far_longer_than_the_baseline_is_hopeless(tmp_path):
    with pytest.raises(
        HopelessError, match=r"cut short after 1 s, far more than the baseline takes, during: sh"
    ) as told:
        run(["sh", "-c", "sleep 60"], str(tmp_path), Deadline(20, hopeless_seconds=1))
    assert told.value.failure_class == "configuration"
    with pytest.raises(BenchmarkError, match="stopped after timeout_seconds"):
        run(["sh", "-c", "sleep 60"], str(tmp_path), Deadline(1, hopeless_seconds=20))


def test_another_exit_code_may_be_good(tmp_path):
    command = ["sh", "-c", "echo told; exit 2"]
    done = run(command, str(tmp_path), Deadline(5))
    assert require_good(command, done, good=(0, 2)) == "told\n"
    with pytest.raises(BenchmarkError, match="exit code 2"):
        require_good(command, done)
