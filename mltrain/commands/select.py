"""`mltrain.select`: the best recent run of a project, for those who have no config at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from mltrain import metrics
from mltrain.config import Config
from mltrain.config.loading import from_mapping
from mltrain.errors import DataError, NoRunError
from mltrain.leaderboard import LeftOut, Standing, Wanted, comparable, is_complete, rank, simplicity_of
from mltrain.record import read_run
from mltrain.tracking.session import LOCAL
from mltrain.tracking.standings import Standings, list_standings, open_trackers
from mltrain.tracking.sync_state import read_state
from mltrain.workspace import Workspace

_OTHER_PROJECT = "of another project, or of none that its record says"


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The best of the runs that can be compared.

    Attributes
    ----------
    model : str
        Name of the model, such as ``lgbm`` or ``ensemble``.
    run_id : str
        Name of its folder below ``runs/``, where it was trained.
    key : str, optional
        What the tracker calls the run; None where the run has not got there.
    score : float
        Validation score.
    tracker : str
        Who answered, with its mode: ``comet_ml (offline: no key)``.
    ranking : tuple of Standing
        All runs it was compared with, itself the first.
    """

    model: str
    run_id: str
    key: str | None
    score: float
    metric: str
    tracker: str
    url: str | None
    ranking: tuple[Standing, ...]
    warnings: tuple[str, ...] = ()


def select(  # noqa: PLR0913 - what a config would say
    project: str,
    workspace: str | None = None,
    metric: str | None = None,
    *,
    tracker: str = "comet_ml",
    tracker_options: Mapping[str, str | int | float | bool | None] | None = None,
    directory: str | PathLike[str] = ".",
    tags: Mapping[str, str] | None = None,
    max_eval_experiments: int = 50,
) -> Selection:
    """Return the best recent run that the tracker or the local records know.

    Runs are compared as `evaluate` does, when data, target, metric and validation are equal. Without a config nobody
    says which these are: they are those of the latest run that ended with a model.

    Parameters
    ----------
    project, workspace : str
        Project (experiment) and workspace in the tracker. Local records count when they are of this project.
    metric : str, optional
        Only runs that were compared by it; the latest of them says the rest.
    tracker, tracker_options : str and mapping, optional
        As ``train.experiment_tracker`` and ``train.tracker_options``.
    directory : path
        Where ``runs/`` is. It need not be there.
    tags, max_eval_experiments : mapping and int, optional
        As in the config's evaluate section: tags that runs must carry, and how many recent ones are looked at.

    Raises
    ------
    mltrain.errors.NoRunError
        No run has ended with a model; says why each was left out.
    mltrain.errors.UsageError
        Nobody provides the tracker or the metric, or a setting is wrong.
    """
    train = {"project_name": project, "workspace_name": workspace, "comparison_metric": metric}
    at = {"experiment_tracker": tracker, "tracker_options": dict(tracker_options or {})}
    asked = {"tags": dict(tags or {}), "max_eval_experiments": max_eval_experiments}
    config = from_mapping({"train": {**train, **at}, "evaluate": asked}, require_data=False)
    local = Workspace(root=Path(directory))
    with open_trackers(config.train, local) as trackers:
        found = list_standings(trackers, run=None, limit=max_eval_experiments, tags=config.evaluate.tags)
    return _best(found, config, local)


def _best(found: Standings, config: Config, local: Workspace) -> Selection:
    """Return the best run of the group that the latest complete one is in."""
    project, metric = config.train.project_name, config.train.comparison_metric
    ours = [one for one in found.standings if one.source == "tracker" or _project(local, one) == project]
    able = [one for one in ours if is_complete(one) and metric in (None, one.metric)]
    if not able:
        raise _no_run(found, ours, config)
    # By when it began: a run may have been sent to the tracker much later.
    latest = max(able, key=lambda one: one.started_ms)
    wanted = Wanted(data=latest.data, target=latest.target, metric=latest.metric, validation=latest.validation)
    kept, _ = comparable(ours, wanted)
    # Which way a metric points does not depend on how many classes there are.
    direction = metrics.resolve(latest.metric, n_classes=2)
    ranking = rank(kept, direction, near_tie=config.evaluate.near_tie, simplicity=simplicity_of)
    best = ranking[0]
    assert best.validation_score is not None  # `comparable` keeps no other
    return Selection(
        model=best.model,
        run_id=best.run_id,
        key=_key(local, best, tracker=config.train.experiment_tracker),
        score=best.validation_score,
        metric=best.metric,
        tracker=found.answered,
        url=best.url,
        ranking=ranking,
        warnings=found.warnings,
    )


def _project(local: Workspace, one: Standing) -> str | None:
    """Return the project of a local run, None where its record does not say."""
    try:
        train = read_run(local.run(one.run_id)).config.get("train", {})
    except (NoRunError, DataError):
        return None
    name = train.get("project_name")
    return None if name is None else str(name)


def _key(local: Workspace, best: Standing, *, tracker: str) -> str | None:
    """Return what the tracker calls a run; the local record knows it also when the tracker does not answer."""
    if best.source == "tracker" or tracker == LOCAL:
        return best.tracker_id
    state = read_state(local.run(best.run_id))
    return state.remote_id if state is not None and state.tracker == tracker else None


def _no_run(found: Standings, ours: Sequence[Standing], config: Config) -> NoRunError:
    """Say which runs there were and why none serves."""
    metric = config.train.comparison_metric
    reasons = [LeftOut(reason=_OTHER_PROJECT, n_runs=len(found.standings) - len(ours))]
    reasons += [LeftOut(reason="without an end, a score or a model", n_runs=sum(not is_complete(one) for one in ours))]
    others = sum(is_complete(one) and one.metric != metric for one in ours)
    reasons += [LeftOut(reason=f"compared by another metric than {metric}", n_runs=others)]
    told = "; ".join(f"{one.n_runs} {one.reason}" for one in reasons if one.n_runs)
    return NoRunError(
        f"no run of project {config.train.project_name!r} to select ({f'left out: {told}' if told else 'none found'})",
        where=found.answered,
        hint="`mltrain train` makes some; name the folder that holds runs/ with directory=",
    )
