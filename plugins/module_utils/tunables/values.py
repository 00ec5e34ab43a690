# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as the kernel shows them in /proc/sys, /sys and on its command line, and what can stand there. Pure."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value, shown


def canonical(content: str) -> Value:
    """A value as the kernel shows it, without its tabs and line ends; an int where it is one whole number."""
    text = " ".join(content.split())
    # Only what Python writes the same way: to the kernel 010 is eight.
    return int(text) if _is_number(text) and str(int(text)) == text else text


def choices(content: str) -> list[str]:
    """What can be chosen in a file such as `always [madvise] never`; empty where nothing, or no one word, is marked."""
    words = content.split()
    return [word.strip("[]") for word in words] if sum(map(_is_marked, words)) == 1 else []


def chosen(content: str) -> Value:
    """The value in force: of a file that lists choices the marked one, of any other its content."""
    if not choices(content):
        return canonical(content)
    return canonical(next(word for word in content.split() if _is_marked(word)).strip("[]"))


def same(first: Value, second: Value) -> bool:
    """Whether two values are one: true is not 1 here, as the word `x` on a command line is not `x=1`."""
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def kind_fault(present: Value, asked: Value) -> str:
    """Why `asked` cannot stand where `present` stands now, as far as the look of the two tells; empty where it can."""
    if isinstance(asked, bool) and not isinstance(present, bool):
        return f"found {shown(asked)}, expected a whole number or text, as the value in force is {shown(present)}."
    wanted = str(asked).split()
    if isinstance(present, int) and not any(character.isdigit() for character in str(asked)):
        return f"found {asked!r}, expected a number, as the value in force is {present}."
    numbers = str(present).split()
    if (
        len(numbers) > 1
        and all(map(_is_number, numbers))
        and (len(wanted) != len(numbers) or not all(map(_is_number, wanted)))
    ):
        return f"found {asked!r}, expected {len(numbers)} numbers, as the value in force is {present}."
    return ""


def _is_marked(word: str) -> bool:
    return len(word) > 2 and word[0] == "[" and word[-1] == "]"


def _is_number(text: str) -> bool:
    return text.lstrip("-").isdecimal()
