# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A domain XML as a tree and back, and the small steps that all editors share.

Comments, processing instructions, prefixes and what stands around the root element stay. Elements are looked for and
put where libvirt's schema has them: https://libvirt.org/formatdomain.html
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import NamedTuple
from xml.parsers import expat

_BYTES: dict[str, int] = {"b": 1, "bytes": 1}
for _power, _letter in enumerate("kmgtpe", start=1):
    _BYTES[_letter] = _BYTES[f"{_letter}ib"] = 1024**_power
    _BYTES[f"{_letter}b"] = 1000**_power


class About(NamedTuple):
    """Which devices the parameters are about, and what has to be known of the host to read them.

    disk: target such as vda; None takes the first disk. interface: MAC address; None takes the first interface.
    nodes: the CPUs of each NUMA node of the host. shares: what a machine has of which nobody has said anything.
    """

    disk: str | None = None
    interface: str | None = None
    nodes: tuple[tuple[int, ...], ...] = ()
    shares: int = 1024


def parse(xml: str) -> ET.Element:
    """The tree, comments included.

    Namespaces are not resolved: a tag is what stands there (qemu:arg), a declaration an attribute like any other
    (xmlns:qemu), so that they are written where they were.
    """
    builder = ET.TreeBuilder(insert_comments=True, insert_pis=True)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.CommentHandler = builder.comment
    parser.ProcessingInstructionHandler = builder.pi
    # The declaration may name an encoding that a text in memory no longer has.
    parser.Parse(_undeclared(xml), True)
    root: ET.Element = builder.close()
    return root


def serialise(root: ET.Element, original: str) -> str:
    """The tree as text, between what stood before and behind the root element of `original`."""
    before, after = _around(original)
    return before + ET.tostring(root, encoding="unicode") + after


def text(element: ET.Element) -> str:
    """The text of an element without the blanks around it."""
    return (element.text or "").strip()


def kib(root: ET.Element, tag: str, default: int) -> int:
    """An amount of memory in any unit, in KiB."""
    element = root.find(tag)
    if element is None:
        return default
    return int(text(element)) * _BYTES[element.get("unit", "KiB").lower()] // 1024


def insert_after(root: ET.Element, tags: tuple[str, ...], new: str) -> ET.Element:
    """A new child element behind the last one that has one of `tags`."""
    element = ET.Element(new)
    places = [index for index, child in enumerate(root) if child.tag in tags]
    root.insert(places[-1] + 1 if places else 0, element)
    return element


def child(parent: ET.Element, tag: str) -> ET.Element:
    """The child of this name, made where there is none."""
    found = parent.find(tag)
    return ET.SubElement(parent, tag) if found is None else found


def remove_if_empty(parent: ET.Element, tag: str) -> None:
    """Take away a child that says nothing: no attribute, no text, no child and no comment."""
    found = parent.find(tag)
    if found is not None and not found.attrib and not len(found) and not text(found):
        parent.remove(found)


def _undeclared(xml: str) -> str:
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", xml)


def _around(xml: str) -> tuple[str, str]:
    """What stands before and behind the root element: declaration, comments."""
    encoded = xml.encode()
    depth, start, end = 0, 0, len(encoded)
    parser = expat.ParserCreate(encoding="utf-8")

    def opening(_name: str, _attributes: object) -> None:
        nonlocal depth, start
        if depth == 0:
            start = parser.CurrentByteIndex
        depth += 1

    def closing(_name: str) -> None:
        nonlocal depth, end
        depth -= 1
        if depth == 0:
            end = encoded.index(b">", parser.CurrentByteIndex) + 1

    parser.StartElementHandler, parser.EndElementHandler = opening, closing
    parser.Parse(encoded, True)
    return encoded[:start].decode(), encoded[end:].decode()
