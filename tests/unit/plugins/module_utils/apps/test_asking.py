# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call of app_config asks for."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.apps import registry
from ansible_collections.evolve.vm.plugins.module_utils.apps.asking import parse, same
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import Setting


def asked(**given):
    options = {"configuration": {}, "parameters": None, "settings": [], "apps": {}, "state": "applied", **given}
    return parse(options, registry.faults)


def test_settings_by_application_with_their_names_and_units():
    result = asked(
        configuration={"app.postgresql.work_mem_mib": 4, "app.mysql.max_connections": 9, "vm.vcpus": 2},
        parameters=["app.postgresql.jit", "app.postgresql.work_mem_mib", "kernel.x"],
        settings=[{"parameter": "app.postgresql.work_mem_mib", "name": "work_mem", "unit": "MiB"}],
    )
    work_mem = Setting("app.postgresql.work_mem_mib", "work_mem", "MiB")
    jit = Setting("app.postgresql.jit", "jit", "")
    connections = Setting("app.mysql.max_connections", "max_connections", "")
    assert result.faults == []
    assert result.settings == {"postgresql": [work_mem, jit], "mysql": [connections]}
    assert result.targets == {"postgresql": {work_mem: 4}, "mysql": {connections: 9}}


def test_reading_sets_nothing():
    result = asked(configuration={"app.mysql.max_connections": 9}, state="read")
    assert (result.targets, [each.name for each in result.settings["mysql"]]) == ({}, ["max_connections"])


def test_one_driver_for_several_applications():
    options = {"orders": {"driver": "postgresql", "cluster": "15/orders"}}
    assert asked(configuration={"app.orders.jit": True}, apps=options).faults == []


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"configuration": {"app.mysql": 1}}, "expected app.<application>.<name>"),
        ({"configuration": {"app.mariadb.x": 1}}, "Did you mean mysql?"),
        ({"configuration": {"app.postgresq.x": 1}}, "Did you mean postgresql?"),
        ({"configuration": {"app.mysql.x": None}}, "found None, expected a number, text, true or false"),
        ({"configuration": {"app.mysql.x": [1]}}, "found [1], expected"),
        ({"configuration": {"app.mysql.x": float("nan")}}, "found nan"),
        ({"configuration": {"app.mysql.x": "a\nb"}}, "expected one line"),
        ({"settings": [{"parameter": "app.mysql.x", "name": "x", "unit": "MB"}]}, "MB is not a unit known here"),
        ({"apps": {"mysql": {"sockt": "/x"}}}, "apps.mysql.sockt: there is no such option. Did you mean socket?"),
        ({"apps": {"mysql": {"socket": "x"}}}, "apps.mysql.socket: found 'x', expected an absolute path"),
        ({"apps": {"postgresql": {"port": True}}}, "apps.postgresql.port: found True, expected a whole number"),
        ({"apps": {"mysql": "x"}}, "apps.mysql: found 'x', expected a mapping of options"),
        ({"apps": {"db": {"driver": "oracle"}}}, "apps.db.driver: no application oracle is known"),
    ],
)
def test_faults_are_told(given, fault):
    assert any(fault in each for each in asked(**given).faults)


def test_one_setting_under_two_names():
    settings = [{"parameter": f"app.mysql.{name}", "name": "sort_buffer_size", "unit": ""} for name in ("a", "b")]
    result = asked(configuration={"app.mysql.a": 1, "app.mysql.b": 2}, settings=settings)
    assert result.faults == ["app.mysql.b and app.mysql.a are the same setting, sort_buffer_size: name one."]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (True, "on"),
        ("OFF", False),
        (1, True),
        (4, "4"),
        (0.1, "0.1"),
        (0.123456789, 0.123457),
        ("Row", "ROW"),
        (2, 2.0),
    ],
)
def test_means_the_same(first, second):
    assert same(first, second)


@pytest.mark.parametrize(
    ("first", "second"), [(True, "off"), (True, 2), (4, 5), (10**15, 10**15 + 1), ("a", "b"), (0.1, 0.11), ("", False)]
)
def test_means_something_else(first, second):
    assert not same(first, second)
