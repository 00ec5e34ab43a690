# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel command lines: reading one as the kernel does, and editing one without touching the rest of its text. Pure."""

from __future__ import annotations

import re
from typing import Callable, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.tunables.values import canonical

DEFAULT = "default"
"""As a value: the parameter is not on the command line. So is false."""

LONGEST = 2047
"""Characters that every architecture reads; x86 and arm64 silently cut off what is beyond."""

# From here on everything is for the first program that the kernel starts.
_END = "--"


class Token(NamedTuple):
    """One word of a line. space: what stands before it. raw: as it stands there. text: without its quoting."""

    space: str
    raw: str
    text: str


class Syntax(NamedTuple):
    """How words are told apart and quoted. split: a line as tokens, and the space after the last. quote: one word."""

    split: Callable[[str], tuple[list[Token], str]]
    quote: Callable[[str], str]


def _split(line: str) -> tuple[list[Token], str]:
    matches = list(re.finditer(r'(\s*)((?:"[^"]*"?|[^\s"])+)', line))
    end = matches[-1].end() if matches else 0
    return [Token(match[1], match[2], _unquoted(match[2])) for match in matches], line[end:]


def _unquoted(raw: str) -> str:
    # As next_arg() in lib/cmdline.c of the kernel: quotes stand around a whole word or around a value.
    if raw.startswith('"'):
        return raw[1:-1] if raw.endswith('"') and len(raw) > 1 else raw[1:]
    name, equals, value = raw.partition("=")
    if value.startswith('"'):
        value = value[1:-1] if value.endswith('"') and len(value) > 1 else value[1:]
    return name + equals + value


def _quote(word: str) -> str:
    if not re.search(r"\s", word):
        return word
    name, equals, value = word.partition("=")
    return f'{name}{equals}"{value}"'


KERNEL = Syntax(_split, _quote)
"""As in /proc/cmdline, and in the <cmdline> of a domain that libvirt boots directly."""


def value_of(line: str, parameter: str, syntax: Syntax = KERNEL) -> Value:
    """What a line says of a parameter: true for the bare word, false for nothing, else what is after the `=`.

    Of a parameter that is there several times it is the last, as for most of the kernel's own.
    """
    found = [token.text for token in _own(syntax.split(line)[0]) if _is(token, parameter)]
    return _value(found[-1]) if found else False


def edited(line: str, target: Mapping[str, Value], syntax: Syntax = KERNEL) -> str:
    """The line that says what `target` says, with the rest of its text as it was.

    What is there is replaced in its place, the last one of several, and what is not is added at the end: so giving back
    the value that a line had gives back the line, unless all of a parameter's words were taken away meanwhile.
    """
    tokens, tail = syntax.split(line)
    for parameter, value in target.items():
        tokens = _with(tokens, parameter, value, syntax)
    return "".join(token.space + token.raw for token in tokens) + tail


def is_absent(value: Value) -> bool:
    """Whether a value means that nothing is said."""
    return value is False or value == DEFAULT


def _with(tokens: list[Token], parameter: str, value: Value, syntax: Syntax) -> list[Token]:
    end = len(_own(tokens))
    positions = [i for i in range(end) if _is(tokens[i], parameter)]
    if is_absent(value):
        for position in reversed(positions):
            tokens = _without(tokens, position)
        return tokens
    word = parameter if value is True else f"{parameter}={value}"
    if not positions:
        added = Token(" " if end else "", syntax.quote(word), word)
        after = [token._replace(space=token.space or " ") for token in tokens[end:]]
        return [*tokens[:end], added, *after]
    last = tokens[positions[-1]]
    if _value(last.text) == _value(word) and (value is True) == ("=" not in last.text):
        return tokens
    return [*tokens[: positions[-1]], last._replace(raw=syntax.quote(word), text=word), *tokens[positions[-1] + 1 :]]


def _without(tokens: list[Token], position: int) -> list[Token]:
    after = tokens[position + 1 :]
    if position == 0 and after:
        after[0] = after[0]._replace(space=tokens[0].space)
    return [*tokens[:position], *after]


def _own(tokens: list[Token]) -> list[Token]:
    """The words for the kernel."""
    texts = [token.text for token in tokens]
    return tokens[: texts.index(_END)] if _END in texts else tokens


def _is(token: Token, parameter: str) -> bool:
    # To the kernel dashes and underscores in names are the same.
    return token.text.partition("=")[0].replace("-", "_") == parameter.replace("-", "_")


def _value(text: str) -> Value:
    dummy, equals, value = text.partition("=")
    return canonical(value) if equals else True
