# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How what the panels ask is said to each kind of database."""

from __future__ import annotations

from typing import Any, Protocol

from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import RUN_MEASUREMENT
from ansible_collections.evolve.vm.tests.dashboards.panels import (
    CPU,
    Best,
    Difference,
    Distinct,
    Over,
    Query,
    Scope,
    Target,
    Top,
    Variable,
)


class Database(Protocol):
    """How one kind of database is asked in Grafana. plugin: Grafana's name of its data source."""

    plugin: str
    title: str

    def target(self, target: Target) -> dict[str, Any]: ...

    def variable(self, variable: Variable) -> dict[str, Any]: ...


class InfluxDb:
    """InfluxQL, which InfluxDB 1, 2 and 3 understand."""

    plugin = "influxdb"
    title = "InfluxDB"

    def target(self, target: Target) -> dict[str, Any]:
        query = target.query
        by = getattr(query, "by", ())
        return {
            "query": self.query(query),
            "rawQuery": True,
            "resultFormat": "table" if isinstance(query, Top) else "time_series",
            "alias": " ".join([*(f"$tag_{tag}" for tag in by), *([target.name] if target.name else [])]),
        }

    def query(self, query: Query) -> str:
        source = f'FROM "{query.scope.measurement}" WHERE {self._where(query.scope)}'
        field = f'"{query.field}"'
        match query:
            case Over():
                by = ", ".join(["time($__interval)", *(f'"{tag}"' for tag in query.by)])
                return f"SELECT mean({field}) {source} AND $timeFilter GROUP BY {by} fill(none)"
            case Best():
                return f"SELECT max({field}) {source} AND $timeFilter"
            case Top():
                tags = ", ".join(f'"{tag}"' for tag in query.by)
                return f'SELECT top({field}, {tags}, {query.count}) AS "{query.field}" {source} AND $timeFilter'
            case Distinct():
                outer = ", ".join(f'"{tag}"' for tag in query.by)
                inner = ", ".join(f'"{tag}"' for tag in (*query.by, query.tag))
                each = f'SELECT count({field}) AS "points" {source} GROUP BY {inner}'
                counted = f'SELECT count("points") FROM ({each}) WHERE $timeFilter'
                return f"{counted} GROUP BY {outer}" if outer else counted
            case Difference():
                sides = ", ".join(
                    f'(SELECT {field} AS "{value}" {source} AND "{query.tag}" = \'{value}\')'
                    for value in (query.first, query.second)
                )
                less = f'mean("{query.first}") - mean("{query.second}")'
                return f"SELECT {less} FROM {sides} WHERE $timeFilter GROUP BY time($__interval) fill(none)"

    def variable(self, variable: Variable) -> dict[str, Any]:
        source = f'FROM "{variable.scope.measurement}"'
        if not variable.tag:
            return {"query": f"SHOW FIELD KEYS {source}", "regex": "/^(?!fitness$)(.+)$/"}
        where = self._where(variable.scope)
        query = f'SHOW TAG VALUES {source} WITH KEY = "{variable.tag}"' + (f" WHERE {where}" if where else "")
        return {"query": query, "regex": ""}

    def _where(self, scope: Scope) -> str:
        matches = [f'"{tag}" =~ /^${tag}$/' for tag in scope.variables]
        matches += [f"\"{tag}\" = '{value}'" for tag, value in scope.equal]
        return " AND ".join(matches + [f"\"{tag}\" != ''" for tag in scope.present])


class Prometheus:
    """PromQL, which VictoriaMetrics understands too."""

    plugin = "prometheus"
    title = "Prometheus and VictoriaMetrics"

    def target(self, target: Target) -> dict[str, Any]:
        query = target.query
        over_time = isinstance(query, Over | Difference)
        by = getattr(query, "by", ())
        return {
            "expr": self.query(query),
            "range": over_time,
            "instant": not over_time,
            "format": "table" if isinstance(query, Top) else "time_series",
            "legendFormat": " ".join([*(f"{{{{{tag}}}}}" for tag in by), *([target.name] if target.name else [])]),
            "editorMode": "code",
        }

    def query(self, query: Query) -> str:
        series = self._series(query.scope, query.field)
        match query:
            case Over():
                return f"avg by ({', '.join(query.by)}) (avg_over_time({series}[$__interval]))"
            case Best():
                return f"max(max_over_time({series}[$__range]))"
            case Top():
                best = f"max by ({', '.join(query.by)}) (max_over_time({series}[$__range]))"
                return f"topk({query.count}, {best})"
            case Distinct():
                inner = ", ".join((*query.by, query.tag))
                outer = f" by ({', '.join(query.by)}) " if query.by else ""
                return f"count{outer}(count by ({inner}) (count_over_time({series}[$__range])))"
            case Difference():
                first, second = (
                    f"avg(avg_over_time({self._series(scope, query.field)}[$__interval]))"
                    for scope in (query.scope.where(**{query.tag: value}) for value in (query.first, query.second))
                )
                return f"{first} - {second}"

    def variable(self, variable: Variable) -> dict[str, Any]:
        if variable.tag:
            regex, series, label = "", self._series(variable.scope, _everywhere(variable.scope)), variable.tag
        else:
            prefix = f"{variable.scope.measurement}_"
            regex = f"/^{prefix}(?!fitness$)(.+)$/"
            series, label = f'{{__name__=~"{prefix}.+"}}', "__name__"
        return {
            "query": {"query": f"label_values({series}, {label})", "refId": "StandardVariableQuery"},
            "regex": regex,
        }

    def _series(self, scope: Scope, field: str) -> str:
        matches = [f'{tag}=~"${tag}"' for tag in scope.variables]
        matches += [f'{tag}="{value}"' for tag, value in scope.equal]
        matches += [f'{tag}!=""' for tag in scope.present]
        name = f"{scope.measurement}_{field}"
        if "$" in field:
            # A variable cannot stand in a name, but in what is compared with it.
            name, matches = "", [f'__name__="{name}"', *matches]
        return f"{name}{{{', '.join(matches)}}}" if matches else name


def _everywhere(scope: Scope) -> str:
    """A field that all points of a measurement have."""
    return "fitness" if scope.measurement == RUN_MEASUREMENT else CPU


DATABASES: dict[str, Database] = {"influxdb": InfluxDb(), "prometheus": Prometheus()}
