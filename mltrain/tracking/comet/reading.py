"""What Comet's API says of an experiment, as records: text becomes numbers, Comet's own entries are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mltrain.tracking import RunInfo, RunStatus
from mltrain.tracking.comet.archives import METRICS_OF_COMET, OTHERS_OF_COMET, PARAMS_OF_COMET, STATUS
from mltrain.tracking.comet.environment import import_comet
from mltrain.tracking.names import as_text

_N_THREADS = 8
_CHART_SIZE = 100  # experiments in one request


def info_of(experiment: Any) -> RunInfo:
    """Return one run by four requests."""
    others = _current(experiment.get_others_summary())
    metrics = _current(experiment.get_metrics_summary())
    return _info(
        experiment,
        params=_current(experiment.get_parameters_summary()),
        metrics={k: float(v) for k, v in metrics.items()},
        others=others,
    )


def infos_of(api: Any, workspace: str, project: str, experiments: Sequence[Any]) -> list[RunInfo]:
    """Return many runs: the tags by one request each, all metrics and parameters by one for a hundred."""
    if not experiments:
        return []
    comet = import_comet()
    variables = api.get_query_variables(workspace, project)
    metrics = [v.name for v in variables if isinstance(v, comet.query.Metric)]
    params = [v.name for v in variables if isinstance(v, comet.query.Parameter)]
    charts: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(experiments), _CHART_SIZE):
        keys = [e.key for e in experiments[start : start + _CHART_SIZE]]
        charts.update(api.get_metrics_for_chart(keys, metrics or ["loss"], params) or {})
    with ThreadPoolExecutor(_N_THREADS) as pool:
        others = list(pool.map(lambda e: _current(e.get_others_summary()), experiments))
    return [
        _info(
            experiment,
            params={k: as_text(v) for k, v in (charts.get(experiment.key, {}).get("params") or {}).items()},
            metrics=_last_values(charts.get(experiment.key, {}).get("metrics") or []),
            others=of_one,
        )
        for experiment, of_one in zip(experiments, others, strict=True)
    ]


def history_of(experiment: Any, metric: str) -> list[tuple[int | None, float]]:
    """Return the points of one metric in the order logged.

    A client whose request was taken but not answered sends it again, with the same times: such twins are one.
    """
    points = sorted(experiment.get_metrics(metric), key=lambda p: int(p.get("timestamp") or 0))
    distinct = dict.fromkeys((p.get("timestamp"), p.get("step"), p["metricValue"]) for p in points)
    return [(None if step is None else int(step), float(value)) for _, step, value in distinct]


def _info(
    experiment: Any, *, params: Mapping[str, str], metrics: Mapping[str, float], others: Mapping[str, str]
) -> RunInfo:
    return RunInfo(
        id=str(experiment.key),
        name=experiment.name,
        status=_status(experiment, others.get(STATUS)),
        started_ms=int(experiment.start_server_timestamp or 0),
        params={k: v for k, v in params.items() if k not in PARAMS_OF_COMET},
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
