"""What Comet's API says of an experiment, as records: text becomes numbers, Comet's own entries are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mltrain.tracking import RunInfo, RunStatus
from mltrain.tracking.comet.archives import METRICS_OF_COMET, OTHERS_OF_COMET, STATUS, TAG_PARAM, own_params
from mltrain.tracking.names import as_text
from mltrain.tracking.training import began_ms


def info_of(experiment: Any) -> RunInfo:
    """Return one run by four requests."""
    return _info(
        experiment,
        params=_current(experiment.get_parameters_summary()),
        metrics={k: float(v) for k, v in _current(experiment.get_metrics_summary()).items()},
        others=_current(experiment.get_others_summary()),
    )


def charted(experiment: Any, chart: Mapping[str, Any]) -> RunInfo:
    """Return a run as the chart of many experiments shows it: with its tags from among the parameters."""
    params = {k: as_text(v) for k, v in (chart.get("params") or {}).items()}
    others = {k.removeprefix(TAG_PARAM): v for k, v in params.items() if k.startswith(TAG_PARAM)}
    return _info(experiment, params=params, metrics=_last_values(chart.get("metrics") or ()), others=others)


def history_of(experiment: Any, metric: str) -> list[tuple[int | None, float]]:
    """Return the points of one metric in the order logged.

    A client whose request was taken but not answered sends it again, with the same times: such twins are one.
    """
    points = sorted(experiment.get_metrics(metric), key=lambda p: int(p.get("timestamp") or 0))
    distinct = dict.fromkeys((p.get("timestamp"), p.get("step"), p["metricValue"]) for p in points)
    return [(None if step is None else int(step), float(value)) for _, step, value in distinct]


def server_ms(experiment: Any) -> int:
    """Return when the server first heard of an experiment."""
    return int(experiment.start_server_timestamp or 0)


def _info(
    experiment: Any, *, params: Mapping[str, str], metrics: Mapping[str, float], others: Mapping[str, str]
) -> RunInfo:
    return RunInfo(
        id=str(experiment.key),
        name=experiment.name,
        status=_status(experiment, others.get(STATUS)),
        started_ms=began_ms(others, otherwise=server_ms(experiment)),
        params=own_params(params),
        metrics={k: v for k, v in metrics.items() if k not in METRICS_OF_COMET},
        tags={k: v for k, v in others.items() if k not in OTHERS_OF_COMET},
        url=str(experiment.url),
    )


def _status(experiment: Any, noted: str | None) -> RunStatus:
    """Return our own note of how a run ended; one without is running, or was cut off."""
    if noted is not None:
        return "failed" if noted == "failed" else "finished"
    return "running" if experiment.get_state() == "running" else "failed"


def _current(summary: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """Return name -> last value of a summary."""
    return {str(entry["name"]): as_text(entry.get("valueCurrent")) for entry in summary or ()}


def _last_values(metrics: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    return {str(m["metricName"]): float(m["values"][-1]) for m in metrics if m.get("values")}
