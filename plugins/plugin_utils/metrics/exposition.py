# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points for those whose Prometheus may not be written to: a file that node_exporter's textfile collector shows.

It is the text exposition format of Prometheus. A file holds the latest point of each series, without its time: what
Prometheus scrapes has the time of the scrape. So it is for seeing how a study goes, and no source of fitness.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import BY_NAME, MEASUREMENT
from ansible_collections.evolve.vm.plugins.plugin_utils.files import FileError, replace_file
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.promql import checked_labels, metric_name

_VALUE_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_HELP_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n"})


def exposition(points: Sequence[Point]) -> str:
    """The latest point of each series. Raises BackendError for names that Prometheus does not know."""
    latest: dict[tuple[str, tuple[tuple[str, str], ...]], Point] = {}
    for point in sorted(points, key=lambda point: point.at_ms):
        latest[metric_name(point.measurement, point.field), checked_labels(point.tags)] = point
    lines: list[str] = []
    before = ""
    for (name, labels), point in sorted(latest.items()):
        if name != before:
            lines += [f"# HELP {name} {_help(point)}", f"# TYPE {name} gauge"]
            before = name
        shown = ",".join(f'{label}="{value.translate(_VALUE_ESCAPES)}"' for label, value in labels)
        lines.append(f"{name}{{{shown}}} {point.value!r}" if shown else f"{name} {point.value!r}")
    return "".join(f"{line}\n" for line in lines)


def write_exposition(path: Path, points: Sequence[Point]) -> None:
    """Make the latest points the content of a file, whole or not at all. Raises FileError and BackendError."""
    if path.suffix != ".prom":
        raise FileError(f"cannot write {path}: node_exporter shows files whose names end with .prom")
    replace_file(path, exposition(points))


def _help(point: Point) -> str:
    """What a metric means; the same for each of its points."""
    metric = BY_NAME.get(point.field) if point.measurement == MEASUREMENT else None
    text = metric.meaning if metric else f"{point.field} of {point.measurement}"
    return text.translate(_HELP_ESCAPES)
