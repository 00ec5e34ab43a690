# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference page of all metrics, made from what the benchmark tools and the list of watched metrics say.

Usage: metrics_page.py write|check
Exit status 1 if the page is not what the tools say.
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "reference" / "metrics.md"
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY / ".collections"))

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.registry import TOOLS  # noqa: E402
from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import METRICS  # noqa: E402

_HEAD = """\
<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- Written by tests/tools/metrics_page.py from what plugins/module_utils/benchmarks and sampling say: change that. -->

# Metrics

What goals can name: what benchmarks give, and [what is watched](#watched) meanwhile. Units are in the names. Each
metric is the mean over the runs of a measurement; the runs are kept. Where
[`evolve_benchmark`](../guide/12-benchmarks.md) is a list, the benchmark's label and a dot stand before the name:
`pgbench.latency_p95_ms`.

What counts failures (`errors_total`, `lost_percent`) can be 0, and takes a `span` in a goal. Everything else is above 0
in a valid run: a run that gives no such number is a failure, never a score.

`vm_cost` is not measured, but computed from the sizes of the machine by `evolve_prices`.
"""

_WATCHED = """\
## watched

What is seen of a machine while its benchmark runs ([guide](../guide/13-monitoring.md)). The plain name is the mean over
the points of that time. With an aggregation before the unit it is that one: `mean`, `minimum`, `maximum`, `p50`, `p90`,
`p95`, `p99`, as in `response_time_p95_ms`. A probe's name and a dot stand before it where there are several probes of
its sort. Shares and losses can be 0: a goal of one that is takes a `span`.

| metric | seen by | meaning |
|---|---|---|
"""
_SEEN_BY = {
    "hypervisor": "hypervisor, agent",
    "probe": "probe",
    "guest": "agent only",
}


def page() -> str:
    """The whole page, as Markdown."""
    parts = [_HEAD]
    for name, tool in sorted(TOOLS.items()):
        parts.append(f"## {name}\n\n| metric | meaning |\n|---|---|")
        parts.append("\n".join(f"| `{metric}` | {meaning} |" for metric, meaning in tool.METRICS.items()) + "\n")
    rows = [f"| `{metric.name}` | {_SEEN_BY[metric.source]} | {metric.meaning} |" for metric in METRICS]
    parts.append(_WATCHED + "\n".join(rows))
    return "\n".join(parts).rstrip("\n") + "\n"


def main(arguments: list[str]) -> int:
    if arguments == ["write"]:
        PAGE.write_text(page())
        return 0
    if arguments == ["check"]:
        if PAGE.exists() and PAGE.read_text() == page():
            return 0
        print(f"{PAGE.relative_to(REPOSITORY)} is not what the tools say. Run: tests/tools/metrics_page.py write")
        return 1
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
