# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""iperf3: how much a network connection carries, between the place of the benchmark and the measured machine."""

from __future__ import annotations

import re
from typing import ClassVar, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import iperf3_output
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

PROTOCOLS = ("tcp", "udp")
DEFAULT_PORT = 5201
_UDP_MBIT_PER_SECOND = 100
_CONNECT_TIMEOUT_MS = 10000
_UNTIL_SERVED = (
    "for attempt in 1 2 3 4 5 6 7 8 9 10; do "
    'output=$(iperf3 -c "$1" -p "$2" -n 1K --connect-timeout 2000 2>&1) && exit 0; sleep 0.5; '
    'done; echo "$output"; exit 1'
)


class Iperf3(Job):
    """Bytes in one direction: to the measured machine, or from it with `reverse`.

    host: whose iperf3 server to use; for the measured machine one is started. streams: connections at a time.
    rate_mbit_per_second: of all streams together; 0: as much as goes, which is what TCP does unless told otherwise.
    window_kib, block_size_bytes: 0: as iperf3 and the kernel choose.
    """

    name = "iperf3"
    # With -J it ends with 0 after some failures, with 1 after others, and says in the JSON what was wrong.
    good_exit_codes = (0, 1)
    option_names = (
        *("block_size_bytes", "host", "port", "protocol", "rate_mbit_per_second", "reverse", "streams", "window_kib"),
    )

    def __init__(self, section: Section) -> None:
        self.host = section.text("host", TARGET, HOST)
        self.port = section.integer("port", DEFAULT_PORT, minimum=1, maximum=65535)
        self.protocol = section.choice("protocol", "tcp", PROTOCOLS)
        self.streams = section.integer("streams", 1, minimum=1, maximum=128)
        self.reverse = section.flag("reverse", False)
        # Unasked, iperf3 would send 1 Mbit/s of UDP, which measures nothing; without a bound, half of it would be lost.
        default_rate = _UDP_MBIT_PER_SECOND if self.is_udp else 0
        self.rate_mbit_per_second = section.integer("rate_mbit_per_second", default_rate, minimum=0, maximum=10**6)
        self.window_kib = section.integer("window_kib", 0, minimum=0, maximum=1024**2)
        self.block_size_bytes = section.integer("block_size_bytes", 0, minimum=0, maximum=1024**2)
        if self.is_udp and not (self.block_size_bytes == 0 or 16 <= self.block_size_bytes <= 65507):
            section.fault(
                "block_size_bytes", f"found {self.block_size_bytes}, but a packet of udp has from 16 to 65507 bytes"
            )

    @property
    def is_udp(self) -> bool:
        """Whether packets may be lost."""
        return self.protocol == "udp"

    @property
    def metric_names(self) -> list[str]:
        if self.is_udp:
            return ["throughput_mbit_per_second", "jitter_ms", "lost_percent"]
        # The sender alone knows round trips; from the other side iperf3 tells 0.
        return ["throughput_mbit_per_second", "retransmits_total", *([] if self.reverse else ["latency_mean_ms"])]

    def server(self) -> Server | None:
        return Server(["iperf3", "-s", "-p", str(self.port)], self.port) if self.host == TARGET else None

    def prepare(self, shell: Shell) -> None:
        # A server is deaf for a moment after whoever has only looked whether it listens, and while it serves others.
        shell.run(["sh", "-c", _UNTIL_SERVED, "sh", shell.addressed(self.host), str(self.port)])

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        command = ["iperf3", "-c", shell.addressed(self.host), "-p", str(self.port), "-J", "-t", str(seconds)]
        command += ["-P", str(self.streams), "--connect-timeout", str(_CONNECT_TIMEOUT_MS)]
        if self.is_udp or self.rate_mbit_per_second:
            # iperf3 takes the rate of each stream.
            command += ["-b", str(self.rate_mbit_per_second * 10**6 // self.streams)]
        if self.is_udp:
            command.append("-u")
        if self.reverse:
            command.append("-R")
        if self.window_kib:
            command += ["-w", f"{self.window_kib}K"]
        if self.block_size_bytes:
            command += ["-l", str(self.block_size_bytes)]
        return command

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return iperf3_output.metrics(output, iperf3_output.Expected(self.is_udp, self.reverse, self.streams))


class Iperf3Tool(Tool):
    """The iperf3 program. It draws nothing at random that a seed could change."""

    name = "iperf3"
    program = Program("iperf3", "iperf3")
    METRICS: ClassVar[Mapping[str, str]] = {
        "throughput_mbit_per_second": "what arrived, as the receiver counts it, all streams together; 10**6 bits",
        "retransmits_total": "segments sent again during the run; only with tcp",
        "latency_mean_ms": "the round trip as TCP sees it under this load; only with tcp and without reverse",
        "jitter_ms": "how much the packets' delay varies; only with udp",
        "lost_percent": "packets that did not arrive; only with udp",
    }

    def option_names(self) -> Sequence[str]:
        return Iperf3.option_names

    def jobs(self, section: Section) -> list[Job]:
        return [Iperf3(section)]

    def version_command(self) -> list[str]:
        return ["iperf3", "--version"]

    def version(self, output: str) -> str:
        found = re.match(r"iperf (3\.\d{1,3}(\.\d{1,3})?\S*)", output)
        if not found:
            raise self.not_understood(output, "iperf 3.x")
        return f"iperf {found.group(1)}"
