"""The runs of a Comet project, found by few requests however many there are.

The server names the experiments that carry the tags, then shows the parameters and scores of a hundred at a time.
Of metrics that have a point for each trial, round or second a list needs none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import and_
from typing import Any

from mltrain.tracking import RunInfo
from mltrain.tracking.comet.archives import METRICS_OF_COMET
from mltrain.tracking.comet.environment import import_comet
from mltrain.tracking.comet.reading import charted, server_ms
from mltrain.tracking.training import is_series

_CHART_SIZE = 100  # experiments in one request


class Project:
    """One project of a workspace, as it is now."""

    def __init__(self, api: Any, workspace: str, name: str) -> None:
        self._api = api
        self._workspace = workspace
        self._name = name

    def runs(self, tags: Mapping[str, str], *, limit: int) -> list[RunInfo]:
        """Return the runs with these tags that began last, the newest first."""
        try:
            columns = self._api._client.get_project_columns(self._workspace, self._name)
            newest = self._tagged(tags, columns)
        except import_comet().exceptions.NotFound:  # a project begins with its first run
            return []
        found: list[RunInfo] = []
        for start in range(0, len(newest), _CHART_SIZE):
            page = newest[start : start + _CHART_SIZE]
            # A run began before the server heard of it: from here on none can be newer than those found.
            if len(found) >= limit and found[limit - 1].started_ms >= server_ms(page[0]):
                break
            found += (i for i in self._charted(page, columns) if all(i.tags.get(k) == v for k, v in tags.items()))
            found.sort(key=lambda info: (info.started_ms, info.id), reverse=True)
        return found[:limit]

    def _tagged(self, tags: Mapping[str, str], columns: Mapping[str, Any]) -> list[Any]:
        """Return the experiments that may carry the tags, those that the server heard of last first."""
        kinds = {c["name"]: c["type"] for c in columns["columns"] if c["source"] == "log_other"}
        if not tags.keys() <= kinds.keys():
            return []
        # What looks like a number may be compared as one, and nothing is not compared at all.
        sayable = {name: value for name, value in tags.items() if kinds[name] == "string" and value}
        keys = self._keys(sayable, columns) if sayable else None
        if keys is not None and not keys:
            return []
        experiments = self._api.get_experiments(self._workspace, self._name) or ()
        return sorted((e for e in experiments if keys is None or e.key in keys), key=server_ms, reverse=True)

    def _keys(self, tags: Mapping[str, str], columns: Mapping[str, Any]) -> set[str]:
        """Ask for the keys alone: the client's own query asks for every experiment of the answer again."""
        query = import_comet().query
        wanted = reduce(and_, (query.Other(name) == value for name, value in tags.items()))
        found = self._api._client.query_project(self._workspace, self._name, wanted.get_predicates(columns))
        return set(found.json()["experimentKeys"])

    def _charted(self, page: Sequence[Any], columns: Mapping[str, Any]) -> Iterator[RunInfo]:
        names = {kind: [c["name"] for c in columns["columns"] if c["source"] == kind] for kind in ("metrics", "params")}
        metrics = [m for m in names["metrics"] if not is_series(m) and m not in METRICS_OF_COMET]
        # Asked for no metric, the client asks for one that it makes up.
        charts = self._api.get_metrics_for_chart([e.key for e in page], metrics or ["loss"], names["params"]) or {}
        for experiment in page:
            yield charted(experiment, charts.get(experiment.key, {}))
