# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue's own data: what is wrong with it is named, all of it, with its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.reading import CatalogueError, read_folder

GOOD = "type: int, range: [1, 9], tier: live, summary: What it is., source: https://example.org/"


def faults(folder: Path) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        read_folder(folder)
    return [str(fault) for fault in caught.value.faults]


def of_entry(tmp_path: Path, entry: str) -> list[str]:
    (tmp_path / "a.yml").write_text(f"prefix: a.\nabout: A thing.\nentries:\n  x: {{{entry}}}\n")
    return faults(tmp_path)


def test_sound_files_are_read_whole(folder: Path) -> None:
    content = read_folder(folder)
    assert len(content.entries) == 12
    assert content.entries["app.db.buffers_mib"].setting == "buffers"
    assert content.entries["app.db.fsync"].setting == "fsync"
    assert content.families["db"].about == "A database."
    assert list(content.profiles) == ["db-oltp", "db-large"]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("5", "a.yml: a.x.5: unknown key"),
        ("type: bool", "a.x.summary: is missing"),
        (GOOD.replace("What it is.", "what it is."), "a.x.summary: found 'what it is.', expected one sentence"),
        (GOOD.replace("What it is.", "What it is"), "a.x.summary: found"),
        (GOOD.replace("What it is.", "What it is. And more."), "a.x.summary: found"),
        (GOOD.replace("https", "http"), "a.x.source: found 'http://example.org/', expected a link"),
        (GOOD.replace("live", "alive"), "a.x.tier: found 'alive', expected one of live, reload"),
        (f"{GOOD}, unit: furlongs", "a.x.unit: found 'furlongs'"),
        (f"{GOOD}, unit: [MiB]", "a.x.unit: found ['MiB']"),
        (f"{GOOD}, since: 9.6", "a.x.since: found 9.6, expected a text; quote it"),
        (f"{GOOD}, ragne: 3", "a.x.ragne: unknown key"),
        (f"{GOOD}, risk: money", "a.x.risk: found 'money', expected one of durability"),
        (f"{GOOD}, risks: {{1: money}}", "a.x.risks: found 'money'"),
        (f"{GOOD}, risks: {{5: security}}", "a.x.risks: 5 can only be left out"),
        (f"{GOOD}, risks: {{77: security}}", "a.x.risks: found 77, expected 1 to 9"),
        (f"{GOOD}, risk: security, risks: {{1: security}}", "a.x.risk: stands beside risks"),
        (f"{GOOD}, default: 10", "a.x.default: found 10, expected 1 to 9"),
        (f"{GOOD}, scale: logarithmic", "a.x.scale: found 'logarithmic'"),
        (f"{GOOD}, example: [1, 2]", "a.x.example: stands in place of the values of a choice"),
        (f"{GOOD}, when: a.y", "a.x.when: a.y: a.y is neither a parameter nor a fact"),
        (f"{GOOD}, when: guest.vcpus > 1", "a.x.when: speaks of guest.vcpus"),
        (f"{GOOD}, when: '1 +'", "a.x.when: expected a parameter"),
        (f"{GOOD}, constraints: [a.x <= guest.cpus]", "a.x.constraints: a.x <= guest.cpus: guest.cpus is neither"),
        (f"{GOOD}, constraints: a.x > 1", "a.x.constraints: found 'a.x > 1', expected a list"),
        (GOOD.replace("[1, 9]", "[1, guest.cpus]"), "a.x.range: guest.cpus: a range may speak of facts only"),
        (GOOD.replace("[1, 9]", "[1, 2, 3]"), "a.x.range: found [1, 2, 3], expected two ends"),
        (GOOD.replace("[1, 9]", "[9, 1]"), "a.x.range: found [9, 1]: the low end is above"),
        (GOOD.replace("int", "integer"), "a.x.type: found 'integer'"),
    ],
)
def test_a_fault_of_an_entry_is_named(entry: str, fault: str, tmp_path: Path) -> None:
    found = of_entry(tmp_path, entry)
    assert any(fault in each for each in found), found


@pytest.mark.parametrize(
    ("profile", "fault"),
    [
        ("[1]", "profiles.yml: p: found [1], expected a mapping"),
        ("{about: Some set., parameters: 3}", "p.parameters: found 3, expected a list of names"),
        ("{about: Some set., parameters: [vm.vcpu]}", "p.vm.vcpu: is not in the catalogue. Did you mean vm.vcpus?"),
        ("{about: Some set., parameters: [vm.vcpus, vm.vcpus]}", "p.parameters: names a parameter more than once"),
        ("{about: Some set., parameters: {vm.vcpus: {ragne: 3}}}", "p.vm.vcpus.ragne: unknown key"),
        ("{about: Some set., parameters: [vm.disk.class]}", "p.vm.disk.class.values: is missing"),
        ("{about: some set, parameters: [vm.vcpus]}", "p.about: found 'some set'"),
        (
            "{about: Some set., parameters: [vm.vcpus], constraints: [vm.vcpu > 1]}",
            "p.constraints: vm.vcpu > 1: vm.vcpu",
        ),
    ],
)
def test_a_fault_of_a_profile_is_named(profile: str, fault: str, folder: Path) -> None:
    (folder / "profiles.yml").write_text(f"p: {profile}\n")
    found = faults(folder)
    assert any(fault in each for each in found), found


def test_a_name_twice_is_a_fault_in_one_file_and_in_two(folder: Path) -> None:
    (folder / "again.yml").write_text(
        f"prefix: vm.\nabout: Again.\nentries:\n  vcpus: {{{GOOD}}}\n  vcpus: {{{GOOD}}}\n"
    )
    assert faults(folder) == [
        "again.yml: vcpus is written more than once",
        "vm.vcpus: stands in vm.yml and in again.yml",
    ]


@pytest.mark.parametrize(
    "text", ["", "- a\n", "a: [", "prefix: a.\n", "prefix: a.\nabout: A thing.\nentries: {}\n", "a: \0"]
)
def test_a_file_that_is_no_catalogue_is_a_fault(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(text)
    assert any(fault.startswith("a.yml: ") for fault in faults(tmp_path))


def test_faults_of_all_files_come_at_once(folder: Path) -> None:
    (folder / "one.yml").write_text("prefix: one.\nabout: One.\nentries:\n  x: 1\n  y: 2\n")
    (folder / "two.yml").write_text("nothing")
    assert len(faults(folder)) == 3
