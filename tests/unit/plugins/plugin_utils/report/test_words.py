# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers, units and times in words."""

from __future__ import annotations

import math

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.report import _words


@pytest.mark.parametrize(
    ("log_ratio", "shown"),
    [
        (math.log(1.123), "+12.3 %"),
        (math.log(0.8), "-20.0 %"),
        (0.0, "+0.0 %"),
        (-0.0001, "+0.0 %"),
        (math.log(2000), "+199,900 %"),
        (-50.0, "-100.0 %"),
        (None, "n/a"),
        (math.nan, "n/a"),
        (math.inf, "n/a"),
    ],
)
def test_percent_is_signed_and_finite(log_ratio: float | None, shown: str) -> None:
    assert _words.percent(log_ratio) == shown


def test_percent_of_an_absurd_ratio_does_not_overflow() -> None:
    assert _words.percent(1e6).endswith(" %")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("vm.memory_mib", 2048, "2048 MiB"),
        ("vm.memory_mib", 20480, "20480 MiB"),
        ("fileio_read_mib_per_second", 12.345, "12.35 MiB/s"),
        ("fileio_operations_per_second", 3121.44, "3121 /s"),
        ("fileio_operations_per_second", 123456.7, "123,457 /s"),
        ("fileio_latency_p95_ms", 0.01234, "0.01234 ms"),
        ("fileio_latency_p95_ms", -0.0, "0 ms"),
        ("fileio_latency_p95_ms", math.nan, "n/a ms"),
        ("vm_cost", 14.5, "14.50"),
        ("vm.disk.iothread", True, "true"),
        ("vm.disk.cache", "none", "none"),
        ("vm.memory_mib", None, "unset"),
        ("app.lists", [1, "a"], "[1, a]"),
    ],
)
def test_quantity_takes_its_unit_from_the_name(name: str, value: object, shown: str) -> None:
    assert _words.quantity(name, value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.34, "0.3 s"), (48, "48 s"), (59.7, "1 min 0 s"), (552, "9 min 12 s"), (7380, "2 h 3 min"), (None, "n/a")],
)
def test_duration(seconds: float | None, shown: str) -> None:
    assert _words.duration(seconds) == shown


@pytest.mark.parametrize(
    ("iso", "shown"),
    [
        ("2026-11-22T11:32:07+00:00", "2026-11-22 11:32 UTC"),
        ("2026-11-22T13:32:07+02:00", "2026-11-22 11:32 UTC"),
        ("2026-11-22T11:32:07Z", "2026-11-22 11:32 UTC"),
        ("2026-11-22T11:32:07", "2026-11-22 11:32 UTC"),
        ("yesterday", "yesterday"),
        (None, "unknown"),
    ],
)
def test_moment(iso: str | None, shown: str) -> None:
    assert _words.moment(iso) == shown


def test_printable_keeps_text_and_drops_what_drives_a_terminal() -> None:
    assert _words.printable("a\tb\nc é 漢") == "a b\nc é 漢"
    assert _words.printable("\x1b[2Jx\x00\x9b\u202ey\udcff") == "[2Jxy"


def test_clean_reaches_every_string() -> None:
    assert _words.clean({"k\x1b": [("v\x07", 1, None)]}) == {"k": [["v", 1, None]]}


def test_short_names_stay_unambiguous() -> None:
    names = ["vm.disk.cache", "vm.net.cache", "vm.vcpus", "cache", "kernel.sysctl.vm.swappiness"]
    assert _words.short_names(names) == {
        "vm.disk.cache": "disk.cache",
        "vm.net.cache": "net.cache",
        "vm.vcpus": "vcpus",
        "cache": "cache",
        "kernel.sysctl.vm.swappiness": "swappiness",
    }
