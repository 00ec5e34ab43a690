# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the disks of a domain XML have their data; the same XML with one of them elsewhere. Pure: text in, text out.

The text is edited in place, so that everything else stays byte for byte.
"""

from __future__ import annotations

import re
from typing import Mapping, NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import UnsuitableMachine
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

_DISK = ["domain", "devices", "disk"]
_WITH_DATA = ("disk", "lun")
_START_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")


class DiskSource(NamedTuple):
    """One disk: target (vda), device (disk or lun), kind (file, volume, block, network, ...), its <source>.

    format is that of the driver (raw, qcow2); libvirt takes raw where none is said. `span` is where the start tag of
    the <source> is in the XML as UTF-8; (0, 0) without one.
    """

    target: str
    device: str
    kind: str
    source: Mapping[str, str]
    format: str
    shareable: bool
    span: tuple[int, int]


def disk_sources(xml: str) -> list[DiskSource]:
    """Every disk that holds data, in the order of the XML; no CD-ROM, no floppy."""
    reader = _Reader(xml)
    return [each for each in reader.disks if each.device in _WITH_DATA]


def find_source(xml: str, target: str | None) -> DiskSource:
    """The disk of this target; None takes the first. Raises UnsuitableMachine if there is none."""
    disks = {each.target: each for each in disk_sources(xml)}
    if target is None and disks:
        return next((each for each in disks.values() if each.device == "disk"), next(iter(disks.values())))
    if target is None:
        raise UnsuitableMachine("The machine has no disk.")
    if target not in disks:
        listing = f"It has {', '.join(disks)}." if disks else "It has none."
        raise UnsuitableMachine(f"The machine has no disk {target}.{did_you_mean(target, disks)} {listing}")
    return disks[target]


def machine_of(xml: str) -> tuple[str, str]:
    """Name and UUID of the domain; empty where the XML does not say."""
    reader = _Reader(xml)
    return reader.texts.get("name", ""), reader.texts.get("uuid", "")


def with_source(xml: str, disk: DiskSource, attributes: Mapping[str, str]) -> str:
    """`xml` with other values of these attributes in the <source> of `disk`, which was read from the same `xml`."""
    data = xml.encode()
    start, end = disk.span
    tag = data[start:end].decode()
    for name, value in attributes.items():
        escaped = quoteattr(value).replace("\\", "\\\\")
        tag = re.sub(rf"""(\s{name}\s*=\s*)("[^"]*"|'[^']*')""", rf"\g<1>{escaped}", tag)
    return (data[:start] + tag.encode() + data[end:]).decode()


class _Reader:
    """Walks through a domain XML once."""

    def __init__(self, xml: str) -> None:
        self.disks: list[DiskSource] = []
        self.texts: dict[str, str] = {}
        self._data = xml.encode()
        self._path: list[str] = []
        self._disk: dict[str, str] = {}
        self._parts: dict[str, dict[str, str]] = {}
        self._span = (0, 0)
        self._parser = expat.ParserCreate("UTF-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.Parse(self._data, True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._path[:3] == _DISK and len(self._path) == 3:
            self._parts[tag] = attributes
            if tag == "source":
                found = _START_TAG.match(self._data, self._parser.CurrentByteIndex)
                self._span = (0, 0) if found is None else found.span()
        self._path.append(tag)
        if self._path == _DISK:
            self._disk, self._parts, self._span = attributes, {}, (0, 0)

    def _end(self, _tag: str) -> None:
        if self._path == _DISK:
            self.disks.append(
                DiskSource(
                    target=self._parts.get("target", {}).get("dev", ""),
                    device=self._disk.get("device", "disk"),
                    kind=self._disk.get("type", "file"),
                    source=self._parts.get("source", {}),
                    format=self._parts.get("driver", {}).get("type", "raw"),
                    shareable="shareable" in self._parts,
                    span=self._span,
                )
            )
        self._path.pop()

    def _text(self, text: str) -> None:
        if len(self._path) == 2 and self._path[1] in ("name", "uuid"):
            self.texts[self._path[1]] = self.texts.get(self._path[1], "") + text.strip()
