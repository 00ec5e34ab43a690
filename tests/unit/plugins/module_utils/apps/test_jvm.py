# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Java: what is set is in force in its process, and is given back exactly."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.apps import jvm_flags, managed_file
from ansible_collections.evolve.vm.plugins.module_utils.apps.interface import AppError, Setting
from ansible_collections.evolve.vm.plugins.module_utils.apps.jvm import Jvm
from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.tests.servers import java_service, pid_in, wait_until

DEFAULTS = 'JAVA_OPTS="-Xmx128m -XX:+UseG1GC"  # as the package has it\nOTHER=1'
STYLES = {
    # How the service is started, what its file holds (None: it is not there), and options.
    "options file": ("@java@ @@folder@/options @run@", "-Dme=1\n-Xmx128m", {}),
    "own options file": ("@java@ -Xmx200m $(grep -hv '^#' @folder@/options 2>/dev/null) @run@", None, {}),
    "shell variable": (". @folder@/options; @java@ $JAVA_OPTS @run@", DEFAULTS, {"variable": "JAVA_OPTS"}),
}


def setting(name: str, unit: str = "") -> Setting:
    return Setting(f"app.jvm.{name}", name, unit)


HEAP = setting("heap", "MiB")
GC = setting("gc")
PAUSE = setting("MaxGCPauseMillis", "ms")
STACK = setting("Xss", "KiB")
METASPACE = setting("MaxMetaspaceSize", "MiB")
FREE = setting("MaxHeapFreeRatio")
ALL: dict[Setting, Value] = {
    HEAP: 65,  # which is rounded up to a whole number of regions
    GC: "parallel",
    PAUSE: 123,
    STACK: 512,
    METASPACE: 100,
    setting("NewRatio"): 3,
    setting("ParallelGCThreads"): 2,
    setting("UseCompressedOops"): False,
    setting("AlwaysPreTouch"): True,
    FREE: 60,
    setting("CompileThresholdScaling"): 1.5,
}


