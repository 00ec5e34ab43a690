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
_NOTES = f"{{{NAMESPACE}}}was"

ET.register_namespace("evolve", NAMESPACE)


def note_of(root: ET.Element, about: str) -> ET.Element | None:
    """The note about this thing."""
    return next((each for each in root.findall(f"metadata/{_NOTES}/note") if each.get("about") == about), None)


def new_note(root: ET.Element, about: str) -> ET.Element:
    """An empty note about this thing, instead of the one there may be."""
    drop_note(root, about)
    metadata = root.find("metadata")
    if metadata is None:
        metadata = insert_after(root, ("name", "uuid", "genid", "title", "description"), "metadata")
    notes = metadata.find(_NOTES)
    if notes is None:
        notes = ET.SubElement(metadata, _NOTES)
    return ET.SubElement(notes, "note", about=about)


def drop_note(root: ET.Element, about: str) -> None:
    """Forget the note about this thing, and leave no trace of it."""
    note = note_of(root, about)
    metadata = root.find("metadata")
    if note is None or metadata is None:
        return
    notes = metadata.find(_NOTES)
    if notes is not None:
        notes.remove(note)
        remove_if_empty(metadata, _NOTES)
    remove_if_empty(root, "metadata")
