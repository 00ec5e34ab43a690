# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every application offers to be configured. A new one is one class here implemented and one line in registry.py.

A driver says what the application knows, what its files would have to hold, and how it is checked, reloaded and asked;
it decides nothing. Order, undo and verification are those of applying.py, the same for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Collection, Mapping, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value


class AppError(Exception):
    """The application cannot be configured as asked; the text says why, for people."""


class Setting(NamedTuple):
    """One parameter of a configuration and what it is called by the application.

    parameter: its name in a configuration, such as app.postgresql.shared_buffers_mib. name: the application's own,
    such as shared_buffers. unit: that of the parameter's values (MiB, KiB, B, ms, s, min, or none), empty where it has
    none: the driver converts from and to what the application counts in.
    """

    parameter: str
    name: str
    unit: str


class Known(NamedTuple):
    """What the application's own catalogue says of a setting. tier: live, reload or restart."""

    tier: str


class App(ABC):
    """One application on this machine. Methods raise `AppError`; only `reload` and `restart` change anything.

    Made as `Driver(name, options)`: its name in a configuration, and what the user says of it, where options are only
    those of OPTIONS and of service.py, of the right types. That raises AppError where the application is not installed
    or cannot be found.
    """

    OPTIONS: ClassVar[Mapping[str, str]] = {}
    """What the user may say beside the options of service.py: name -> int, bool, str, path, list, dict or command."""

    @abstractmethod
    def __init__(self, name: str, options: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def known(self, names: Collection[str]) -> dict[str, Known]:
        """Those of `names` that this version has; even while it is stopped, where that is possible."""

    @abstractmethod
    def names(self) -> Collection[str]:
        """All its settings, to suggest the one that was meant."""

    @abstractmethod
    def faults(self, target: Mapping[Setting, Value]) -> list[str]:
        """Every reason, as a sentence, why these values cannot be what it is given, as far as it can be told before."""

    @abstractmethod
    def read(self, settings: Sequence[Setting]) -> dict[str, Value]:
        """Parameter -> value in force in the running application, in the parameter's unit."""

    @abstractmethod
    def files(self, target: Mapping[Setting, Value]) -> dict[str, bytes | None]:
        """Path -> what the file must hold to have `target` in force after a restart; None where it must not be there.

        Pure but for reading the files there are. Settings that an earlier call has changed and `target` does not name
        stay as they are. Giving back every value that was in force before the first change gives back the very bytes
        that were there before it: what was is kept in the file itself, as a comment.
        """

    @abstractmethod
    def check(self) -> str:
        """Why the application refuses the files as they are now, in its own words; empty where it accepts them."""

    @abstractmethod
    def is_running(self) -> bool:
        """Whether it is up and answers."""

    @abstractmethod
    def reload(self, target: Mapping[Setting, Value]) -> None:
        """Have the running application take over the changed values, without a restart."""

    @abstractmethod
    def restart(self) -> None:
        """Stop it, if it runs, and start it. Returns when that has been asked for and done; it may not answer yet."""

    def origin(self, setting: Setting) -> str:
        """Where the value in force comes from, as a sentence, where it is not what the files of this collection say."""
        return ""

    def version(self) -> str:
        """Its version, for people; empty where that is not known."""
        return ""

    def last_words(self) -> str:
        """What the application has logged since it was last told to restart; empty where that is not known."""
        return ""

    def stopped_on_purpose(self) -> bool:
        """Whether somebody has stopped it, or has never wanted it started; asked only while it does not run."""
        return False
