# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a database of metrics is reached: the user's options, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError, listing, suggestion

KINDS = ("influxdb", "prometheus", "victoriametrics")
# How it is told who asks. token: `Authorization: Token` (InfluxDB 2 and 3); bearer: `Authorization: Bearer` (a JWT).
AUTHENTICATIONS = ("none", "basic", "token", "bearer")
# Which write interface InfluxDB has: version 1 (`/write`), or that of 2 and 3 (influxdb-client).
INFLUXDB_VERSIONS = (1, 2, 3)
_ONLY_INFLUXDB = ("database", "organisation", "version")
_TEXTS = ("database", "organisation", "username", "password", "token", "ca_path", "client_cert", "client_key")


class ConnectionInputError(InputError):
    """The options do not describe a database; `faults` lists everything that is wrong."""

    subject = "the connection to the database of metrics"


@dataclass(frozen=True)
class Connection:
    """A database of metrics. Secrets are in no `repr`.

    database: of InfluxDB 1 its database (`name` or `name/retention policy`), of 2 and 3 the bucket.
    authentication: follows from what is given (token, or username and password) unless said.
    timeout_seconds: for each request; retries: how often one that failed in passing is made again.
    """

    kind: str
    url: str
    database: str = ""
    organisation: str = ""
    version: int = 1
    authentication: str = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    ca_path: str = ""
    client_cert: str = ""
    client_key: str = ""
    validate_certs: bool = True
    timeout_seconds: float = 10.0
    retries: int = 2

    @property
    def secrets(self) -> list[str]:
        """What must appear in no message."""
        return [secret for secret in (self.password, self.token) if secret]


def read_connection(given: Any, where: str) -> Connection:
    """The database that a mapping describes. Raises ConnectionInputError, its places beginning with `where`."""
    if not isinstance(given, Mapping):
        example = "{kind: influxdb, url: 'http://influxdb.example.org:8086', database: evolve}"
        raise ConnectionInputError(
            [Fault(where, f"found {type(given).__name__}, expected a mapping such as {example}")]
        )
    options = {str(name): value for name, value in given.items() if value is not None}
    faults = list(_faults(options, where))
    if faults:
        raise ConnectionInputError(faults)
    options["url"] = options["url"].rstrip("/")
    return Connection(**{"authentication": _authentication(options), **options})


def _authentication(options: Mapping[str, Any]) -> str:
    if options.get("token"):
        return "token" if options["kind"] == "influxdb" and options.get("version", 1) > 1 else "bearer"
    return "basic" if options.get("username") else "none"


def _faults(options: Mapping[str, Any], where: str) -> list[Fault]:
    names = [each.name for each in fields(Connection)]
    faults = [
        Fault(f"{where}.{name}", f"unknown; accepted: {listing(names)}.{suggestion(name, names)}")
        for name in options
        if name not in names
    ]
    kind = options.get("kind")
    if kind not in KINDS:
        faults.append(Fault(f"{where}.kind", f"found {kind!r}, expected one of {listing(KINDS)}."))
    faults += _url_faults(options.get("url"), f"{where}.url")
    if kind == "influxdb":
        if not options.get("database"):
            faults.append(Fault(f"{where}.database", "is missing: the database, or the bucket of InfluxDB 2 and 3"))
    else:
        faults += [
            Fault(f"{where}.{name}", "is for InfluxDB only")
            for name in _ONLY_INFLUXDB
            if name in options and kind in KINDS
        ]
    for name in _TEXTS:
        if not isinstance(options.get(name, ""), str):
            # Its value may be a secret.
            faults.append(Fault(f"{where}.{name}", f"found {type(options[name]).__name__}, expected text, in quotes"))
    if options.get("version", 1) not in INFLUXDB_VERSIONS:
        faults.append(Fault(f"{where}.version", f"found {options['version']!r}, expected 1, 2 or 3"))
    if (said := options.get("authentication")) is not None and said not in AUTHENTICATIONS:
        faults.append(Fault(f"{where}.authentication", f"found {said!r}, expected one of {listing(AUTHENTICATIONS)}."))
    seconds, retries = options.get("timeout_seconds", 10), options.get("retries", 2)
    if not is_number(seconds) or not 0 < seconds <= 600:
        faults.append(Fault(f"{where}.timeout_seconds", f"found {seconds!r}, expected a number up to 600"))
    if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= 20:
        faults.append(Fault(f"{where}.retries", f"found {retries!r}, expected a whole number from 0 to 20"))
    if not isinstance(options.get("validate_certs", True), bool):
        faults.append(Fault(f"{where}.validate_certs", f"found {options['validate_certs']!r}, expected true or false"))
    return faults


def _url_faults(url: Any, where: str) -> list[Fault]:
    expected = "expected a URL such as http://metrics.example.org:8086"
    if not isinstance(url, str):
        return [Fault(where, f"is missing; {expected}" if url is None else f"found {url!r}, {expected}")]
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        return [Fault(where, f"found {url!r}, {expected}")]
    if "@" in parts.netloc:
        return [Fault(where, "holds a user name; give username and password beside it, so that they stay secret")]
    if parts.query or parts.fragment:
        return [Fault(where, "holds a query; give the address alone, with a path where there is one")]
    return []
