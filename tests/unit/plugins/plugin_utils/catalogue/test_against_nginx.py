# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogue says of nginx is what nginx accepts. Its defaults it tells nobody; those are its manual's."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.tests.catalogue_values import LARGE, SMALL, Told, told

ENTRIES = told("nginx")
CONTEXTS = {"main", "events", "http"}


def test_settings_are_directives_with_their_context() -> None:
    assert [e.name for e in ENTRIES if e.setting.partition(".")[0] not in CONTEXTS] == []
    assert [e.name for e in ENTRIES if not e.raw["source"].endswith("#" + e.setting.partition(".")[2])] == []


def test_everything_is_taken_over_by_a_reload() -> None:
    assert {entry.raw["tier"] for entry in ENTRIES} == {"reload"}


def test_nginx_accepts_every_default_where_its_entry_puts_it(tmp_path: Path) -> None:
    check(tmp_path, {entry: entry.default for entry in ENTRIES if entry.default is not None})


@pytest.mark.parametrize("facts", [SMALL, LARGE], ids=["small", "large"])
def test_nginx_accepts_every_value(tmp_path: Path, facts: Mapping[str, float]) -> None:
    samples = {entry: entry.samples(facts) for entry in ENTRIES}
    for number in range(max(map(len, samples.values()))):
        check(tmp_path, {entry: values[number % len(values)] for entry, values in samples.items()})


def test_nginx_refuses_what_is_larger_than_the_entry_allows(tmp_path: Path) -> None:
    """Twice the buffer for the headers of a response has to fit into the others but one, as the data say."""
    size = next(entry for entry in ENTRIES if entry.setting == "http.proxy_buffer_size")
    with pytest.raises(AssertionError, match="proxy_busy_buffers_size"):
        check(tmp_path, {size: 16})


def check(folder: Path, values: Mapping[Told, Any]) -> None:
    """Have nginx check a configuration of these values alone."""
    blocks: dict[str, list[str]] = {context: [] for context in CONTEXTS}
    for entry, value in values.items():
        context, dummy, directive = entry.setting.partition(".")
        blocks[context].append(f"{directive} {written(entry, value)};")
    # What would lie where only root may write.
    paths = [f"{name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    lines = [f"pid {folder / 'pid'};", "error_log stderr;", *blocks["main"], "events {", *blocks["events"], "}"]
    # What belongs together is only checked where there is a server to use it.
    server = f"server {{ listen unix:{folder / 'socket'}; location / {{ proxy_pass http://127.0.0.1; }} }}"
    lines += ["http {", "access_log off;", *paths, *blocks["http"], server, "}"]
    configuration = folder / "nginx.conf"
    configuration.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(
        ["nginx", "-t", "-q", "-p", str(folder), "-c", str(configuration)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def written(entry: Told, value: Any) -> str:
    """A value as nginx's files have it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if entry.unit and value > 0:
        return f"{value}{ {'B': '', 'KiB': 'k', 'MiB': 'm', 'ms': 'ms', 's': 's'}[entry.unit] }"
    return str(value)
