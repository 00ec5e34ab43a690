# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where disks have their data, and the same definition with one of them elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_source import (
    disk_sources,
    find_source,
    machine_of,
    with_source,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import UnsuitableMachine

RICH = (Path(__file__).parent / "domains/rich.xml").read_text(encoding="utf-8")


def test_every_disk_with_data_and_no_cdrom():
    assert [(each.target, each.kind, dict(each.source), each.format) for each in disk_sources(RICH)] == [
        ("vda", "block", {"dev": "/dev/vg/root"}, "raw"),
        ("vdb", "file", {"file": "/images/data.qcow2"}, "qcow2"),
        ("sdb", "file", {"file": "/images/old.img"}, "raw"),
    ]
    assert machine_of(RICH) == ("rich", "4dea22b3-1d52-d8f3-2516-782e98ab3fa0")


def test_nothing_but_the_source_changes():
    edited = with_source(RICH, find_source(RICH, "vdb"), {"file": "/hdd/data.qcow2"})
    assert edited == RICH.replace("'/images/data.qcow2'", '"/hdd/data.qcow2"')


def test_the_source_of_the_disk_and_not_that_of_its_backing_file():
    xml = """<domain><devices><disk type='volume' device='disk'>
      <backingStore type='file'><format type='raw'/><source file='/b'/></backingStore>
      <source pool = 'ssd' volume="v" startupPolicy='optional'><seclabel model='dac' relabel='no'/></source>
      <target dev='vda'/></disk></devices></domain>"""
    edited = with_source(xml, find_source(xml, None), {"pool": "hdd", "volume": r"w\1 <&'\""})
    assert edited == xml.replace("pool = 'ssd' volume=\"v\"", 'pool = "hdd" volume="w\\1 &lt;&amp;\'\\&quot;"')
    assert dict(find_source(edited, "vda").source) == {
        "pool": "hdd",
        "volume": r"w\1 <&'\"",
        "startupPolicy": "optional",
    }


def test_text_before_it_may_have_any_letters():
    xml = (
        "<domain><name>Grün 🙂</name><devices><disk><source file='/ä>b'/><target dev='vda'/></disk></devices></domain>"
    )
    assert with_source(xml, find_source(xml, "vda"), {"file": "/ö"}) == xml.replace("'/ä>b'", '"/ö"')


def test_a_disk_that_is_not_there():
    with pytest.raises(UnsuitableMachine, match=r"no disk vbd\. Did you mean vdb"):
        find_source(RICH, "vbd")
    with pytest.raises(UnsuitableMachine, match="has no disk"):
        find_source("<domain/>", None)
