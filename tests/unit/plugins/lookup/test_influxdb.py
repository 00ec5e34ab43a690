# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup influxdb in playbooks, of a real InfluxDB 1.6.7."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.factory import backend_for
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, tagged
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.question import iso_time
from ansible_collections.evolve.vm.tests.http_server import Reply, http_server, make_certificate
from ansible_collections.evolve.vm.tests.influxdb_server import (
    PASSWORD,
    USER,
    InfluxServer,
    influxdb_server,
    json_web_token,
)
from ansible_collections.evolve.vm.tests.lookups import queried

CPU = "cpu_utilisation_percent"
ODD = "it's \"odd\" \\ or 'a'='a, x=y {{ 1 }}"
VALUES = [40.0, 10.0, 20.0, 30.0]


@pytest.fixture(scope="module")
def at_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, at_ms: int) -> Iterator[InfluxServer]:
    """One that wants to know who asks, with four points of each of three machines, one a second."""
    points = [
        Point("evolve_vm", CPU, tagged(host=host, study="web"), at_ms - 4000 + 1000 * turn, value)
        for host in ("localhost", "vm-2", ODD)
        for turn, value in enumerate(VALUES)
    ]
    points.append(Point("evolve_run", "fitness", tagged(study="web", trial="7"), at_ms - 1000, 12.5))
    points.append(Point("evolve_vm", "old", tagged(host="localhost"), at_ms - 120_000, 1.0))
    with influxdb_server(tmp_path_factory.mktemp("influxdb") / "data", authentication=True) as running:
        given = {"kind": "influxdb", "url": running.url, "database": "evolve", "username": USER, "password": PASSWORD}
        backend_for(read_connection(given, "test")).write(points)
        yield running


@pytest.fixture
def variables(server: InfluxServer) -> dict[str, str]:
    """The connection as a user has it: with templates in it."""
    return {
        "influxdb_address": server.url,
        "secret": PASSWORD,
        "odd": ODD,
        "evolve_influxdb_url": "{{ influxdb_address }}",
        "evolve_influxdb_database": "evolve",
        "evolve_influxdb_username": USER,
        "evolve_influxdb_password": "{{ secret }}",
        "evolve_influxdb_retries": "0",
    }


def test_metrics_are_read_and_aggregated(tmp_path: Path, variables: dict[str, str], at_ms: int):
    # The name of the odd machine holds a template, which must stay text.
    (tmp_path / "vars.yml").write_text("odd: !unsafe |-\n  " + ODD + "\n")
    del variables["odd"]
    (mean, several, odd, nothing, raw, run, rate), printed = queried(
        tmp_path,
        "influxdb",
        f"'{CPU}', tags={{'host': inventory_hostname}}, window='1h', fresh_seconds='30min'",
        f"'{CPU}', 'absent', begin={at_ms / 1000 - 3.5}, end=end, aggregation='p90'",
        f"'{CPU}', tags={{'host': odd}}, window='1h', aggregation='count', must_exist=true",
        "'absent'",
        f"'{CPU}', tags={{'host': 'vm-2', 'study': 'web'}}, window=1.5, end={at_ms / 1000}, aggregation='none'",
        "'fitness', measurement='evolve_run', tags={'trial': 7}, window='1h', aggregation='last'",
        f"'{CPU}', tags={{'host': 'vm-2'}}, window='1h', aggregation='rate_per_second'",
        variables={**variables, "end": iso_time(at_ms)},
        words=("-e", "@vars.yml"),
    )
    (entry,) = mean
    age_seconds = entry.pop("age_seconds")
    assert entry == {
        "metric": CPU,
        "tags": {"host": "localhost", "study": "web"},
        "value": 25.0,
        "points": 4,
        "newest": iso_time(at_ms - 1000),
    }
    assert 1 <= age_seconds < 1800
    assert sorted((each["tags"]["host"], each["value"], each["points"]) for each in several) == sorted(
        (host, 30.0, 3) for host in ("localhost", "vm-2", ODD)
    )
    assert [each["age_seconds"] for each in several] == [1.0] * 3
    assert [(each["tags"]["host"], each["value"]) for each in odd] == [(ODD, 4.0)]
    assert nothing == []
    assert [each.get("values") for each in raw] == [[[iso_time(at_ms - 1000), 30.0]]]
    assert "value" not in raw[0]
    assert [(each["value"], each["tags"]) for each in run] == [(12.5, {"study": "web", "trial": "7"})]
    # 40, then anew from 0: 10, 20, 30 in three seconds.
    assert [each["value"] for each in rate] == [10.0]
    assert PASSWORD not in printed


