# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of an nginx configuration: found, changed in place, and given back byte for byte."""

from __future__ import annotations

import random

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.apps.nginx_config import (
    Directive,
    NginxSyntaxError,
    added,
    parse,
    replaced,
    restored,
    unquoted,
)

DEBIAN = """user www-data;
worker_processes auto;
include /etc/nginx/modules-enabled/*.conf;

events {
\tworker_connections 768;
\t# multi_accept on;
}

http {
\tsendfile on; # quick
\tgzip_types text/plain
\t           application/json;   \n\tlog_format main '$remote_addr ; { "x" } $status';
\tserver { listen 80; location ~ "^/a{2};" { set $a b${x}c\\;d; return 200 "a } b"; } keepalive_timeout 5; }
}
"""
ONE_LINE = "events { worker_connections 768; } http { server { listen 80; } }"
WINDOWS = "worker_processes 1;\r\nevents {\r\n    worker_connections 768;\r\n}\r\n"
LUA = """http { server { location / {
content_by_lua_block { local t = { "}" } -- } not this
  ngx.say('{') } gzip on; } } keepalive_timeout 3; }
"""


def found(text: str, name: str, *context: str) -> Directive:
    return next(each for each in parse(text) if each.name == name and each.context == context)


def test_every_directive_is_found_in_its_context() -> None:
    names = [(*each.context, each.name) for each in parse(DEBIAN)]

    assert names == [
        ("user",),
        ("worker_processes",),
        ("include",),
        ("events",),
        ("events", "worker_connections"),
        ("http",),
        ("http", "sendfile"),
        ("http", "gzip_types"),
        ("http", "log_format"),
        ("http", "server"),
        ("http", "server", "listen"),
        ("http", "server", "location"),
        ("http", "server", "location", "set"),
        ("http", "server", "location", "return"),
        ("http", "server", "keepalive_timeout"),
    ]
    assert found(DEBIAN, "gzip_types", "http").value == "text/plain application/json"
    assert found(DEBIAN, "worker_connections", "events").line == 6
    assert found(DEBIAN, "location", "http", "server").words == ("~", '"^/a{2};"')
    assert found(DEBIAN, "set", "http", "server", "location").words == ("$a", "b${x}c\\;d")


def test_quoted_words_mean_what_is_within_the_quotes() -> None:
    words = found("""a "b ; c" 'd \\' e' f\\ g;""", "a").words

    assert words == ('"b ; c"', "'d \\' e'", "f\\ g")
    assert [unquoted(word) for word in words] == ["b ; c", "d ' e", "f\\ g"]


def test_braces_within_lua_are_not_blocks() -> None:
    assert found(LUA, "gzip", "http", "server", "location").value == "on"
    assert found(LUA, "keepalive_timeout", "http").value == "3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("events {\n a 1;\n", "the block opened in line 1 has no end"),
        ("a 1;\n}\n", "a } too many in line 2"),
        ("a 1\n", "the directive in line 1 has no end"),
        ("events { a 1 }\n", "the directive in line 1 has no end"),
        ("a 'b;\n", "quoted in line 1 has no end"),
        ("a 1;\n;\n", "a ; without a directive in line 2"),
        ("content_by_lua_block { x = {}\n", "opened in line 1 has no end"),
    ],
)
def test_a_text_that_is_no_configuration_says_where(text: str, message: str) -> None:
    with pytest.raises(NginxSyntaxError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("text", "name", "context", "line"),
    [
        (DEBIAN, "worker_connections", ("events",), '\tworker_connections 9; # evolve.vm: in place of "worker_con'),
        (DEBIAN, "worker_processes", (), 'worker_processes 9; # evolve.vm: in place of "worker_processes auto;"\n'),
        (DEBIAN, "sendfile", ("http",), 'sendfile 9; # evolve.vm: in place of "sendfile on;", line broken here\n # qu'),
        (DEBIAN, "gzip_types", ("http",), 'gzip_types 9; # evolve.vm: in place of "gzip_types text/plain\\n'),
        (ONE_LINE, "worker_connections", ("events",), 'place of "worker_connections 768;", line broken here\n }'),
        (WINDOWS, "worker_connections", ("events",), 'in place of "worker_connections 768;"\r\n}'),
    ],
)
def test_a_replaced_directive_is_given_back_byte_for_byte(
    text: str, name: str, context: tuple[str, ...], line: str
) -> None:
    once = replaced(text, found(text, name, *context), "9")
    twice = replaced(once, found(once, name, *context), "10")

    assert line in once
    assert found(twice, name, *context).value == "10"
    assert found(twice, name, *context).mark.before == found(text, name, *context).value
    assert others(twice, name, context) == others(text, name, context)
    assert restored(twice, found(twice, name, *context)) == text


