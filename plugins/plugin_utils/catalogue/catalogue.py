# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue as the rest of the collection asks it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.entries import Entry, Family, Profile
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.reading import read_folder


class Catalogue:
    """Entries and profiles, by name."""

    def __init__(
        self, entries: Mapping[str, Entry], profiles: Mapping[str, Profile], families: Mapping[str, Family]
    ) -> None:
        self.entries = dict(entries)
        self.profiles = dict(profiles)
        self.families = dict(families)

    def entry(self, name: str) -> Entry | None:
        """What is known of a parameter, None where nothing is."""
        return self.entries.get(name)

    def names(self, prefix: str = "") -> list[str]:
        """The names that start with `prefix`, in the order of the data."""
        return [name for name in self.entries if name.startswith(prefix)]

    def risk_of(self, name: str, value: Any) -> str | None:
        """What this value of a parameter can cost beyond speed (a key of RISKS), None where that is nothing."""
        entry = self.entries.get(name)
        return entry.risk_of(value) if entry is not None else None

    def risks_in(self, configuration: Mapping[str, Any]) -> dict[str, str]:
        """The parameters of a configuration whose values can cost more than speed, with what they can cost."""
        found = {name: self.risk_of(name, value) for name, value in configuration.items()}
        return {name: risk for name, risk in found.items() if risk is not None}

    def tier(self, name: str) -> str | None:
        """What a change of a parameter costs (see TIERS), None where that is not known."""
        entry = self.entries.get(name)
        return entry.tier if entry is not None else None

    def setting(self, name: str) -> tuple[str, str]:
        """The application's own name of a parameter and the unit of its values, empty where it has none.

        A parameter that the catalogue does not know is called by the application what it is called here, in its units.
        """
        entry = self.entries.get(name)
        return (entry.setting, entry.unit) if entry is not None else (_own_name(name), "")


def _own_name(name: str) -> str:
    """Of app.postgresql.work_mem and the like: what stands behind the application."""
    return name.split(".", 2)[-1] if name.startswith("app.") else name.rpartition(".")[2]


@cache
def catalogue() -> Catalogue:
    """The one that comes with the collection, read once a process. CatalogueError where its data is wrong."""
    return Catalogue(*read_folder())
