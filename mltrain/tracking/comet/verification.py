"""What was logged to a Comet experiment, held against what its server shows.

The client drops what it could not send and says so in its log at best. The server may also be behind: so the
question is repeated for a few seconds, and what is still missing then is named.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_PATIENCE_S = 4.0
_PAUSE_S = 0.5
_SAMPLED = 10_000  # of a metric with more points the server keeps a sample


@dataclass(kw_only=True, slots=True)
class Logged:
    """What one open experiment was given."""

    points: Counter[tuple[str, int | None, float]] = field(default_factory=Counter)
    params: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)

    def missing_from(self, experiment: Any) -> list[str]:
        """Name what the server does not show, by kind."""
        missing = []
        if self.points:
            missing += self._missing_points(experiment)
        if self.params:
            shown = {entry["name"] for entry in experiment.get_parameters_summary() or ()}
            missing += [f"parameter {name}" for name in sorted(self.params - shown)]
        if self.tags:
            others = {entry["name"]: entry.get("valueCurrent") for entry in experiment.get_others_summary() or ()}
            missing += [f"tag {name}" for name, value in sorted(self.tags.items()) if others.get(name) != value]
        if self.files:
            assets = {asset.get("fileName") for asset in experiment.get_asset_list() or ()}
            missing += [f"file {name}" for name in sorted(self.files - assets)]
        if self.models:
            missing += [f"model {name}" for name in sorted(self.models - set(experiment.get_model_names() or ()))]
        return missing

    def _missing_points(self, experiment: Any) -> list[str]:
        """Name the metrics that lack points."""
        shown = Counter(
            (p["metricName"], None if p.get("step") is None else int(p["step"]), float(p["metricValue"]))
            for p in experiment.get_metrics() or ()
        )
        totals: Counter[str] = Counter()
        for (name, _, _), count in shown.items():
            totals[name] += count
        lacking = Counter(name for name, _, _ in (self.points - shown).elements() if totals[name] < _SAMPLED)
        return [f"{count} values of {name}" for name, count in sorted(lacking.items())]


def wait_for(logged: Logged, look: Callable[[], Any]) -> list[str]:
    """Ask until the server shows everything or patience ends; return what is missing.

    Parameters
    ----------
    look : callable
        Returns the API's view of the experiment; None when the server does not know it.
    """
    end_s = time.monotonic() + _PATIENCE_S
    while True:
        experiment = look()
        missing = ["all of it"] if experiment is None else logged.missing_from(experiment)
        if not missing or time.monotonic() > end_s:
            return missing
        time.sleep(_PAUSE_S)
