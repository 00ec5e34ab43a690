# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit had to take away, kept in the domain's own metadata, so that editing back gives it back.

A disk on another bus has another name and address, and libvirt drops what the bus or the network card does not know.
A note is an element under <metadata> in a namespace of ours, which libvirt and other tools leave alone.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import (
    insert_after,
    remove_if_empty,
)

NAMESPACE = "urn:evolve.vm:domain:1"
_NOTES = "evolve:was"


def note_of(root: ET.Element, about: str) -> ET.Element | None:
    """The note about this thing."""
    notes = _notes(root)
    return None if notes is None else next((each for each in notes if each.get("about") == about), None)


def new_note(root: ET.Element, about: str) -> ET.Element:
    """An empty note about this thing, instead of the one there may be."""
    drop_note(root, about)
    metadata = root.find("metadata")
    if metadata is None:
        metadata = insert_after(root, ("name", "uuid", "genid", "title", "description"), "metadata")
    notes = _notes(root)
    if notes is None:
        notes = ET.SubElement(metadata, _NOTES, {"xmlns:evolve": NAMESPACE})
    return ET.SubElement(notes, "note", about=about)


def drop_note(root: ET.Element, about: str) -> None:
    """Forget the note about this thing, and leave no trace of it."""
    note = note_of(root, about)
    metadata = root.find("metadata")
    if note is None or metadata is None:
        return
    notes = _notes(root)
    if notes is not None:
        notes.remove(note)
        if not len(notes):
            metadata.remove(notes)
    remove_if_empty(root, "metadata")


def _notes(root: ET.Element) -> ET.Element | None:
    """The element that holds the notes, under whatever prefix."""
    metadata = root.find("metadata")
    for each in [] if metadata is None else metadata:
        prefix, dummy, name = str(each.tag).partition(":")
        if name == "was" and any(
            above is not None and above.get(f"xmlns:{prefix}") == NAMESPACE for above in (each, metadata, root)
        ):
            return each
    return None
