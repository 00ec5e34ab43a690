# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tcp: a connection is made and closed. The answer is that of the machine's kernel for a program that listens."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import ClassVar, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.addresses import resolved
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.interface import HOST, Probe


class Tcp(Probe):
    """network: whether it stands for the network, where echo requests are not answered."""

    OPTIONS: ClassVar[Sequence[str]] = ("host", "port", "network")

    def __init__(self, section: Section, address: str) -> None:
        self._host = section.text("host", address, HOST)
        self._port = section.integer("port", 0, minimum=1, maximum=65535)
        if section.content.get("port") is None:
            section.fault("port", "is missing")
        self.is_network = section.flag("network", False)

    async def ask(self) -> float:
        family, address = await resolved(self._host, self._port)
        with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as connection:
            began = time.perf_counter()
            await asyncio.get_running_loop().sock_connect(connection, address)
            return (time.perf_counter() - began) * 1000.0
