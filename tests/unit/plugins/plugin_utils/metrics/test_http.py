# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a database: who asks, certificates, trouble that passes and trouble that stays, and no secret told."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.http import HttpClient
from ansible_collections.evolve.vm.tests.http_server import (
    Certificate,
    HttpServer,
    Reply,
    http_server,
    make_certificate,
)
from ansible_collections.evolve.vm.tests.servers import free_port

SECRETS = {"username": "evolve", "password": "hunter2 & co", "token": "opensesame"}
SHOWN = "The database"


def client(url: str, **options: object) -> HttpClient:
    return HttpClient(
        read_connection({"kind": "influxdb", "database": "evolve", "retries": 0, **options, "url": url}, "test"), SHOWN
    )


def replies(*several: Reply):
    """A reply to each request; the last one again and again."""
    left = list(several)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def secure(certificate: Certificate) -> Iterator[HttpServer]:
    with http_server(lambda asked: Reply(200, "safe"), certificate) as server:
        yield server


def test_an_answer_is_given_as_it_came():
    with http_server(lambda asked: Reply(418, "a teapot \xe9", {"X-Kind": "Tea"})) as server:
        answer = client(server.url).request("GET", "/tea", query=[("q", "a&b=c'\"\n"), ("n", "1")])
    assert (answer.status, answer.text, answer.headers["x-kind"]) == (418, "a teapot \xe9", "Tea")
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.query) == ("GET", "/tea", {"q": "a&b=c'\"\n", "n": "1"})


def test_a_body_and_headers_are_sent_as_given():
    with http_server(lambda asked: Reply(204)) as server:
        client(server.url).request("POST", "/write", body=b"\x00\xff", headers={"X-More": "yes"})
    assert (server.asked[0].body, server.asked[0].headers["x-more"]) == (b"\x00\xff", "yes")


def test_the_path_of_the_url_comes_first():
    with http_server(lambda asked: Reply(204)) as server:
        client(f"{server.url}/behind/").request("GET", "/ping")
    assert server.asked[0].path == "/behind/ping"


@pytest.mark.parametrize(
    ("authentication", "expected"),
    [
        ("none", None),
        ("basic", f"Basic {base64.b64encode(b'evolve:hunter2 & co').decode()}"),
        ("token", "Token opensesame"),
        ("bearer", "Bearer opensesame"),
    ],
)
def test_who_asks_is_told_in_the_way_that_was_chosen(authentication, expected):
    with http_server(lambda asked: Reply(204)) as server:
        client(server.url, **SECRETS, authentication=authentication).request("GET", "/ping")
    assert server.asked[0].headers.get("authorization") == expected


def test_a_netrc_file_is_not_asked_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    with http_server(lambda asked: Reply(204)) as server:
        client(server.url).request("GET", "/ping")
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_on_without_telling_who_asks(status):
    with (
        http_server(lambda asked: Reply(200, "there")) as other,
        http_server(lambda asked: Reply(status, "", {"Location": f"{other.url}/elsewhere"})) as server,
    ):
        answer = client(server.url, **SECRETS, authentication="token").request("GET", "/ping")
    assert (answer.status, answer.text) == (200, "there")
    assert server.asked[0].headers["authorization"] == "Token opensesame"
    assert "opensesame" not in str(other.asked)


def test_what_is_written_does_not_follow_a_redirect():
    with (
        http_server(lambda asked: Reply(204)) as other,
        http_server(lambda asked: Reply(307, "", {"Location": f"{other.url}/write"})) as server,
    ):
        answer = client(server.url).request("POST", "/write", body=b"m v=1")
    assert answer.status == 307
    assert not other.asked


@pytest.mark.parametrize("status", [401, 403, 407])
def test_wrong_credentials_are_trouble_that_stays(status):
    with (
        http_server(lambda asked: Reply(status, f"no entry for {asked.headers['authorization']}")) as server,
        pytest.raises(BackendError, match=f"{SHOWN} .*HTTP {status}") as caught,
    ):
        client(server.url, **SECRETS, authentication="token", retries=3).request("GET", "/ping")
    assert not caught.value.passing
    assert len(server.asked) == 1
    assert "opensesame" not in str(caught.value)


def test_credentials_that_a_server_repeats_are_not_told():
    with (
        http_server(lambda asked: Reply(401, f"what is {asked.headers['authorization']}?")) as server,
        pytest.raises(BackendError, match=r"what is Basic \*{8}\?"),
    ):
        client(server.url, **SECRETS, authentication="basic").request("GET", "/ping")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_overloaded_server_is_asked_again(status):
    with http_server(replies(Reply(status, "busy"), Reply(200, "done"))) as server:
        assert client(server.url, retries=1).request("GET", "/ping").text == "done"
    assert len(server.asked) == 2


