# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""icmp: an echo request, which the kernel of the machine answers. One socket serves all machines.

The kernel stamps the answers when they arrive, so that a busy sampler does not make the network look slow.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from typing import ClassVar, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.addresses import resolved
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.interface import (
    HOST,
    Probe,
    ProbeFault,
)

# socket(7); Python has no name for it. The struct timespec of the C library: two longs.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_HEADER = struct.Struct("!BBHHH")
_TOKEN_BYTES = 16


class _Kind(NamedTuple):
    """Of one version of IP: the protocol, and the types of a request and its answer."""

    protocol: int
    request: int
    answer: int


_KINDS = {
    socket.AF_INET: _Kind(socket.IPPROTO_ICMP, 8, 0),
    socket.AF_INET6: _Kind(socket.IPPROTO_ICMPV6, 128, 129),
}


class EchoSocket:
    """Sends echo requests and tells their answers apart. Needs a running event loop. Raises ProbeFault."""

    def __init__(self, family: int) -> None:
        self._kind = _KINDS[socket.AddressFamily(family)]
        self._socket, self._is_raw = open_socket(family)
        self._with_header = self._is_raw and family == socket.AF_INET
        # Answers to requests of other programs have another token.
        self._token = os.urandom(_TOKEN_BYTES)
        self._sequence = 0
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._receive)

    async def round_trip(self, address: str) -> float:
        """The time of one, in ms. Raises OSError; waits as long as no answer comes."""
        self._sequence = sequence = (self._sequence + 1) % 65536
        answered: asyncio.Future[int] = self._loop.create_future()
        self._waiting[sequence] = answered
        try:
            packet = self._packet(sequence)
            began_wall, began = time.time_ns(), time.perf_counter_ns()
            self._socket.sendto(packet, (address, 0))
            arrived = await answered
            by_kernel, at_most = arrived - began_wall, time.perf_counter_ns() - began
            # The kernel's stamp is of the wall clock, which may have been set meanwhile.
            return (by_kernel if 0 <= by_kernel <= at_most else at_most) / 1e6
        finally:
            if self._waiting.get(sequence) is answered:
                del self._waiting[sequence]

    def close(self) -> None:
        """Send no more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _packet(self, sequence: int) -> bytes:
        """An echo request. The kernel fills in the identifier of a datagram socket, and the checksum of ICMPv6."""
        identifier = os.getpid() & 0xFFFF
        empty = _HEADER.pack(self._kind.request, 0, 0, identifier, sequence) + self._token
        return _HEADER.pack(self._kind.request, 0, _checksum(empty), identifier, sequence) + self._token

    def _receive(self) -> None:
        while True:
            try:
                data, extra, _flags, _address = self._socket.recvmsg(2048, 256)
            except BlockingIOError:
                return
            except OSError:
                # An error that a router or the host has sent: the request it is about stays without an answer.
                continue
            arrived = time.time_ns()
            for level, kind, content in extra:
                if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(content) >= _TIMESPEC.size:
                    seconds, nanoseconds = _TIMESPEC.unpack_from(content)
                    arrived = seconds * 10**9 + nanoseconds
            body = data[(data[0] & 0x0F) * 4 :] if self._with_header and data else data
            if len(body) < _HEADER.size + _TOKEN_BYTES or body[_HEADER.size :] != self._token:
                continue
            what, _code, _sum, _identifier, sequence = _HEADER.unpack_from(body)
            answered = self._waiting.get(sequence) if what == self._kind.answer else None
            if answered is not None and not answered.done():
                answered.set_result(arrived)


def open_socket(family: int) -> tuple[socket.socket, bool]:
    """A socket for echo requests, and whether it is a raw one. Raises ProbeFault where neither kind is allowed."""
    protocol = _KINDS[socket.AddressFamily(family)].protocol
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            opened = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
        except OSError:
            continue
        opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        return opened, kind == socket.SOCK_RAW
    raise ProbeFault(
        "this user may not send echo requests. Run the task with become, or have an administrator set the sysctl "
        f"net.ipv4.ping_group_range so that it holds group {os.getgid()}"
    )


def _checksum(data: bytes) -> int:
    """Of RFC 1071."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


class Icmp(Probe):
    """Echo requests. All of an event loop share the sockets, one for each version of IP."""

    OPTIONS: ClassVar[Sequence[str]] = ("host",)
    is_network = True
    _sockets: ClassVar[dict[tuple[int, int], EchoSocket]] = {}

    def __init__(self, section: Section, address: str) -> None:
        self._host = section.text("host", address, HOST)

    def check(self) -> None:
        open_socket(socket.AF_INET)[0].close()

    async def ask(self) -> float:
        family, address = await resolved(self._host, 0)
        key = (id(asyncio.get_running_loop()), family)
        if key not in self._sockets:
            self._sockets[key] = EchoSocket(family)
        return await self._sockets[key].round_trip(address[0])