def test_what_cannot_be_used_is_told(tmp_path: Path, variables: dict[str, str], at_ms: int):
    (empty, absent, stale, few, unknown, options, missing, terms, field, kind), dummy = queried(
        tmp_path,
        "influxdb",
        "'absent', must_exist=true",
        "'absent', fresh_seconds=5",
        "'old', window='1h', fresh_seconds='1min', tags={'host': 'localhost'}",
        f"'{CPU}', window=1.5, end={at_ms / 1000}, aggregation='rate_per_second'",
        f"'{CPU}', windwo='1h'",
        f"'{CPU}', window='soon', begin='2026-11-23T04:00:00', tags={{'host': ''}}, fresh_seconds=0",
        f"'{CPU}', database='absent'",
        "7",
        f'\'{CPU}" FROM "evolve_run" --\', must_exist=true',
        f"'{CPU}', aggregation='median_of_medians'",
        variables=variables,
    )
    assert "absent of any tags has no points from" in empty
    assert "absent of any tags has no points from" in absent
    assert "old of host localhost is stale: its newest point, of " in stale
    assert "`fresh_seconds` allows 60" in stale
    assert f"{CPU} of any tags has no rate_per_second: the rate of a counter needs points of at least two" in few
    assert "windwo: unknown" in unknown
    assert "Did you mean window?" in unknown
    for fault in ("window: is given together", "begin: found", "tags.host: found", "fresh_seconds: found"):
        assert fault in options
    assert "has no database absent. Create it as an administrator with: influx -execute 'CREATE DATABASE" in missing
    assert "term 1: found 7, expected the name of a metric" in terms
    assert "has no points from" in field
    assert "median_of_medians" in kind


def test_a_connection_can_be_in_the_configuration_and_in_the_environment(tmp_path: Path, server: InfluxServer):
    (found, other), printed = queried(
        tmp_path,
        "influxdb",
        f"'{CPU}', window='1h', tags={{'host': 'vm-2'}}",
        # What is nearer to the query wins.
        f"'{CPU}', window='1h', database='elsewhere'",
        config=f"[evolve_influxdb]\nurl = {server.url}\ndatabase = elsewhere\nretries = 0\n",
        environment={
            "EVOLVE_INFLUXDB_DATABASE": "evolve",
            "EVOLVE_INFLUXDB_TOKEN": json_web_token(USER),
            "EVOLVE_INFLUXDB_TIMEOUT_SECONDS": "20",
            "EVOLVE_INFLUXDB_VALIDATE_CERTS": "true",
        },
    )
    assert [each["value"] for each in found] == [25.0]
    assert "has no database elsewhere" in other
    assert json_web_token(USER) not in printed


def test_what_is_missing_is_told_with_all_ways_to_give_it(tmp_path: Path):
    (message,), dummy = queried(tmp_path, "influxdb", f"'{CPU}'")
    for part in (
        "influxdb.url: is missing",
        "influxdb.database: is missing",
        "the variable evolve_influxdb_url, url in section [evolve_influxdb] of ansible.cfg, or EVOLVE_INFLUXDB_URL in",
    ):
        assert part in message


@pytest.mark.parametrize(
    "credentials",
    [
        {"EVOLVE_INFLUXDB_USERNAME": USER, "EVOLVE_INFLUXDB_PASSWORD": "hunter2&co"},
        {"EVOLVE_INFLUXDB_TOKEN": "hunter2&co"},
        {"EVOLVE_INFLUXDB_TOKEN": "hunter2&co", "EVOLVE_INFLUXDB_VERSION": "2"},
    ],
    ids=["basic", "bearer", "token"],
)
def test_a_secret_of_the_environment_is_printed_nowhere(tmp_path: Path, credentials: dict[str, str]):
    def repeating(asked):
        said = f'{{"error":"what is {asked.headers["authorization"]}?"}}'
        return Reply(401 if "refused" in asked.query["db"] else 400, said)

    queries = (f"'{CPU}', database='refused'", f"'{CPU}', database='wrong'", f"'{CPU}', url='http://127.0.0.1:9'")
    with http_server(repeating) as server:
        messages, printed = queried(
            tmp_path,
            "influxdb",
            *queries,
            f"'{CPU}', retries=-1, url='ftp://nowhere'",
            environment={
                **credentials,
                "EVOLVE_INFLUXDB_URL": server.url,
                "EVOLVE_INFLUXDB_DATABASE": "evolve",
                "EVOLVE_INFLUXDB_RETRIES": "0",
            },
        )
    assert "********?" in messages[0]
    assert "********?" in messages[1]
    assert "does not answer" in messages[2]
    assert "2 faults" in messages[3]
    assert "hunter2" not in printed + str(messages)
    assert "aHVudGVyMiZjb" not in printed  # in base 64


def test_a_password_can_be_in_a_vault(tmp_path: Path, variables: dict[str, str]):
    (tmp_path / "key").write_text("key of the vault\n")
    vault = [sys.executable, "-m", "ansible", "vault", "encrypt_string", "--vault-password-file", "key"]
    encrypted = subprocess.run(
        [*vault, "--name", "evolve_influxdb_password", PASSWORD],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "vault.yml").write_text(encrypted.stdout)
    del variables["evolve_influxdb_password"], variables["secret"]
    (found,), printed = queried(
        tmp_path,
        "influxdb",
        f"'{CPU}', tags={{'host': 'vm-2'}}, window='1h'",
        variables=variables,
        words=("-e", "@vault.yml", "--vault-password-file", "key"),
    )
    assert [each["value"] for each in found] == [25.0]
    assert PASSWORD not in printed


def test_a_certificate_is_checked(tmp_path: Path):
    certificate = make_certificate(tmp_path)
    with http_server(lambda asked: Reply(200, '{"results":[{"statement_id":0}]}'), certificate) as server:
        (trusted, refused), dummy = queried(
            tmp_path,
            "influxdb",
            f"'{CPU}', ca_path='server-authority.pem'",
            f"'{CPU}'",
            variables={"evolve_influxdb_url": server.url, "evolve_influxdb_database": "evolve"},
        )
    assert trusted == []
    assert "its certificate is not trusted" in refused
