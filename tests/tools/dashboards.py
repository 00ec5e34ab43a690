# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana's dashboards, the same for InfluxDB and for Prometheus, made from what tests/dashboards says of their panels.

Usage: dashboards.py write|check
Exit status 1 if the files are not what it says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "dashboards"
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY / ".collections"))

from ansible_collections.evolve.vm.tests.dashboards.languages import DATABASES, Database  # noqa: E402
from ansible_collections.evolve.vm.tests.dashboards.panels import ROWS, VARIABLES, Panel, Variable  # noqa: E402

# Grafana 9.0; newer ones bring it up to date when it is imported.
SCHEMA = 37
COLUMNS = 24
PLUGINS = {"influxdb": "InfluxDB", "prometheus": "Prometheus"}


def dashboard(database: Database) -> dict[str, Any]:
    """A whole dashboard, as Grafana imports it: it asks for the data source to put in the place of DS_EVOLVE."""
    source = {"type": database.plugin, "uid": "${DS_EVOLVE}"}
    return {
        "__inputs": [
            {
                "name": "DS_EVOLVE",
                "label": "Metrics of evolve.vm",
                "description": f"{database.title}, where evolve.vm writes its metrics",
                "type": "datasource",
                "pluginId": database.plugin,
                "pluginName": PLUGINS[database.plugin],
            }
        ],
        "__requires": [
            {"type": "grafana", "id": "grafana", "name": "Grafana", "version": "9.0.0"},
            {"type": "datasource", "id": database.plugin, "name": PLUGINS[database.plugin], "version": "1.0.0"},
            *(
                {"type": "panel", "id": kind, "name": kind, "version": ""}
                for kind in sorted({panel.kind for row in ROWS for panel in row.panels})
            ),
        ],
        "annotations": {"list": []},
        "description": f"Studies and rollouts of evolve.vm, from {database.title}.",
        "editable": True,
        "graphTooltip": 1,
        "id": None,
        "links": [],
        "panels": list(_panels(database, source)),
        "refresh": "10s",
        "schemaVersion": SCHEMA,
        "tags": ["evolve.vm"],
        "templating": {"list": [_variable(each, database, source) for each in VARIABLES]},
        "time": {"from": "now-3h", "to": "now"},
        "timepicker": {},
        "timezone": "",
        "title": f"evolve.vm ({database.title})",
        "uid": f"evolve-vm-{database.plugin}",
        "version": 1,
        "weekStart": "",
    }


def _variable(variable: Variable, database: Database, source: dict[str, str]) -> dict[str, Any]:
    asked = database.variable(variable)
    query = asked["query"]
    everything = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": source,
        "definition": query if isinstance(query, str) else query["query"],
        **asked,
        "refresh": 2,  # whenever the time that is shown changes
        "sort": 3,  # by the numbers in them
        "multi": variable.several,
        "includeAll": variable.several,
        # Points without the tag too.
        "allValue": ".*" if variable.several else None,
        "current": everything if variable.several else {},
        "options": [],
        "hide": 0,
        "skipUrlSync": False,
    }


def _panels(database: Database, source: dict[str, str]) -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for row in ROWS:
        number += 1
        place = {"h": 1, "w": COLUMNS, "x": 0, "y": top}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        left, top, height = 0, top + 1, 0
        for panel in row.panels:
            number += 1
            if left + panel.width > COLUMNS:
                left, top = 0, top + height
            yield {
                "id": number,
                "gridPos": {"h": panel.height, "w": panel.width, "x": left, "y": top},
                "datasource": source,
                "targets": [
                    {"refId": chr(ord("A") + index), "datasource": source, **database.target(target)}
                    for index, target in enumerate(panel.targets)
                ],
                **_looks(panel),
            }
            left, height = left + panel.width, panel.height
        top += height


def _looks(panel: Panel) -> dict[str, Any]:
    """What a panel is like, whatever it shows."""
    reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    options: dict[str, dict[str, Any]] = {
        "timeseries": {
            "legend": {"calcs": ["mean"], "displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "stat": {
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": reduce,
            "textMode": "auto",
        },
        "bargauge": {
            "displayMode": "basic",
            "orientation": "horizontal",
            "reduceOptions": reduce,
            "showUnfilled": True,
        },
        "table": {"showHeader": True, "sortBy": [{"desc": True, "displayName": "fitness"}]},
    }
    custom: dict[str, Any] = {}
    if panel.kind == "timeseries":
        # Points may be as far apart as an hour: the line goes on between them.
        custom = {
            "drawStyle": "points" if panel.points else "line",
            "fillOpacity": 0,
            "lineWidth": 1,
            "pointSize": 6 if panel.points else 4,
            "showPoints": "auto",
            "spanNulls": True,
        }
    looks: dict[str, Any] = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "fieldConfig": {"defaults": {"unit": panel.unit, "custom": custom}, "overrides": []},
        "options": options[panel.kind],
    }
    if panel.kind == "table":
        # Only the fitness is in per cent; Prometheus calls it Value.
        looks["fieldConfig"]["defaults"]["unit"] = "none"
        looks["fieldConfig"]["overrides"] = [
            {"matcher": {"id": "byName", "options": "fitness"}, "properties": [{"id": "unit", "value": panel.unit}]}
        ]
        looks["transformations"] = [
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": {"Value": "fitness"}}}
        ]
    return looks


def text(name: str) -> str:
    """The file of a kind of database."""
    return json.dumps(dashboard(DATABASES[name]), indent=2) + "\n"


def main(arguments: list[str]) -> int:
    if arguments == ["write"]:
        FOLDER.mkdir(exist_ok=True)
        for name in DATABASES:
            (FOLDER / f"{name}.json").write_text(text(name))
        return 0
    if arguments == ["check"]:
        paths = {name: FOLDER / f"{name}.json" for name in DATABASES}
        wrong = [path for name, path in paths.items() if not path.exists() or path.read_text() != text(name)]
        for path in wrong:
            print(
                f"{path.relative_to(REPOSITORY)} is not what the description says. Run: tests/tools/dashboards.py write"
            )
        return 1 if wrong else 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