def test_a_server_that_stays_overloaded_is_trouble_that_passes():
    with (
        http_server(lambda asked: Reply(503, "busy\nwith opensesame")) as server,
        pytest.raises(BackendError, match="HTTP 503: busy with") as caught,
    ):
        client(server.url, **SECRETS, retries=1).request("GET", "/ping")
    assert caught.value.passing
    assert len(server.asked) == 2
    assert "opensesame" not in str(caught.value)


def test_a_pause_that_the_server_names_is_kept():
    with http_server(replies(Reply(429, "", {"Retry-After": "2"}), Reply(204))) as server:
        begin = time.monotonic()
        client(server.url, retries=1).request("GET", "/ping")
    assert time.monotonic() - begin >= 2


def test_pauses_grow(monkeypatch: pytest.MonkeyPatch):
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    several = [Reply(503), Reply(503), Reply(503, "", {"Retry-After": "3600"}), Reply(503), Reply(204)]
    with http_server(replies(*several)) as server:
        client(server.url, retries=4).request("GET", "/ping")
    # An hour is more patience than anyone has.
    assert pauses == [0.5, 1.0, 30.0, 4.0]


def test_a_server_that_is_not_there_is_trouble_that_passes():
    with pytest.raises(BackendError, match=f"{SHOWN} does not answer: .*refused") as caught:
        client(f"http://127.0.0.1:{free_port()}").request("GET", "/ping")
    assert caught.value.passing


def test_a_name_that_does_not_exist_is_said():
    with pytest.raises(BackendError, match=f"{SHOWN} does not answer"):
        client("http://does-not-exist.invalid:8086").request("GET", "/ping")


def test_a_server_that_takes_too_long_is_trouble_that_passes():
    def slowly(asked):
        time.sleep(1)
        return Reply(200)

    with (
        http_server(slowly) as server,
        pytest.raises(BackendError, match=f"{SHOWN} does not answer: .*timed out") as caught,
    ):
        client(server.url, timeout_seconds=0.2).request("GET", "/ping")
    assert caught.value.passing


def test_an_answer_that_breaks_off_is_asked_for_again():
    broken = Reply(200, "half of", {"Content-Length": "700", "Connection": "close"})
    with http_server(replies(broken, Reply(200, "all of it"))) as server:
        assert client(server.url, retries=1, timeout_seconds=2).request("GET", "/ping").text == "all of it"


def test_a_trusted_certificate_is_accepted(secure: HttpServer, certificate: Certificate):
    assert client(secure.url, ca_path=str(certificate.authority)).request("GET", "/ping").text == "safe"


def test_an_untrusted_certificate_is_refused_before_anything_is_told(secure: HttpServer):
    with pytest.raises(BackendError, match=r"certificate is not trusted .*ca_path") as caught:
        client(secure.url, **SECRETS, authentication="token", retries=3).request("GET", "/ping")
    assert not caught.value.passing
    assert not secure.asked


def test_an_untrusted_certificate_is_accepted_where_the_user_says_so(secure: HttpServer):
    assert client(secure.url, validate_certs=False).request("GET", "/ping").text == "safe"


def test_a_certificate_of_another_host_is_refused(tmp_path: Path):
    other = make_certificate(tmp_path, address="127.0.0.2")
    with (
        http_server(lambda asked: Reply(200), other) as server,
        pytest.raises(BackendError, match="certificate is not trusted"),
    ):
        client(server.url, ca_path=str(other.authority)).request("GET", "/ping")


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_a_file_that_is_not_there_is_no_silent_server(secure: HttpServer, tmp_path: Path, option: str):
    with pytest.raises(BackendError, match=f"cannot be asked: `{option}` is .*absent.pem") as caught:
        client(secure.url, **{option: str(tmp_path / "absent.pem")}).request("GET", "/ping")
    assert not caught.value.passing


def test_a_file_that_holds_no_certificate_is_told(secure: HttpServer, certificate: Certificate):
    with pytest.raises(BackendError, match="cannot be reached over TLS") as caught:
        client(secure.url, ca_path=str(certificate.key)).request("GET", "/ping")
    assert not caught.value.passing


def test_tls_to_a_server_without_it_is_said():
    with http_server(lambda asked: Reply(200)) as server, pytest.raises(BackendError, match=SHOWN):
        client(server.url.replace("http:", "https:")).request("GET", "/ping")


def test_what_a_server_says_is_shortened_and_scrubbed():
    with http_server(lambda asked: Reply(400, "opensesame\n" + "x" * 1000)) as server:
        http = client(server.url, **SECRETS)
        shown = http.shortened(http.request("GET", "/ping"))
    assert shown.startswith("******** xxx")
    assert len(shown) < 320