class Service(NamedTuple):
    """A running service, and what app_config is told of it."""

    options: dict[str, Any]
    file: Path
    pid_file: Path
    log: Path

    def made(self, **more: Any) -> Jvm:
        return Jvm("jvm", {**self.options, **more})

    @property
    def pid(self) -> int:
        found = pid_in(self.pid_file)
        assert found is not None
        return found

    def jcmd(self, *words: str) -> str:
        return subprocess.run(["jcmd", str(self.pid), *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture(params=STYLES)
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    start, content, more = STYLES[request.param]
    yield from started(tmp_path, start, content, more)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Service]:
    yield from started(tmp_path, *STYLES["own options file"])


def started(folder: Path, start: str, content: str | None, more: dict[str, str]) -> Iterator[Service]:
    file = folder / "options"
    if content is not None:
        file.write_text(content)
    with java_service(folder, start) as (pid_file, restart):
        options = {"options_file": str(file), "pid_file": str(pid_file), "restart_command": [str(restart)], **more}
        service = Service({**options, "up_seconds": 1}, file, pid_file, folder / "log")
        wait_until(service.made().is_running, 10)
        yield service


def apply(app: Jvm, target: dict[Setting, Value]) -> None:
    assert app.faults(target) == []
    for path, content in app.files(target).items():
        managed_file.write(path, content)
    assert app.check() == ""
    app.restart()
    wait_until(app.is_running, 10)


def content(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None


def test_what_is_set_is_in_force_and_what_was_comes_back_byte_for_byte(service: Service) -> None:
    file = content(service.file)
    before = service.made().read(list(ALL))
    assert before["app.jvm.MaxMetaspaceSize"] == 0  # no limit
    assert before["app.jvm.Xss"] == 1024

    apply(service.made(), ALL)

    assert service.made().read(list(ALL)) == {each.parameter: value for each, value in ALL.items()}
    flags = service.jcmd("VM.flags", "-all")
    assert "UseParallelGC                            = true" in flags
    assert "MaxGCPauseMillis                         = 123" in flags
    assert "ThreadStackSize                          = 512" in flags
    assert str(66 * 1024**2) in flags  # what 65 MiB are rounded up to

    apply(service.made(), {each: before[each.parameter] for each in ALL})

    assert content(service.file) == file
    assert service.made().read(list(ALL)) == before


def test_a_second_value_keeps_what_was_before_the_first(plain: Service) -> None:
    before = plain.made().read([PAUSE, GC])
    apply(plain.made(), {PAUSE: 50, GC: "serial"})
    apply(plain.made(), {PAUSE: 60})
    assert plain.made().read([PAUSE, GC]) == {PAUSE.parameter: 60, GC.parameter: "serial"}

    apply(plain.made(), {each: before[each.parameter] for each in (PAUSE, GC)})

    assert content(plain.file) is None


def test_manageable_flags_change_while_it_runs(plain: Service) -> None:
    pid, app = plain.pid, plain.made()
    assert {name: found.tier for name, found in app.known(["MaxHeapFreeRatio", "gc"]).items()} == {
        "MaxHeapFreeRatio": "live",
        "gc": "restart",
    }

    app.reload({FREE: 55})

    assert plain.made().read([FREE]) == {FREE.parameter: 55}
    assert plain.pid == pid


def test_without_jcmd_the_same_is_read(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(service.made(), {each: value for each, value in ALL.items() if each != FREE})
    known = service.made().read(list(ALL))
    time.sleep(0.1)

    monkeypatch.setattr(Jvm, "_jcmd", lambda self: "")

    assert service.made().read(list(ALL)) == known
    assert {found.tier for found in service.made().known(["MaxHeapFreeRatio", "gc"]).values()} == {"restart"}


def test_without_jcmd_a_file_that_it_has_not_read_is_not_taken_for_what_is_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Jvm, "_jcmd", lambda self: "")
    for service in started(tmp_path, *STYLES["options file"]):
        service.file.write_text("-Xmx64m\n")

        with pytest.raises(AppError, match="was written after the java that has read it was started"):
            service.made().read([HEAP])


def test_what_java_refuses_is_said_in_its_words_before_anything_is_touched(plain: Service) -> None:
    app = plain.made()

    faults = app.faults(
        {
            PAUSE: 0,
            setting("Xmx", "MiB"): 900 * 1024,
            setting("Xms", "GiB"): 900,
            GC: "fast",
            setting("UseNUMA"): "yes",
            setting("NewRatio"): 1.5,
            setting("ParallelGCThreads", "MiB"): 1,
            setting("HeapDumpPath"): "a b",
            STACK: 0.3,
        }
    )

    def about(name: str) -> str:
        return "\n".join(fault for fault in faults if fault.startswith(f"app.jvm.{name}: "))

    assert "java refuses 0: uintx MaxGCPauseMillis=0 is outside the allowed range [ 1 ..." in about(PAUSE.name)
    assert "insufficient memory" in about("Xms")
    assert about("gc").endswith("found 'fast', expected one of serial, parallel, g1, z, shenandoah, epsilon.")
    assert about("UseNUMA").endswith("found 'yes', expected true or false.")
    assert about("NewRatio").endswith("found 1.5, expected a whole number.")
    assert "cannot be said in MiB" in about("ParallelGCThreads")
    assert "expected one word" in about("HeapDumpPath")
    assert "0.3 KiB is not a multiple of KiB" in about("Xss")
    assert not list(Path("/").glob("hs_err_pid*"))
    assert content(plain.file) is None


def test_values_that_do_not_go_together_are_refused(plain: Service) -> None:
    app = plain.made()
    assert app.faults({HEAP: 100, setting("Xmx", "MiB"): 100}) == [
        "heap and Xmx say the same thing twice: heap is both -Xms and -Xmx. Name one."
    ]

    (fault,) = app.faults({setting("Xmx", "MiB"): 64, setting("Xms", "MiB"): 128})

    assert ": java refuses these values together: " in fault
    assert "Initial heap size set to a larger value than the maximum heap size" in fault


def test_what_java_does_not_have_is_not_known(plain: Service) -> None:
    app = plain.made()

    assert set(app.known(["heap", "gc", "MaxGCPauseMillis", "MaxGCPauseMilis"])) == {"heap", "gc", "MaxGCPauseMillis"}
    assert did_you_mean("MaxGCPauseMilis", app.names()).startswith(" Did you mean MaxGCPauseMillis")


def test_options_of_a_file_that_java_refuses_are_refused_by_check(plain: Service) -> None:
    plain.file.write_bytes(plain.made().files({PAUSE: 50})[str(plain.file)].replace(b'"50"', b'"0"'))

    assert "is outside the allowed range" in plain.made().check()


def test_a_service_that_ends_with_its_options_is_not_running(plain: Service) -> None:
    app = plain.made()
    target: dict[Setting, Value] = {HEAP: 400}
    assert app.faults(target) == []
    for path, new in app.files(target).items():
        managed_file.write(path, new)
    assert app.check() == ""

    app.restart()

    time.sleep(1.5)
    assert not app.is_running()
    assert "cannot live with a heap of more than 300 MiB" in plain.log.read_text()
    with pytest.raises(AppError, match="does not run"):
        app.read([HEAP])


def test_what_counts_more_than_ours_is_named(tmp_path: Path) -> None:
    start = ". @folder@/options; export JDK_JAVA_OPTIONS; @java@ -Xmx150m @run@"
    for service in started(tmp_path, start, "#", {"variable": "JDK_JAVA_OPTIONS"}):
        app = service.made()
        apply(app, {setting("Xmx", "MiB"): 100, PAUSE: 70})

        assert app.read([setting("Xmx", "MiB"), PAUSE]) == {"app.jvm.Xmx": 150, PAUSE.parameter: 70}
        assert app.origin(setting("Xmx", "MiB")) == (
            "the command line of the service has -Xmx150m, which may count more (option `variable`: _JAVA_OPTIONS)"
        )
        assert app.origin(PAUSE) == ""


def test_a_service_can_be_found_by_its_command_line(plain: Service) -> None:
    options = {name: value for name, value in plain.options.items() if name != "pid_file"}

    assert Jvm("jvm", {**options, "process": f"{plain.file.parent} Service"}).is_running()
    assert not Jvm("jvm", {**options, "process": "no such words"}).is_running()


def test_what_is_missing_is_said() -> None:
    with pytest.raises(AppError, match=r"needs `service` \(where systemd runs\), `pid_file`, or `process`"):
        Jvm("jvm", {"options_file": "/x"})
    with pytest.raises(AppError, match="needs `options_file`"):
        Jvm("jvm", {"pid_file": "/x"})


def test_every_flag_of_this_java_is_understood() -> None:
    java = shutil.which("java")
    printed = subprocess.run(
        [java, "-XX:+PrintFlagsFinal", "-version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    flags = jvm_flags.parse("\n".join(printed))

    assert len(flags) == len([line for line in printed if "=" in line]) > 300
    assert flags["UseG1GC"].type == "bool"
    assert flags["HeapDumpPath"].value == ""
    assert "manageable" in flags["MinHeapFreeRatio"].kinds


def test_flags_of_java_8_are_understood() -> None:
    flags = jvm_flags.parse("    uintx MaxHeapSize    := 4179623936   {product}\n  ccstr X    =   {C2 pd product}\n")

    assert flags["MaxHeapSize"] == jvm_flags.Flag("uintx", "4179623936", "product")
    assert flags["X"] == jvm_flags.Flag("ccstr", "", "C2 pd product")
