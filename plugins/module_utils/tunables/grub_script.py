# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The language of grub.cfg, as far as it takes to find menu entries and their kernels' command lines. Pure.

Grammar: the GRUB manual, "Writing full configuration files directly" (Shell-like scripting).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.tunables.command_line import Syntax, Token, edited, value_of

_TOKEN = re.compile(
    r"""(?P<space>(?:[ \t]|\\\n)+)
    |(?P<comment>\#[^\n]*)
    |(?P<end>\n|;|&&?|\|\|?)
    |(?P<word>(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\{[^}]*\}|[^\s;&|'"\\])+)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(r"""\\(?P<escaped>.)|'(?P<single>[^']*)'|"(?P<double>(?:\\.|[^"\\])*)"|(?P<plain>.)""", re.DOTALL)
_KERNELS = ("linux", "linux16", "linuxefi")


class Word(NamedTuple):
    """One word. start, end: where it stands. text: without quoting; variables are left as they are written."""

    start: int
    end: int
    text: str


class Entry(NamedTuple):
    """One entry of the menu, or a submenu, which has entries of its own.

    arguments: the words after `menuentry` as they are written, without title and id. body: what is between its braces.
    """

    title: str
    id: str
    arguments: str
    body: str
    entries: list[Entry]
    is_submenu: bool


def commands(text: str) -> list[list[Word]]:
    """The commands of a script, each as its words. Braces of blocks are commands of their own."""
    found: list[list[Word]] = [[]]
    for match in _TOKEN.finditer(text):
        if match["end"]:
            found.append([])
        elif match["word"]:
            word = Word(match.start(), match.end(), unquoted(match["word"]))
            if match["word"] in ("{", "}"):
                found += [[word], []]
            else:
                found[-1].append(word)
    return [each for each in found if each]


def unquoted(raw: str) -> str:
    """A word without its quoting."""
    text = ""
    for match in _PIECE.finditer(raw):
        if match["double"] is not None:
            text += re.sub(r'\\(["\\$])', r"\1", match["double"])
        else:
            text += next(piece for piece in (match["escaped"], match["single"], match["plain"]) if piece is not None)
    return text


def quoted(word: str) -> str:
    """A word in such quoting that GRUB takes nothing in it for its own."""
    if re.fullmatch(r"[\w.,:=@%+/-]+", word, re.ASCII):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def entries(text: str) -> list[Entry]:
    """The menu: every entry wherever it stands, those of submenus within these."""
    menu: list[Entry] = []
    # What each open brace began: the list its entries go to, and the entry itself where it is one.
    open_lists: list[tuple[list[Entry], tuple[Entry, int] | None]] = [(menu, None)]
    header: Entry | None = None
    for words in commands(text):
        current = open_lists[-1][0]
        first = words[0]
        if text[first.start : first.end] == "{":
            open_lists.append((header.entries, (header, first.end)) if header else (current, None))
            header = None
        elif text[first.start : first.end] == "}":
            if len(open_lists) > 1:
                opened = open_lists.pop()[1]
                if opened is not None:
                    entry, start = opened
                    open_lists[-1][0].append(entry._replace(body=text[start : first.start]))
        else:
            # `if ...; then menuentry` is one command here.
            skipped = 1 if first.text in ("then", "else", "do") and len(words) > 1 else 0
            header = _header(text, words[skipped:])
    return menu


def _header(text: str, words: list[Word]) -> Entry | None:
    if len(words) < 2 or words[0].text not in ("menuentry", "submenu"):
        return None
    title, rest, identity = words[1].text, words[2:], ""
    kept = []
    skip = False
    for word, following in zip(rest, [*rest[1:], None]):
        if skip:
            skip = False
        elif word.text in ("--id", "$menuentry_id_option", "${menuentry_id_option}") and following is not None:
            identity, skip = following.text, True
        elif word.text.startswith("--id="):
            identity = word.text[len("--id=") :]
        else:
            kept.append(text[word.start : word.end])
    return Entry(title, identity, " ".join(kept), "", [], words[0].text == "submenu")


def settings(text: str, variable: str) -> list[str]:
    """What a variable is set to, in order."""
    return [
        word.text[len(variable) + 1 :]
        for words in commands(text)
        for word in words
        if word.text.startswith(f"{variable}=") and "set" in [each.text for each in words[:-1]]
    ]


def has_command(text: str, *start: str) -> bool:
    """Whether a command with these first words is anywhere in a script."""
    return any([word.text for word in words[: len(start)]] == list(start) for words in _plain(text))


def _plain(text: str) -> list[list[Word]]:
    """The commands without the keyword that may stand before them."""
    keywords = ("then", "else", "do", "if", "elif")
    return [words[1:] if words[0].text in keywords else words for words in commands(text)]


def find(menu: list[Entry], wanted: str) -> Entry | None:
    """The entry that the variable `default` names: by number, title or id, through submenus with `>`."""
    first, dummy, rest = wanted.partition(">")
    found = next((entry for entry in menu if first in (entry.title, entry.id)), None)
    if found is None and first.isdecimal() and int(first) < len(menu):
        found = menu[int(first)]
    if found is not None and found.is_submenu:
        # A submenu on its own is entered, and its first entry started.
        return find(found.entries, rest or "0")
    return None if rest else found


def kernels(body: str) -> list[tuple[int, int]]:
    """Where the kernels' command lines stand in the body of an entry."""
    found = []
    for words in _plain(body):
        if words and words[0].text in _KERNELS and len(words) > 1:
            found.append((words[1].end, words[-1].end))
    return found


def with_command_lines(body: str, target: dict[str, Value]) -> str:
    """The body of an entry with every kernel's command line edited."""
    for start, end in reversed(kernels(body)):
        body = body[:start] + _spaced(edited(body[start:end], target, GRUB)) + body[end:]
    return body


def without_command(body: str, name: str) -> str:
    """The body of an entry without the commands of this name that stand alone."""
    for words in reversed(commands(body)):
        if [word.text for word in words] == [name]:
            body = body[: words[0].start] + body[words[0].end :]
    return body


def command_line_value(body: str, parameter: str) -> Value:
    """What the last kernel's command line in the body of an entry says of a parameter."""
    lines = kernels(body)
    return value_of(body[lines[-1][0] : lines[-1][1]], parameter, GRUB) if lines else False


def _spaced(line: str) -> str:
    # The first word follows the kernel's file.
    return line if not line or line[0].isspace() else f" {line}"


def _split(line: str) -> tuple[list[Token], str]:
    tokens, end = [], 0
    for match in _TOKEN.finditer(line):
        if match["word"]:
            tokens.append(Token(line[end : match.start()], match["word"], unquoted(match["word"])))
            end = match.end()
    return tokens, line[end:]


GRUB = Syntax(_split, quoted)
"""The arguments of the command `linux`."""
