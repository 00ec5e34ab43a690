# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a connection: what is accepted, what is refused, and that secrets stay secret."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import (
    Connection,
    ConnectionInputError,
    read_connection,
)

INFLUXDB = {"kind": "influxdb", "url": "http://influxdb.example.org:8086", "database": "evolve"}
PROMETHEUS = {"kind": "prometheus", "url": "https://prometheus.example.org/metrics"}


def faults(given: object) -> dict[str, str]:
    with pytest.raises(ConnectionInputError) as caught:
        read_connection(given, "evolve_metrics")
    return {fault.where: fault.problem for fault in caught.value.faults}


def test_what_is_not_said_has_its_default():
    assert read_connection(INFLUXDB, "here") == Connection(
        kind="influxdb",
        url="http://influxdb.example.org:8086",
        database="evolve",
        version=1,
        authentication="none",
        validate_certs=True,
        timeout_seconds=10.0,
        retries=2,
    )


def test_an_option_without_a_value_is_one_that_is_not_given():
    assert read_connection({**INFLUXDB, "token": None, "retries": None}, "here") == read_connection(INFLUXDB, "here")


def test_a_slash_at_the_end_of_the_url_does_not_matter():
    assert read_connection({**PROMETHEUS, "url": "http://p:9090/sub/"}, "here").url == "http://p:9090/sub"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "none"),
        ({"username": "u", "password": "p"}, "basic"),
        ({"token": "t"}, "bearer"),
        ({"token": "t", "version": 2}, "token"),
        ({"token": "t", "version": 3}, "token"),
        ({"token": "t", "version": 3, "authentication": "bearer"}, "bearer"),
        ({"username": "u", "password": "p", "authentication": "none"}, "none"),
    ],
)
def test_the_authentication_follows_from_what_is_given(given, expected):
    assert read_connection({**INFLUXDB, **given}, "here").authentication == expected


def test_a_token_of_prometheus_is_a_bearer():
    assert read_connection({**PROMETHEUS, "token": "t"}, "here").authentication == "bearer"


def test_all_faults_are_told_at_once():
    found = faults(
        {
            "kind": "influx",
            "url": "influxdb.example.org:8086",
            "databse": "evolve",
            "version": 4,
            "authentication": "digest",
            "timeout_seconds": 0,
            "retries": -1,
            "validate_certs": "maybe",
        }
    )
    assert set(found) == {
        f"evolve_metrics.{name}"
        for name in (
            *("kind", "url", "databse", "version", "authentication", "timeout_seconds", "retries", "validate_certs"),
        )
    }
    assert "Did you mean database?" in found["evolve_metrics.databse"]


@pytest.mark.parametrize("given", [None, "http://influxdb.example.org", ["url"]])
def test_something_that_is_no_mapping_is_refused_with_an_example(given):
    assert "kind: influxdb" in faults(given)["evolve_metrics"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "is missing"),
        (8086, "8086"),
        ("ftp://influxdb", "ftp://influxdb"),
        ("http://", "expected a URL"),
        ("http://host:port", "expected a URL"),
        ("http://host:99999", "expected a URL"),
        ("http://host:8086?db=x", "query"),
        ("http://[::1", "expected a URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url, said):
    assert said in faults({**INFLUXDB, "url": url})["evolve_metrics.url"]


def test_a_url_with_a_password_is_refused_and_not_repeated():
    found = faults({**INFLUXDB, "url": "http://root:hunter2@host:8086"})
    assert "user name" in found["evolve_metrics.url"]
    assert "hunter2" not in str(found)


def test_influxdb_needs_a_database_and_others_have_none():
    assert "evolve_metrics.database" in faults({**INFLUXDB, "database": ""})
    assert faults({**PROMETHEUS, "database": "evolve", "version": 2}) == {
        "evolve_metrics.database": "is for InfluxDB only",
        "evolve_metrics.version": "is for InfluxDB only",
    }


@pytest.mark.parametrize("name", ["password", "token"])
def test_a_secret_of_the_wrong_type_is_not_repeated(name):
    found = faults({**INFLUXDB, name: {"secret": "hunter2"}})
    assert found == {f"evolve_metrics.{name}": "found dict, expected text, in quotes"}


def test_secrets_are_in_no_representation():
    connection = read_connection({**INFLUXDB, "username": "u", "password": "hunter2", "token": "opensesame"}, "here")
    assert connection.secrets == ["hunter2", "opensesame"]
    assert "hunter2" not in repr(connection)
    assert "opensesame" not in repr(connection)
