# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a redis.conf: understood as Redis does, changed in place, and given back byte for byte."""

from __future__ import annotations

import random

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.apps import redis_file

TEXT = """# a comment
port 6379
  MaxMemory 100mb \t
save 900 1
save 300 10

appendonly no
requirepass "pass \\"word\\x21"
maxmemory-policy 'allkeys-lru'
"""
WITH_INCLUDE = "maxmemory 1mb\ninclude /etc/redis/more.conf\nhz 10\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("maxmemory 100mb", ["maxmemory", "100mb"]),
        ("\tsave  900   1 \r\n", ["save", "900", "1"]),
        ('save ""', ["save", ""]),
        ("# maxmemory 1", []),
        ('requirepass "a \\"b\\" \\x21\\n"', ["requirepass", 'a "b" !\n']),
        ("proc-title-template '{title} it\\'s'", ["proc-title-template", "{title} it's"]),
        ("", []),
    ],
)
def test_a_line_is_taken_apart_as_redis_does(line: str, words: list[str]) -> None:
    assert redis_file.words(line) == words


def test_the_last_line_of_a_directive_counts() -> None:
    assert redis_file.last_value(TEXT, "maxmemory") == "100mb"
    assert redis_file.last_value(TEXT, "save") == "300 10"
    assert redis_file.last_value(TEXT, "hz") is None


@pytest.mark.parametrize(
    ("name", "value", "lines"),
    [
        ("maxmemory", "67108864", ["maxmemory 67108864"]),
        ("save", "900 1 300 10", ["save 900 1", "save 300 10"]),
        ("save", "", ['save ""']),
        ("client-output-buffer-limit", "normal 0 0 0 slave 1 2 3", None),
        ("oom-score-adj-values", "0 200 800", ["oom-score-adj-values 0 200 800"]),
        ("proc-title-template", "{title} x", ['proc-title-template "{title} x"']),
        ("notify-keyspace-events", "", ['notify-keyspace-events ""']),
        ("masterauth", 'a"b', ['masterauth "a\\"b"']),
    ],
)
def test_values_are_written_as_redis_reads_them(name: str, value: str, lines: list[str] | None) -> None:
    found = redis_file.lines_for(name, value)

    assert found == (lines or ["client-output-buffer-limit normal 0 0 0", "client-output-buffer-limit slave 1 2 3"])
    assert " ".join(word for line in found for word in redis_file.words(line) if word != name) == value


def test_changes_stand_in_the_place_of_what_they_replace() -> None:
    changed = redis_file.rendered(
        TEXT, {"maxmemory": ["maxmemory 5"], "save": ["save 1 2", "save 3 4"], "hz": ["hz 50"]}
    )

    assert (
        changed
        == """# a comment
port 6379
# evolve.vm:
maxmemory 5
# evolve.vm, in place of:   MaxMemory 100mb \t
# evolve.vm, in place of: save 900 1
# evolve.vm:
save 1 2
# evolve.vm:
save 3 4
# evolve.vm, in place of: save 300 10

appendonly no
requirepass "pass \\"word\\x21"
maxmemory-policy 'allkeys-lru'
# evolve.vm:
hz 50
"""
    )
    assert redis_file.ours(changed) == {
        "maxmemory": ["maxmemory 5"],
        "save": ["save 1 2", "save 3 4"],
        "hz": ["hz 50"],
    }
    assert redis_file.original(changed) == TEXT


def test_what_is_included_later_does_not_count_more() -> None:
    changed = redis_file.rendered(WITH_INCLUDE, {"maxmemory": ["maxmemory 5"], "hz": ["hz 50"]})

    assert changed.index("include") < changed.index("\nmaxmemory 5")
    assert changed.startswith("# evolve.vm, in place of: maxmemory 1mb\n")
    assert redis_file.original(changed) == WITH_INCLUDE


@pytest.mark.parametrize("text", [TEXT, TEXT.rstrip("\n"), TEXT.replace("\n", "\r\n"), "", "hz 10", WITH_INCLUDE])
def test_the_original_comes_back_byte_for_byte(text: str) -> None:
    chance = random.Random(3)
    choices = {
        "maxmemory": ["maxmemory 5"],
        "save": ["save 1 2", "save 3 4"],
        "hz": ["hz 50"],
        "timeout": ["timeout 3"],
        "appendonly": ["appendonly yes"],
    }
    for _round in range(100):
        wanted = {name: choices[name] for name in chance.sample(list(choices), chance.randint(0, len(choices)))}

        changed = redis_file.rendered(text, wanted)

        assert redis_file.original(changed) == text
        assert redis_file.ours(changed) == wanted
