"""What Comet's API says of an experiment, as records: text becomes numbers, Comet's own entries are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mltrain.tracking import RunInfo, RunStatus
from mltrain.tracking.comet.archives import METRICS_OF_COMET, OTHERS_OF_COMET, STATUS, TAG_PARAM, own_params
from mltrain.tracking.comet.environment import import_comet
from mltrain.tracking.names import as_text

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


def infos_of(
    api: Any, workspace: str, project: str, experiments: Sequence[Any], *, tags: Mapping[str, str]
) -> Iterator[RunInfo]:
    """Yield the runs with these tags, by one request for a hundred experiments and one for the project.

    Parameters
    ----------
    experiments : sequence of comet_ml.APIExperiment
        The newest first; later ones are asked for when they are needed.
    """
    if not experiments:
        return
    comet = import_comet()
    variables = api.get_query_variables(workspace, project)
    metrics = [v.name for v in variables if isinstance(v, comet.query.Metric)]
    params = [v.name for v in variables if isinstance(v, comet.query.Parameter)]
    for start in range(0, len(experiments), _CHART_SIZE):
        page = experiments[start : start + _CHART_SIZE]
        charts = api.get_metrics_for_chart([e.key for e in page], metrics or ["loss"], params) or {}
        for experiment in page:
            chart = charts.get(experiment.key, {})
            found = {k: as_text(v) for k, v in (chart.get("params") or {}).items()}
            others = {k.removeprefix(TAG_PARAM): v for k, v in found.items() if k.startswith(TAG_PARAM)}
            if all(others.get(name) == value for name, value in tags.items()):
                metrics_of_run = _last_values(chart.get("metrics") or [])
                yield _info(experiment, params=found, metrics=metrics_of_run, others=others)


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
