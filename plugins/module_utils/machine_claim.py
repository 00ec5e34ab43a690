# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which study a machine belongs to at present, kept on the machine itself.

A study that was killed leaves its claim behind, and rightly so: the machine may still be in the configuration of a
trial, which another study would take for the one it has to beat.
"""

from __future__ import annotations

import json
import os
from typing import Any, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.synced_files import replace_text

PATH = "/var/lib/evolve.vm/claim.json"


class ClaimError(Exception):
    """The machine cannot be had; the text says who has it and what to do."""


class Owner(NamedTuple):
    """A study: what it is called and when it was begun, which tells it from another of that name."""

    study: str
    begun_at: str


class Claim:
    """The claim on one machine, in the file `path`. Methods raise ClaimError, and OSError where it cannot be kept."""

    def __init__(self, machine: str, path: str = PATH) -> None:
        self._machine = machine
        self._path = path

    def owner(self) -> Owner | None:
        """The study that has the machine."""
        try:
            with open(self._path, encoding="utf-8") as file:
                content = json.load(file)
            return Owner(str(content["study"]), str(content["begun_at"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ClaimError(
                f"{self._machine}: {self._path} does not say which study has this machine ({error}). Look whether one "
                "is running, then remove the file."
            ) from error

    def require_free(self, asking: Owner | None = None) -> bool:
        """Whether the machine belongs to nobody; False where it is the asking study's own already."""
        owner = self.owner()
        if owner is not None and owner != asking:
            raise ClaimError(
                f"{self._machine} belongs to study {owner.study}, begun {owner.begun_at}, and may be in the "
                "configuration of one of its trials. Nothing was changed. Let that study end, or run its playbook "
                "again, which puts the machine back on its baseline. If it is gone for good, look at the machine, then "
                "take it over with -e evolve_take_over=true"
            )
        return owner is None

    def take(self, study: Owner, by_force: bool = False) -> bool:
        """Have the machine for a study; returns whether that was new."""
        if not by_force and not self.require_free(study):
            return False
        os.makedirs(os.path.dirname(self._path), mode=0o755, exist_ok=True)
        replace_text(self._path, json.dumps(study._asdict()), 0o644)
        return True

    def release(self, study: Owner) -> bool:
        """Give the machine back; returns whether it was this study's."""
        if self.owner() != study:
            return False
        os.unlink(self._path)
        return True


def settle(claim: Claim, options: Mapping[str, Any], check_mode: bool) -> bool:
    """What the module does with its options; returns whether anything changed."""
    if options["state"] == "free":
        claim.require_free()
        return False
    study = Owner(options["study"], options["begun_at"])
    if options["state"] == "released":
        return claim.owner() == study if check_mode else claim.release(study)
    if check_mode:
        return options["take_over"] or claim.require_free(study)
    return claim.take(study, by_force=options["take_over"])
