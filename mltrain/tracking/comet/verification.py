"""What was logged to a Comet experiment, held against what its server or its archive shows.

The client drops what it could not send and says so in its log at best. The server may also be behind: so the
question is repeated for a few seconds, and what is still missing then is named.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mltrain.tracking.comet.stored import is_plain

_PATIENCE_S = 4.0
_PAUSE_S = 0.5
_SAMPLED = 10_000  # of a metric with more points the server keeps a sample


@dataclass(kw_only=True, slots=True)
class Logged:
    """What one experiment was given, or holds.

    Attributes
    ----------
    points : Counter of (str, int or None, float)
        Metric, step and value.
    params : set of str
        Names.
    files : mapping of str to int or None
        Name to size in bytes; None where the other side does not say.
    models : mapping of str to mapping
        Name to the model's files and their sizes.
    """

    points: Counter[tuple[str, int | None, float]] = field(default_factory=Counter)
    params: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, int | None] = field(default_factory=dict)
    models: dict[str, dict[str, int | None]] = field(default_factory=dict)

    def missing_from(self, held: Logged) -> list[str]:
        """Name what another does not hold."""
        counts: Counter[str] = Counter()
        for (name, _, _), count in held.points.items():
            counts[name] += count
        lacking = Counter(name for name, _, _ in (self.points - held.points).elements() if counts[name] < _SAMPLED)
        return [
            *(f"{count} values of {name}" for name, count in sorted(lacking.items())),
            *(f"parameter {name}" for name in sorted(self.params - held.params)),
            *(f"tag {name}" for name, value in sorted(self.tags.items()) if held.tags.get(name) != value),
            *(f"file {name}" for name in _lacking(self.files, held.files)),
            *(f"model {name}" for name, own in self.models.items() if _lacking(own, held.models.get(name, {}))),
        ]


def _lacking(logged: Mapping[str, int | None], held: Mapping[str, int | None]) -> list[str]:
    """Name the files that are not there, or not as long as they were."""
    return [name for name, size in sorted(logged.items()) if name not in held or held[name] not in (None, size)]


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
        missing = ["all of it"] if experiment is None else logged.missing_from(_held(experiment, logged))
        if not missing or time.monotonic() > end_s:
            return missing
        time.sleep(_PAUSE_S)


def _held(experiment: Any, logged: Logged) -> Logged:
    """Return what the server shows, as far as something was logged that could be missing."""
    held = Logged()
    if logged.points:
        held.points.update(
            (p["metricName"], None if p.get("step") is None else int(p["step"]), float(p["metricValue"]))
            for p in experiment.get_metrics() or ()
        )
    if logged.params:
        held.params = {entry["name"] for entry in experiment.get_parameters_summary() or ()}
    if logged.tags:
        held.tags = {entry["name"]: entry.get("valueCurrent") for entry in experiment.get_others_summary() or ()}
    if logged.files:
        held.files = _sizes(asset for asset in experiment.get_asset_list() or () if is_plain(asset))
    if logged.models:
        known = set(experiment.get_model_names() or ())
        held.models = {
            name: _sizes(experiment.get_model_asset_list(name) or ()) for name in logged.models if name in known
        }
    return held


def _sizes(assets: Iterable[Mapping[str, Any]]) -> dict[str, int | None]:
    """Return name -> size of the newest asset of that name."""
    by_age = sorted(assets, key=lambda asset: int(asset.get("createdAt") or 0))
    return {str(a.get("fileName")): None if a.get("fileSize") is None else int(a["fileSize"]) for a in by_age}
