# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMeter 2.13 and later, without its window: any plan (.jmx), or the one that comes with the collection.

A plan is told host, port, protocol, path, threads, seconds and seed as properties, which it reads as `${__P(host)}`.
One that does not read `seconds` must end by itself, or `timeout_seconds` ends it. Each run is a Java that starts cold:
a few seconds say little. A secret belongs neither into `properties`, which are on the command line, nor into the
definition: keep it in a file on the machine, named by `property_file`.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import ClassVar, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import jmeter_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.jmeter_plan import PLAN
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import TARGET, Job, Program, Shell, Tool

_PLAN = "plan.jmx"
_LOG = "jmeter.log"
_START = "start.bsh"
_NAME = r"[A-Za-z0-9_.-]{1,200}"
# So that results look alike wherever it runs; `properties` may say otherwise.
_FORMAT = {
    "jmeter.save.saveservice.output_format": "csv",
    "jmeter.save.saveservice.print_field_names": "true",
    "jmeter.save.saveservice.timestamp_format": "ms",
    "jmeter.save.saveservice.default_delimiter": ",",
    "sampleresult.timestamp.start": "true",
    "summariser.name": "summary",
    "summariser.out": "true",
    "summariser.ignore_transaction_controller_sample_result": "true",
}
_DEBIAN_HOME = "/usr/share/jmeter"
_BEANSHELL = "/usr/share/java/bsh.jar"
#: Debian 12 has JMeter 2.13 with an XStream that refuses to read any plan, because JMeter does not tell it
#: which classes plans are made of. BeanShell, which that package needs anyway, tells it, and then starts JMeter.
START = """import java.lang.reflect.Field;
loader = Thread.currentThread().getContextClassLoader();
home = System.getProperty("jmeter.home");
utilities = loader.loadClass("org.apache.jmeter.util.JMeterUtils");
utilities.getMethod("setJMeterHome", new Class[] {String.class}).invoke(null, new Object[] {home});
utilities.getMethod("loadJMeterProperties", new Class[] {String.class}).invoke(
    null, new Object[] {home + "/bin/jmeter.properties"});
Field reader = Class.forName("org.apache.jmeter.save.SaveService").getDeclaredField("JMXSAVER");
reader.setAccessible(true);
reader.get(null).allowTypesByWildcard(new String[] {"**"});
org.apache.jmeter.NewDriver.main(bsh.args);
"""


class Plan(Job):
    """A plan, run once. `plan` empty: that of the collection, which asks for one address."""

    name = "jmeter"

    def __init__(self, section: Section) -> None:
        self.plan = section.text("plan", "", r"/.+")
        self.property_file = section.text("property_file", "", r"/.+")
        self.host = section.text("host", TARGET, r"\S+")
        self.port = section.integer("port", 80, minimum=1, maximum=65535)
        self.protocol = section.choice("protocol", "http", ("http", "https"))
        self.path = section.text("path", "/", r"/\S*")
        self.threads = section.integer("threads", 10, minimum=1, maximum=10000)
        self.properties = _properties(section.subsection("properties"))
        self._results = ""
        self._runs = 0

    @property
    def metric_names(self) -> list[str]:
        return list(jmeter_output.METRIC_NAMES)

    def prepare(self, shell: Shell) -> None:
        shell.write(_PLAN, PLAN)
        shell.write(_START, START)

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        # Where there is a file, JMeter adds to it without the names of the columns, and 5.x refuses to.
        if self._results:
            shell.write(self._results, "")
        self._runs += 1
        self._results = f"results-{self._runs}.jtl"
        properties = {
            **_FORMAT,
            **{"host": shell.addressed(self.host), "port": str(self.port), "protocol": self.protocol},
            **{"path": self.path, "threads": str(self.threads), "seconds": str(seconds), "seed": str(shell.seed)},
            **{name: shell.addressed(value) for name, value in self.properties.items()},
        }
        return [
            *_program(),
            *("-n", "-t", self.plan or _PLAN, "-l", self._results, "-j", _LOG),
            *(["-q", self.property_file] if self.property_file else []),
            *(f"-J{name}={value}" for name, value in properties.items()),
        ]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        left = shell.names()
        results, log = (shell.read(name) if name in left else "" for name in (self._results, _LOG))
        try:
            return jmeter_output.metrics(results, output, log)
        except BenchmarkError as error:
            if "HTTPSamplerProxy" in output:
                raise InfrastructureError(
                    f"this JMeter knows no HTTP requests. Install the package jmeter-http as well. {error}"
                ) from error
            raise


class JMeter(Tool):
    """The jmeter program."""

    name = "jmeter"
    program = Program("jmeter", "jmeter jmeter-http")
    METRICS: ClassVar[Mapping[str, str]] = {
        "throughput_per_second": "requests, from the beginning of the first to the end of the last",
        "latency_mean_ms": "a request, to the end of its answer",
        "latency_p50_ms": "half of the requests take no longer",
        "latency_p95_ms": "95 % of the requests take no longer",
        "latency_p99_ms": "99 % of the requests take no longer",
        "latency_maximum_ms": "the longest request",
        "errors_total": "requests that failed, or whose answer was not as the plan demands",
        "errors_percent": "of the requests",
    }

    def option_names(self) -> Sequence[str]:
        return ["plan", "property_file", "host", "port", "protocol", "path", "threads", "properties"]

    def jobs(self, section: Section) -> list[Job]:
        return [Plan(section)]

    def version_command(self) -> list[str]:
        return [self.program.name, "--version", "-j", _LOG]

    def version(self, output: str) -> str:
        # 5.x draws its name in letters, the version beside it.
        match = re.search(r"(?:Version |\\ )(\d{1,2}\.\d{1,3}(?:\.\d{1,8})?)\b", output)
        if match is None or "Apache" not in output or tuple(map(int, match.group(1).split(".")[:2])) < (2, 13):
            raise InfrastructureError(
                f"this jmeter says {output.strip()[:100]!r} of its version; results of 2.13 and later are understood"
            )
        return f"jmeter {match.group(1)}"


def _program() -> list[str]:
    """How JMeter is started here."""
    found = os.path.realpath(shutil.which("jmeter") or "")
    if found not in ("/usr/bin/jmeter", f"{_DEBIAN_HOME}/bin/jmeter") or not os.path.exists(_BEANSHELL):
        return ["jmeter"]
    jars = (_BEANSHELL, *(f"{_DEBIAN_HOME}/{name}" for name in ("bin/ApacheJMeter.jar", "lib/*", "lib/ext/*")))
    options = ("-Djava.awt.headless=true", f"-Djmeter.home={_DEBIAN_HOME}")
    return ["java", *options, "-cp", ":".join(jars), "bsh.Interpreter", _START]


def _properties(section: Section) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in section.content.items():
        if not isinstance(name, str) or not re.fullmatch(_NAME, name):
            section.fault(str(name), f"is no name of a property, expected {_NAME}")
        elif isinstance(value, (bool, float)):
            found[name] = str(value).lower()
        else:
            found[name] = section.text(name, "", r"[^\r\n]*")
    return found
