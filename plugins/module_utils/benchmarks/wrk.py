# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""wrk 4 and wrk2: HTTP requests over connections that are kept open.

wrk asks as fast as it is answered. A server that stalls would be spared the requests that it would have got meanwhile,
so wrk counts a long one as several in its latencies: throughput times mean latency is more than the connections. wrk2
asks at a fixed rate and measures from when each request was due.
A secret such as a token belongs neither into `headers` nor into `script`: let the script read the environment with
`wrk.headers["Authorization"] = os.getenv("TOKEN")`, and let the task set it.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import wrk_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import TARGET, Job, Program, Shell, Tool

_SCRIPT = "evolve.lua"
_USER_SCRIPT = "script.lua"
_OPTIONS = ("url", "threads", "connections", "script", "headers", "request_timeout_seconds")


class Requests(Job):
    """Requests to `url`. `threads` 0: one a CPU, but no more than `connections`. `rate` 0: as fast as answers come."""

    def __init__(self, program: str, section: Section, rate: int) -> None:
        self.name = program
        self.rate = rate
        self.url = section.text("url", f"http://{TARGET}/", r"https?://[^\s/?#@]+([/?]\S*)?")
        self.connections = section.integer("connections", 16, minimum=1, maximum=60000)
        self.threads = section.integer("threads", 0, minimum=1, maximum=1024)
        # wrk's own default. What takes longer counts as an error, and is in no latency.
        self.timeout = section.integer("request_timeout_seconds", 2, minimum=1, maximum=600)
        self.script = section.text("script", "", r"(?s).+")
        self.headers = _headers(section.subsection("headers"))
        if self.threads > self.connections:
            section.fault(
                "threads", f"found {self.threads}, more than there are connections ({self.connections}) to share out"
            )

    @property
    def metric_names(self) -> list[str]:
        return list(wrk_output.METRIC_NAMES)

    def prepare(self, shell: Shell) -> None:
        """Write the script, headers in it: on the command line every user of the machine could read them."""
        lines = [f"math.randomseed({shell.seed})"]
        lines += [f"wrk.headers[{_quoted(name)}] = {_quoted(value)}" for name, value in self.headers.items()]
        if self.script:
            shell.write(_USER_SCRIPT, self.script)
            # wrk itself goes on without a script that has an error.
            lines += [
                f"local good, problem = pcall(dofile, {_quoted(_USER_SCRIPT)})",
                'if not good then io.stderr:write("script: ", tostring(problem), "\\n") os.exit(1) end',
            ]
        shell.write(_SCRIPT, "\n".join([*lines, wrk_output.REPORT]))

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        return [
            self.name,
            f"--threads={self.threads or min(shell.cpus, self.connections)}",
            f"--connections={self.connections}",
            f"--duration={seconds}s",
            f"--timeout={self.timeout}s",
            *([f"--rate={self.rate}"] if self.rate else []),
            "--latency",
            f"--script={_SCRIPT}",
            shell.addressed(self.url),
        ]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return wrk_output.metrics(output, spectrum=self.rate > 0)


class Wrk(Tool):
    """The wrk program."""

    name = "wrk"
    program = Program("wrk", "wrk")
    METRICS: ClassVar[Mapping[str, str]] = {
        "throughput_per_second": "requests answered",
        "transferred_mib_per_second": "received, headers included",
        "latency_mean_ms": "a request, from its sending (wrk) or from when it was due (wrk2) to the end of its answer",
        "latency_p50_ms": "half of the requests take no longer",
        "latency_p90_ms": "90 % of the requests take no longer",
        "latency_p95_ms": "95 % of the requests take no longer",
        "latency_p99_ms": "99 % of the requests take no longer",
        "latency_maximum_ms": "the longest request",
        "errors_total": "answers with a status of 400 or more, requests that took too long, connections that broke",
        "errors_percent": "of the requests sent",
    }

    def option_names(self) -> Sequence[str]:
        # wrk2's as well, so that the fault says more than that there is no such option.
        return [*_OPTIONS, "rate"]

    def jobs(self, section: Section) -> list[Job]:
        if section.content.get("rate") is not None:
            section.fault("rate", "wrk has no fixed rate; its variant wrk2 has. Write `name: wrk2`")
        return [Requests(self.name, section, rate=0)]

    def version_command(self) -> list[str]:
        return [self.program.name, "--version"]

    def version(self, output: str) -> str:
        match = re.match(r"wrk (\S*?4\.\d+\.\d+\S*) \[", output)
        if match is None or "--rate" in output:
            what = "is wrk2, which has the name wrk2 here" if "--rate" in output else f"calls itself {output[:60]!r}"
            raise InfrastructureError(
                f"this wrk {what}; the output of wrk 4.x is understood. Install the wrk package of your distribution"
            )
        return f"wrk {match.group(1)}"


class Wrk2(Wrk):
    """The wrk2 program. It builds as `wrk`; its packages, and whoever installs it by hand, call it `wrk2`."""

    name = "wrk2"
    program = Program("wrk2", "wrk2")

    def option_names(self) -> Sequence[str]:
        return [*_OPTIONS, "rate"]

    def jobs(self, section: Section) -> list[Job]:
        if section.content.get("rate") is None:
            section.fault("rate", "is missing, expected the requests a second that wrk2 is to send")
        return [Requests(self.name, section, section.integer("rate", 1000, minimum=1))]

    def version(self, output: str) -> str:
        # Its number is wrk's, or the name of a commit: only the option tells it apart.
        match = re.match(r"wrk (\S*) ?\[", output)
        if match is None or "--rate" not in output:
            raise InfrastructureError(
                f"this wrk2 calls itself {output[:60]!r} and has no option --rate. "
                "Install wrk2 of github.com/giltene/wrk2"
            )
        return f"wrk2 {match.group(1)}".rstrip()


def _headers(section: Section) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in section.content:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            section.fault(str(name), "is no name of a header")
        else:
            found[name] = section.text(name, "", r"[^\r\n]*")
    return found


def _quoted(text: Any) -> str:
    """As a string in Lua."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
