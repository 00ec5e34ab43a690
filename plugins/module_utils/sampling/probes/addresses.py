# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and numbers of hosts, without holding up anybody else."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any, Tuple

Address = Tuple[int, Tuple[Any, ...]]


async def resolved(host: str, port: int) -> Address:
    """Family and address of a host, its first. A number takes no time. Raises OSError."""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return found[0][0], tuple(found[0][4])
    if number.version == 4:
        return socket.AF_INET, (host, port)
    return socket.AF_INET6, (host, port, 0, 0)
