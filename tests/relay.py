# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way to a server that can be cut: what is under way breaks off,
and nobody gets through until it is joined again."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Relay:
    """Passes on what comes in at `port`, on loopback, to another port there."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._ends: list[socket.socket] = []
        self._entrance = self._listen(0)
        self.port: int = self._entrance.getsockname()[1]

    def cut(self) -> None:
        """Whoever comes is refused, and all that are connected lose their connection."""
        for end in (self._entrance, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def join(self) -> None:
        """Let everybody through again."""
        self._entrance = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        entrance = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._serve, args=(entrance,), daemon=True).start()
        return entrance

    def _serve(self, entrance: socket.socket) -> None:
        with suppress(OSError):
            while True:
                one = entrance.accept()[0]
                other = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [one, other]
                for source, sink in ((one, other), (other, one)):
                    threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
