"""Names of the config that must be somebody's: model families, trackers and metrics; nothing of theirs is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mltrain import plugins
from mltrain.config.names import FAMILIES, METRICS, TRACKERS, family_name, metric_name, tracker_name
from mltrain.config.problems import Problem
from mltrain.config.reading import KeyPath

_ENSEMBLE = "ensemble"  # the vote of the families: named like one, brought by none


def unknown_names(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each name that nobody provides; what is no text at all is another's to tell."""
    train, families = _section(values, "train"), (*plugins.names("models"), _ENSEMBLE)
    named = train.get("supported_models")
    for position, name in enumerate(named if isinstance(named, list | tuple) else ()):
        if isinstance(name, str) and family_name(name) not in families:
            place = ("train", "supported_models", position)
            yield _unknown(place, name, what="model family", known=families, synonyms=FAMILIES)
    for name in _section(values, "models"):
        if isinstance(name, str) and family_name(name) not in plugins.names("models"):
            yield _unknown(("models", name), name, what="model family", known=families[:-1], synonyms=FAMILIES)
    tracker, trackers = train.get("experiment_tracker"), plugins.names("trackers")
    if isinstance(tracker, str) and tracker_name(tracker) not in trackers:
        path = ("train", "experiment_tracker")
        yield _unknown(path, tracker, what="tracker", known=trackers, synonyms=TRACKERS)
    metric, metrics = train.get("comparison_metric"), plugins.names("metrics")
    if isinstance(metric, str) and metric_name(metric) not in metrics and metric not in _scorer_names():
        yield _unknown(("train", "comparison_metric"), metric, what="metric", known=metrics, synonyms=METRICS)


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}


def _scorer_names() -> Sequence[str]:
    """Return the names of scikit-learn's scorers; whether one suits classes is found out when it is used."""
    from sklearn.metrics import get_scorer_names  # noqa: PLC0415 - 1.5 s, for a metric that is not registered

    names: list[str] = get_scorer_names()
    return names


def _unknown(path: KeyPath, name: str, *, what: str, known: Sequence[str], synonyms: Mapping[str, str]) -> Problem:
    """Say that nobody provides a name, and which one may be meant."""
    near = plugins.nearest(name, known, synonyms)
    meant = f"did you mean '{near}'? " if near else ""
    return Problem(path=path, message=f"no {what} is called '{name}'", hint=f"{meant}known: {', '.join(known)}")