@pytest.mark.parametrize(
    ("text", "block", "line"),
    [
        (
            DEBIAN,
            "events",
            '\nevents {\n\tnew 9; # evolve.vm: added; without it "a \\" b"\n\tworker_connections 768;\n',
        ),
        (DEBIAN, None, '\nnew 9; # evolve.vm: added; without it "a \\" b"\nevents {\n'),
        (ONE_LINE, "http", 'http { new 9; # evolve.vm: added; without it "a \\" b", line broken here\n server {'),
        (ONE_LINE, None, 'new 9; # evolve.vm: added; without it "a \\" b"\nevents {'),
        (WINDOWS, "events", '{\r\n    new 9; # evolve.vm: added; without it "a \\" b"\n    worker_connections'),
        ("a 1; events {}", None, 'a 1;  new 9; # evolve.vm: added; without it "a \\" b", line broken here\nevents {}'),
        ("a 1; events {}", "events", 'events { new 9; # evolve.vm: added; without it "a \\" b", line broken here\n}'),
        ("events {\n}\n", "events", 'events {\n\tnew 9; # evolve.vm: added; without it "a \\" b"\n}\n'),
        ("events { # few\n}\n", "events", 'events { # few\n\tnew 9; # evolve.vm: added; without it "a \\" b"\n}\n'),
    ],
)
def test_an_added_directive_is_taken_out_byte_for_byte(text: str, block: str | None, line: str) -> None:
    context = (block,) if block else ()
    once = added(text, found(text, block) if block else None, "new", "9", 'a " b')
    twice = replaced(once, found(once, "new", *context), "10")

    assert line in once
    assert found(twice, "new", *context).value == "10"
    assert found(twice, "new", *context).mark.before == 'a " b'
    assert others(once, "new", context) == others(text, "new", context)
    assert restored(twice, found(twice, "new", *context)) == text


@pytest.mark.parametrize("text", [DEBIAN, ONE_LINE, WINDOWS, LUA], ids=["debian", "one line", "windows", "lua"])
def test_many_edits_in_any_order_are_all_undone(text: str) -> None:
    chance = random.Random(7)
    simple = [(each.name, each.context) for each in parse(text) if each.body is None]
    blocks = [None, *(each.name for each in parse(text) if each.body is not None and not each.context)]
    for _round in range(200):
        now = text
        touched = chance.sample(simple, chance.randint(0, len(simple)))
        for name, context in touched:
            now = replaced(now, found(now, name, *context), str(chance.randint(1, 99)))
        news = [(f"new_{number}", chance.choice(blocks)) for number in range(chance.randint(0, 4))]
        for name, block in news:
            now = added(now, found(now, block) if block else None, name, "1", "off")
        undo = touched + [(name, (block,) if block else ()) for name, block in news]
        chance.shuffle(undo)
        for name, context in undo:
            now = restored(now, found(now, name, *context))
        assert now == text


def others(text: str, name: str, context: tuple[str, ...]) -> list[tuple[object, ...]]:
    return [
        (each.name, each.words, each.context)
        for each in parse(text)
        if (each.name, each.context) != (name, context) and (each.body is None or each.words)
    ]
