# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A libvirtd to throw away, for tests, with a socket of its own: for root one that sees empty folders where that of
the system has its machines and pools, and no network; for anyone else a session with a home of its own.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import libvirt

START_SECONDS = 30
HIDDEN = {"configuration": "/etc/libvirt", "state": "/var/lib/libvirt", "cache": "/var/cache/libvirt", "run": "/run"}


@contextmanager
def private_libvirtd() -> Iterator[str]:
    """Start one; gives the URI to reach it."""
    # Short, for the name of a socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="evolve-libvirtd-"))
    try:
        (folder / "libvirtd.conf").write_text(
            f'unix_sock_dir = "{folder}"\nauth_unix_rw = "none"\nlog_outputs = "3:file:{folder}/log"\n'
        )
        command = ["libvirtd", "--config", str(folder / "libvirtd.conf"), "--pid-file", str(folder / "pid")]
        for name in HIDDEN:
            (folder / name).mkdir()
        settings = folder / "configuration/qemu.conf"
        settings.write_text('user = "root"\ngroup = "root"\nsecurity_driver = "none"\nstdio_handler = "file"\n')
        if os.geteuid() == 0:
            mounts = "".join(f"mount --bind {folder / name} {hidden} && " for name, hidden in HIDDEN.items())
            command = ["unshare", "--mount", "--net", "sh", "-c", f"{mounts}exec {shlex.join(command)}"]
        own = {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")}
        # Debian keeps the daemon where not everyone looks for programs.
        own["PATH"] = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        kind = "system" if os.geteuid() == 0 else "session"
        with subprocess.Popen(command, env={**os.environ, **own}) as process:
            try:
                uri = f"qemu:///{kind}?socket={folder}/libvirt-sock"
                _wait(uri, process, folder)
                yield uri
            finally:
                process.terminate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(uri: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    patience = time.monotonic() + START_SECONDS
    while True:
        try:
            libvirt.open(uri).close()
            return
        except libvirt.libvirtError as error:
            if process.poll() is not None or time.monotonic() > patience:
                log = folder / "log"
                raise RuntimeError(f"libvirtd: {error}. {log.read_text() if log.exists() else ''}") from error
            time.sleep(0.1)
