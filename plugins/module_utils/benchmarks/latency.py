# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""latency: how long a small message takes to the measured machine and back, with ping or with sockperf."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from typing import ClassVar, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import latency_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import (
    HOST,
    TARGET,
    Job,
    Program,
    Server,
    Shell,
    Tool,
)

METHODS = ("ping", "sockperf")
PROTOCOLS = ("udp", "tcp")
DEFAULT_PORT = 11111
_LOG = "sockperf.csv"
_METRIC_NAMES = (
    "latency_mean_ms",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "latency_maximum_ms",
    "lost_percent",
)


class _Latency(Job):
    """What both have in common. probes_per_second: at most; on a slow connection sockperf sends fewer.

    message_size_bytes: without the headers.
    """

    name = "latency"
    default_probes_per_second: int
    most_probes_per_second: int

    def __init__(self, section: Section) -> None:
        self.host = section.text("host", TARGET, HOST)
        self.probes_per_second = section.integer(
            "probes_per_second", self.default_probes_per_second, minimum=1, maximum=self.most_probes_per_second
        )
        # ping needs 16 bytes for the time at which it was sent.
        self.message_size_bytes = section.integer("message_size_bytes", 64, minimum=16, maximum=65507)

    @property
    def metric_names(self) -> list[str]:
        return list(_METRIC_NAMES)


class Ping(_Latency):
    """Echo requests, which the kernel of the measured machine answers: no server is needed."""

    default_probes_per_second = 100
    # More often than every 2 ms, ping only lets root ask.
    most_probes_per_second = 500

    def __init__(self, section: Section) -> None:
        super().__init__(section)
        for key in ("port", "protocol"):
            if key in section.content:
                section.fault(key, "ping knows none; it is an option of method: sockperf")

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        return [
            *("ping", "-n", "-c", str(seconds * self.probes_per_second), "-i", f"{1 / self.probes_per_second:.4g}"),
            *("-W", "1", "-s", str(self.message_size_bytes), shell.addressed(self.host)),
        ]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return latency_output.ping(output)


class Sockperf(_Latency):
    """Messages that a program on the measured machine sends back: with the scheduler and the sockets of both sides.

    The first 0.4 s of each run do not count.
    """

    programs = (Program("sockperf", "sockperf"),)
    default_probes_per_second = 1000
    most_probes_per_second = 10000

    def __init__(self, section: Section) -> None:
        super().__init__(section)
        self.port = section.integer("port", DEFAULT_PORT, minimum=1, maximum=65535)
        self.protocol = section.choice("protocol", "udp", PROTOCOLS)

    def server(self) -> Server | None:
        if self.host != TARGET:
            return None
        command = ["sockperf", "server", "-i", "0.0.0.0", "-p", str(self.port)]
        if self.protocol == "udp":
            # Whether a server answers is seen by TCP: one of each, on the same port.
            return Server(["sh", "-c", f"{' '.join(command)} & exec {' '.join(command)} --tcp"], self.port)
        return Server([*command, "--tcp"], self.port)

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        return [
            *("sockperf", "ping-pong", "-i", _address(shell.addressed(self.host)), "-p", str(self.port)),
            *(["--tcp"] if self.protocol == "tcp" else []),
            *("-t", str(seconds), "-m", str(self.message_size_bytes), f"--mps={self.probes_per_second}"),
            # Otherwise half the round trip is called latency, unlike with ping.
            *("--full-rtt", "--full-log", _LOG),
        ]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        # sockperf ends with 0 whatever happened, and its log may be that of the run before.
        if "[Valid Duration]" not in output:
            return latency_output.sockperf(output, "")
        return latency_output.sockperf(output, shell.read(_LOG))


class Latency(Tool):
    """ping of iputils, or sockperf. Neither draws anything at random that a seed could change."""

    name = "latency"
    program = Program("ping", "iputils-ping")
    METRICS: ClassVar[Mapping[str, str]] = {
        "latency_mean_ms": "a round trip",
        "latency_p50_ms": "50 % of the round trips take no longer",
        "latency_p95_ms": "95 % of the round trips take no longer",
        "latency_p99_ms": "99 % of the round trips take no longer",
        "latency_maximum_ms": "the longest round trip",
        "lost_percent": "messages that did not come back",
    }

    def option_names(self) -> Sequence[str]:
        return ["method", "host", "port", "protocol", "probes_per_second", "message_size_bytes"]

    def jobs(self, section: Section) -> list[Job]:
        method = section.choice("method", "ping", METHODS)
        return [Sockperf(section) if method == "sockperf" else Ping(section)]

    def version_command(self) -> list[str]:
        return ["sh", "-c", "ping -V; sockperf --version"]

    def version(self, output: str) -> str:
        ping = re.search(r"iputils[ -](s?\d{8})", output)
        if not ping:
            raise self.not_understood(output, "ping of iputils")
        sockperf = re.search(r"^sockperf, version (3\.\d{1,3}\S*)", output, re.MULTILINE)
        return f"ping iputils {ping.group(1)}" + (f", sockperf {sockperf.group(1)}" if sockperf else "")


def _address(host: str) -> str:
    """The IPv4 address of a host, which is all that sockperf takes; the name itself where it has none."""
    with suppress(OSError, UnicodeError):
        return socket.gethostbyname(host)
    return host
