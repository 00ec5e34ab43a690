# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data files of the catalogue, read and checked as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.checking import (
    condition_faults,
    is_sentence,
    read_entry,
    read_profile,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.entries import Entry, Family, Profile
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import yaml

DATA = Path(__file__).parent / "data"
PROFILES = "profiles.yml"
_FILE_KEYS = {"prefix", "about", "entries"}


class CatalogueError(InputError):
    """The catalogue's own data is wrong; `faults` lists everything."""

    subject = "the catalogue"


class Content(NamedTuple):
    """What the files hold, by name."""

    entries: dict[str, Entry]
    profiles: dict[str, Profile]
    families: dict[str, Family]


def read_folder(folder: Path = DATA) -> Content:
    """Everything in a folder's files. CatalogueError lists every fault of every file."""
    faults: list[Fault] = []
    entries: dict[str, Entry] = {}
    families: dict[str, Family] = {}
    # Entries with faults exist as well: what speaks of them is not at fault.
    names: set[str] = set()
    for path in sorted(folder.glob("*.yml")):
        if path.name != PROFILES:
            for name, entry in _read_file(path, families, names, faults):
                if name in entries:
                    faults.append(Fault(name, f"stands in {path.name} and in {entries[name].family}.yml"))
                entries[name] = entry
    for entry in entries.values():
        faults += condition_faults(entry, names)
    profiles: dict[str, Profile] = {}
    content = _load(folder / PROFILES, faults) if (folder / PROFILES).is_file() else {}
    for name, raw in content.items():
        found: list[Fault] = []
        if (profile := read_profile(str(name), raw, entries, names, found)) is not None:
            profiles[profile.name] = profile
        faults += [Fault(f"{PROFILES}: {fault.where}", fault.problem) for fault in found]
    if faults:
        raise CatalogueError(faults)
    return Content(entries, profiles, families)


def _read_file(
    path: Path, families: dict[str, Family], names: set[str], faults: list[Fault]
) -> Iterator[tuple[str, Entry]]:
    content = _load(path, faults)
    if not content:
        return
    entries = content.get("entries")
    prefix = content.get("prefix")
    if set(content) != _FILE_KEYS or not isinstance(prefix, str) or not isinstance(entries, Mapping) or not entries:
        faults.append(Fault(path.name, "expected prefix (a text), about (a sentence) and entries (a mapping)"))
        return
    if not is_sentence(content["about"]):
        faults.append(Fault(f"{path.name}: about", f"found {content['about']!r}, expected one sentence"))
    families[path.stem] = Family(path.stem, prefix, str(content["about"]))
    for key, raw in entries.items():
        found: list[Fault] = []
        names.add(f"{prefix}{key}")
        entry = read_entry(prefix, str(key), path.stem, raw, found)
        faults += [Fault(f"{path.name}: {fault.where}", fault.problem) for fault in found]
        if entry is not None:
            yield entry.name, entry


def _load(path: Path, faults: list[Fault]) -> Mapping[str, Any]:
    """The mapping in a file; nothing where it cannot be read."""
    try:
        with path.open(encoding="utf-8") as file:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(file)
            try:
                node = loader.get_single_node()
                faults += [Fault(path.name, f"{key} is written more than once") for key in _repeated(node)]
                content = loader.construct_document(node) if node is not None else None
            finally:
                loader.dispose()
    except (OSError, ValueError, yaml.YAMLError) as error:
        faults.append(Fault(path.name, f"cannot be read: {' '.join(str(error).split())}"))
        return {}
    if not isinstance(content, Mapping) or not content:
        faults.append(Fault(path.name, "expected a mapping"))
        return {}
    return content


def _repeated(node: Any) -> Iterator[str]:
    """Keys that a mapping, or one within it, holds more than once: YAML would quietly take the last."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, dummy in node.value if isinstance(key, yaml.ScalarNode)]
        yield from sorted({key for key in keys if keys.count(key) > 1})
        for dummy, value in node.value:
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)
