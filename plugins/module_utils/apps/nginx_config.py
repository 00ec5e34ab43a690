# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of an nginx configuration: its directives, and edits that leave every other byte alone and can be undone.

Pure. What an edit replaces is kept in a comment right behind it:

    worker_connections 1024; # evolve.vm: in place of "worker_connections 768;"
    multi_accept on; # evolve.vm: added; without it "off"
"""

from __future__ import annotations

import json
import re
from typing import Iterator, NamedTuple

_MARK = re.compile(r' # evolve\.vm: (in place of|added; without it) ("(?:[^"\\]|\\.)*")(, line broken here\n)?')
_BROKEN = ", line broken here\n"
_SPACE = " \t\r\n"
# Their blocks hold Lua, which is not made of directives.
_FOREIGN_BLOCK = re.compile(r"_by_lua_block$")


class NginxSyntaxError(Exception):
    """The text is not an nginx configuration; the text says where."""


class Mark(NamedTuple):
    """What stood in the place of a directive of ours.

    original: the text that it replaced; None where there was none. before: the value without ours, as nginx writes it.
    start, end: what undoing replaces by the original.
    """

    original: str | None
    before: str
    start: int
    end: int


class Directive(NamedTuple):
    """A directive. context: the blocks around it, outermost first. start, end: where it stands, with its `;` or block.

    body: where the inside of its block begins, where it has one. words: what stands between its name and that, as
    written. mark: where it is ours.
    """

    name: str
    words: tuple[str, ...]
    context: tuple[str, ...]
    start: int
    end: int
    line: int
    body: int | None = None
    mark: Mark | None = None

    @property
    def value(self) -> str:
        """Its words, with single spaces."""
        return " ".join(self.words)


def parse(text: str) -> list[Directive]:
    """Every directive of the text, those of a block after the block itself. Raises NginxSyntaxError."""
    return list(_Parser(text).block(()))


def unquoted(word: str) -> str:
    """What a word means to nginx: without its quotes."""
    if len(word) > 1 and word[0] in "'\"" and word[-1] == word[0]:
        return re.sub(r"\\([\"'\\])", r"\1", word[1:-1])
    return word


def replaced(text: str, directive: Directive, value: str) -> str:
    """The text with another value in a directive."""
    new = f"{directive.name} {value};"
    if directive.mark is None:
        new += _mark("in place of", text[directive.start : directive.end], text[directive.end :])
    return text[: directive.start] + new + text[directive.end :]


def restored(text: str, directive: Directive) -> str:
    """The text with what stood in the place of a directive of ours."""
    mark = directive.mark
    if mark is None:
        return text
    return text[: mark.start] + (mark.original or "") + text[mark.end :]


def added(text: str, block: Directive | None, name: str, value: str, before: str) -> str:
    """The text with one more directive: at the beginning of `block`; for None before the first block of the text.

    before: the value in force without it.
    """
    new = f"{name} {value};"
    if block is not None and block.body is not None:
        line_end = text.find("\n", block.body)
        rest = text[block.body : line_end if line_end >= 0 else len(text)].strip()
        if line_end >= 0 and (not rest or rest.startswith("#")):
            return _whole_line(text, line_end + 1, _indent_of_body(text, line_end + 1, block), new, before)
        return _within_line(text, block.body, new, before)
    first = next((each for each in parse(text) if each.body is not None and not each.context), None)
    if first is None:
        # Only comments and simple directives: a configuration must have events {}, so this is not the main file.
        return _whole_line(text, 0, "", new, before)
    line_start = text.rfind("\n", 0, first.start) + 1
    if text[line_start : first.start].strip():
        return _within_line(text, first.start, new, before)
    return _whole_line(text, line_start, text[line_start : first.start], new, before)


def _whole_line(text: str, at: int, indent: str, new: str, before: str) -> str:
    mark = _mark("added; without it", before, "\n")
    return f"{text[:at]}{indent}{new}{mark}\n{text[at:]}"


def _within_line(text: str, at: int, new: str, before: str) -> str:
    return f"{text[:at]} {new}{_mark('added; without it', before, text[at:] or 'more')}{text[at:]}"


def _mark(kind: str, content: str, follows: str) -> str:
    """The comment. Nothing but blanks may follow it on its line: where there is more, it breaks the line."""
    mark = f" # evolve.vm: {kind} {json.dumps(content)}"
    return mark if not follows.split("\n", 1)[0].strip() else mark + _BROKEN


def _indent_of_body(text: str, at: int, block: Directive) -> str:
    """How the lines of a block are indented: as the first one that says something, or one tab more than the block."""
    for line in text[at : block.end].splitlines():
        if line.strip() and not line.strip().startswith("}"):
            return line[: len(line) - len(line.lstrip())]
    line_start = text.rfind("\n", 0, block.start) + 1
    indent = text[line_start : block.start]
    return ("" if indent.strip() else indent) + "\t"


class _Parser:
    """nginx's own reader (ngx_conf_read_token), with positions."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def block(self, context: tuple[str, ...], opened: int | None = None) -> Iterator[Directive]:
        """The directives up to the end of the block that was opened there; None: to the end of the text."""
        while True:
            self._skip()
            if self._at >= len(self._text):
                if opened is not None:
                    raise NginxSyntaxError(f"the block opened in line {self._line(opened)} has no end")
                return
            if self._text[self._at] == "}":
                if opened is None:
                    raise NginxSyntaxError(f"there is a }} too many in line {self._line(self._at)}")
                return
            yield from self._directive(context)

    def _directive(self, context: tuple[str, ...]) -> Iterator[Directive]:
        start = self._at
        words = []
        while True:
            self._skip()
            if self._at >= len(self._text) or self._text[self._at] == "}":
                raise NginxSyntaxError(f"the directive in line {self._line(start)} has no end")
            if self._text[self._at] in ";{":
                break
            words.append(self._word())
        if not words:
            raise NginxSyntaxError(f"there is a {self._text[start]} without a directive in line {self._line(start)}")
        ending = self._at
        self._at += 1
        name = unquoted(words[0])
        inside: list[Directive] = []
        if self._text[ending] == "{":
            if _FOREIGN_BLOCK.search(name):
                self._skip_foreign(start)
            else:
                inside = list(self.block((*context, name), start))
            self._at += 1
        yield Directive(
            name,
            tuple(words[1:]),
            context,
            start,
            self._at,
            self._line(start),
            ending + 1 if self._text[ending] == "{" else None,
            self._found_mark(start, self._at),
        )
        yield from inside

    def _found_mark(self, start: int, end: int) -> Mark | None:
        found = _MARK.match(self._text, end)
        if found is None:
            return None
        content = str(json.loads(found.group(2)))
        if found.group(1) == "in place of":
            return Mark(content, _value_of(content), start, found.end())
        if found.group(3):
            return Mark(None, content, start - 1, found.end())
        return Mark(None, content, self._text.rfind("\n", 0, start) + 1, found.end() + 1)

    def _skip(self) -> None:
        """Over white space and comments."""
        while self._at < len(self._text):
            if self._text[self._at] in _SPACE:
                self._at += 1
            elif self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = end if end >= 0 else len(self._text)
            else:
                return

    def _word(self) -> str:
        start = self._at
        if self._text[start] in "'\"":
            self._quoted(self._text[start])
        else:
            while self._at < len(self._text):
                here = self._text[self._at]
                if here == "\\" or (here == "$" and self._text.startswith("{", self._at + 1)):
                    self._at += 2
                elif here in _SPACE or here in ";{":
                    break
                else:
                    self._at += 1
        return self._text[start : self._at]

    def _quoted(self, quote: str) -> None:
        start = self._at
        self._at += 1
        while self._at < len(self._text):
            here = self._text[self._at]
            self._at += 2 if here == "\\" else 1
            if here == quote:
                return
        raise NginxSyntaxError(f"the text quoted in line {self._line(start)} has no end")

    def _skip_foreign(self, start: int) -> None:
        """To the brace that ends a block of Lua."""
        depth = 1
        while self._at < len(self._text):
            here = self._text[self._at]
            if here in "'\"":
                self._quoted(here)
                continue
            if self._text.startswith("--", self._at):
                end = self._text.find("\n", self._at)
                self._at = end if end >= 0 else len(self._text)
                continue
            depth += {"{": 1, "}": -1}.get(here, 0)
            if not depth:
                return
            self._at += 1
        raise NginxSyntaxError(f"the block opened in line {self._line(start)} has no end")

    def _line(self, at: int) -> int:
        return self._text.count("\n", 0, at) + 1


def _value_of(directive: str) -> str:
    return parse(directive)[0].value
