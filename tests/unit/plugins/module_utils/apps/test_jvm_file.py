# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a Java in files of others: added at the end, and taken out byte for byte."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.apps import jvm_file
from ansible_collections.evolve.vm.plugins.module_utils.apps.jvm_file import Deviation

OURS = {"heap": Deviation("536870912", "402653184"), "gc": Deviation("parallel", "g1")}


@pytest.mark.parametrize("content", [None, b"", b"-Xmx1g\n", b"-Xmx1g", b"-Xmx1g\r\n# \xff\xfe\n\n", b"\n"])
@pytest.mark.parametrize("more", [b"", b"-Dadded=later\n"])
def test_what_was_comes_back_byte_for_byte(content: bytes | None, more: bytes) -> None:
    changed = jvm_file.rendered(content, OURS, ["-Xmx512m", "-XX:+UseParallelGC"])

    assert b"\n-Xmx512m\n-XX:+UseParallelGC\n# evolve.vm, end\n" in changed
    assert jvm_file.deviations(changed + more) == OURS
    assert jvm_file.original(changed + more) == (content if not more else (content or b"") + more)
    assert jvm_file.rendered(content, {}, []) == content


@pytest.mark.parametrize(
    "text",
    [
        'JAVA_OPTS="-Da=b -Xmx1g"  # as it came\n',
        "JAVA_OPTS='-Dcost=5$ -Xmx1g'\n",
        "export JAVA_OPTS=-Xmx1g # alone\n",
        'JAVA_OPTS=one\nif true; then\n  JAVA_OPTS="$JAVA_OPTS -Xmx1g"\nfi\n',
        'JAVA_OPTS="-Dtext=\\"quoted\\" -Xmx1g"\n',
        "JAVA_OPTS=\n",
        "OTHER=1\n",
    ],
)
def test_a_shell_has_what_it_had_and_then_ours(text: str) -> None:
    line = jvm_file.assignment(text.encode(), "JAVA_OPTS", ["-Xmx2g", "-XX:+UseZGC"])

    before, after = (
        subprocess.run(["sh", "-c", f'{script}\nprintf %s "$JAVA_OPTS"'], capture_output=True, text=True, check=True)
        for script in (text, f"{text}\n{line}")
    )
    assert after.stdout.endswith("-Xmx2g -XX:+UseZGC")
    assert before.stdout.split()[-1:] == after.stdout.split()[:-2][-1:]


def test_a_value_over_several_lines_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="over several lines"):
        jvm_file.assignment(b'JAVA_OPTS="-Xmx1g \\\n -Xms1g"\n', "JAVA_OPTS", ["-Xmx2g"])


def test_a_drop_in_keeps_what_the_unit_has() -> None:
    assert jvm_file.drop_in("JDK_JAVA_OPTIONS", "-Da=50%", ["-Xmx2g"]) == [
        "# without it: -Da=50%",
        "[Service]",
        'Environment="JDK_JAVA_OPTIONS=-Da=50%% -Xmx2g"',
    ]
