# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's third-party libraries, imported in one place.

Every other file takes them from here. A library that is not installed becomes a stand-in, so that
files can still be imported (for their documentation, by ansible-test); `require` says at the edge
what is missing and how to install it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.missing_library import MissingLibraryError

PACKAGES = {"numpy": "numpy", "scipy": "scipy", "sqlalchemy": "SQLAlchemy", "yaml": "PyYAML"}
# Needed only by those who use what is built on them: they are loaded then.
OPTIONAL = {
    "alembic": "alembic",
    "influxdb_client": "influxdb-client",
    "psycopg": "'psycopg[binary]'",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "urllib3": "influxdb-client",  # needs it
}


class _Absent:
    """Stands in for a library that is not installed: any attribute or call gives the stand-in again."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self


_missing: list[str] = []


def _load(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        package = PACKAGES[name.partition(".")[0]]
        if package not in _missing:
            _missing.append(package)
        return _Absent()


if TYPE_CHECKING:
    import numpy as np
    import sqlalchemy as sa
    import yaml
    from scipy import linalg, optimize, special
    from scipy.stats import qmc
else:
    np = _load("numpy")
    sa = _load("sqlalchemy")
    yaml = _load("yaml")
    linalg = _load("scipy.linalg")
    optimize = _load("scipy.optimize")
    special = _load("scipy.special")
    qmc = _load("scipy.stats.qmc")

__all__ = [
    "MissingLibraryError",
    "lacking",
    "linalg",
    "np",
    "optimize",
    "optional",
    "qmc",
    "require",
    "sa",
    "special",
    "yaml",
]


def optional(name: str) -> Any:
    """The module of an optional library; MissingLibraryError says how to install it."""
    if problem := lacking(name):
        raise MissingLibraryError(problem)
    return importlib.import_module(name)


def lacking(name: str) -> str:
    """What to do about an optional library that is not installed; nothing where it is."""
    library = name.partition(".")[0]
    if importlib.util.find_spec(library) is not None:
        return ""
    return (
        f"needs {OPTIONAL[library]}, which the controller's Python ({sys.executable}) lacks. "
        f"Install with: {sys.executable} -m pip install {OPTIONAL[library]}"
    )


def require() -> None:
    """Raise MissingLibraryError, naming every missing package and the command that installs them."""
    if _missing:
        names = " ".join(_missing)
        raise MissingLibraryError(
            f"the controller's Python ({sys.executable}) lacks: {', '.join(_missing)}. "
            f"Install with: {sys.executable} -m pip install {names}"
        )
