"""What all families of one training session share, and how it is made from config and splits."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa

from mltrain.budget import Budget
from mltrain.candidate import CalibrationSplit, Recipe
from mltrain.config import Config
from mltrain.data.conforming import conform
from mltrain.data.splits import SplitRecord, read_rows
from mltrain.data.target import encode_target
from mltrain.development import (
    Development,
    EncodedView,
    develop,
    encoded_view,
    shape_of,
    with_selected_features,
)
from mltrain.events import Listener, StageFinished, StageStarted
from mltrain.models import Fold, ModelFamily, Objective, ViewKind
from mltrain.plan import comparison_metric
from mltrain.provenance import Provenance
from mltrain.search import Executor, SearchJob
from mltrain.tracking.session import TrackedSession
from mltrain.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainRequest:
    """What the command line may ask of one `train`.

    Attributes
    ----------
    models : tuple of str
        Names of families or ``ensemble``; empty means those of the config.
    max_trials : int, optional
        Trials per model in all, resumed ones included; given alone, no clock runs.
    timeout_s : float, optional
        Seconds per model.
    budget_s : float, optional
        Seconds from process start to the last model saved.
    fresh : bool
        Start the studies anew.
    started_at : float, optional
        `time.monotonic` value at process start; now, when not given.
    """

    models: tuple[str, ...] = ()
    max_trials: int | None = None
    timeout_s: float | None = None
    budget_s: float | None = None
    fresh: bool = False
    started_at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What all families of one session share."""

    config: Config
    workspace: Workspace
    request: TrainRequest
    budget: Budget
    split: SplitRecord
    rows: Development
    recipe: Recipe
    executor: Executor
    tracked: TrackedSession
    provenance: Provenance
    listener: Listener
    views: dict[ViewKind, EncodedView] = field(default_factory=dict)

    def view(self, kind: ViewKind) -> EncodedView:
        """Return an encoded view of the development rows, made once."""
        if kind not in self.views:
            self.views[kind] = encoded_view(self.rows, kind, self.config.preprocessing)
        return self.views[kind]

    def free_views(self, families: list[ModelFamily]) -> None:
        """Forget the views that none of the families still to come wants."""
        for kind in set(self.views) - {family.view for family in families}:
            del self.views[kind]

    def job(self, name: str, family: ModelFamily, *, max_trials: int | None) -> SearchJob:
        """Return what the search engine needs to tune one family."""
        encoded, settings = self.view(family.view), self.config.models.get(name)
        n_classes = self.rows.schema.target.n_classes
        shape = shape_of(encoded.view, n_classes)
        searched = {k: v.dimension() for k, v in settings.search_space.items()} if settings else {}
        everything = Fold(train=np.arange(len(self.rows.y)), valid=np.empty(0, dtype=np.intp))
        *folds, final = with_selected_features(
            encoded.view,
            self.rows.y,
            folds=(*self.rows.folds, everything),
            keep=self.config.preprocessing.select_features,
            n_classes=n_classes,
            seed=self.config.seed,
        )
        return SearchJob(
            name=name,
            family=family,
            view=encoded.view,
            y=self.rows.y,
            weights=self.rows.weights,
            folds=tuple(folds),
            final_features=final.features,
            objective=Objective(n_classes=n_classes, device=self.config.train.device),
            metric=self.recipe.metric,
            space={**family.space(shape), **searched},
            first_trials=tuple(family.first_trials(shape)),
            fixed=dict(settings.params) if settings else {},
            seed=self.config.seed,
            max_trials=max_trials,
            lag=self.config.train.trial_lag,
            data_key=study_data_key(self.split, self.config),
        )


def study_data_key(split: SplitRecord, config: Config) -> str:
    """Return a digest of what a study's scores depend on besides its own settings: rows, encoding and weights."""
    parts = (
        split.fingerprint,
        config.preprocessing.model_dump_json(),
        config.train.class_weight,
        config.train.device,
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def budget_for(config: Config, request: TrainRequest, started_at: float) -> Budget:
    """Return the clock: the config's limit per model, or the command line's; none when only trials are limited."""
    family_s: float | None = config.train.model_opt_timeout_secs
    if request.timeout_s is not None:
        family_s = request.timeout_s
    elif request.max_trials is not None:
        family_s = None
    return Budget(started_at=started_at, total_s=request.budget_s, family_s=family_s)


def development_rows(config: Config, workspace: Workspace, split: SplitRecord, *, listener: Listener) -> Development:
    """Read the train and validation splits."""
    started = time.monotonic()
    listener(StageStarted(stage="data", detail=f"{workspace.data}"))
    rows = develop(
        read_split(workspace, split, "train"),
        read_split(workspace, split, "validation"),
        schema=split.schema,
        settings=config.train,
        split=config.split,
        seed=config.seed,
    )
    n_features = len(rows.schema.features)
    detail = f"{len(rows.y):,} rows, {n_features} columns"
    listener(StageFinished(stage="data", seconds=time.monotonic() - started, detail=detail))
    return rows


def recipe_for(config: Config, workspace: Workspace, split: SplitRecord, *, rows: Development) -> Recipe:
    """Return how candidates of this session are fitted, calibrated and thresholded."""
    final_fit: Literal["refit", "bag"] = "bag" if rows.validation == "kfold" else "refit"
    if config.train.final_fit != "auto":
        final_fit = config.train.final_fit
    return Recipe(
        schema=split.schema,
        metric=comparison_metric(config.train, split.schema.target.n_classes),
        final_fit=final_fit,
        calibration=config.train.calibration,
        seed=config.seed,
        calibration_split=_calibration_split(workspace, split),
    )


def read_split(
    workspace: Workspace, split: SplitRecord, name: Literal["train", "validation", "calibration"]
) -> pa.Table:
    """Read one split that training may see, its hash checked."""
    return read_rows(workspace.split(name), expected_sha256=split.splits[name].sha256)


def _calibration_split(workspace: Workspace, split: SplitRecord) -> CalibrationSplit | None:
    if "calibration" not in split.splits:
        return None
    table = read_split(workspace, split, "calibration")
    target = split.schema.target
    return CalibrationSplit(
        table=conform(table, split.schema, origin="the calibration split"),
        y=encode_target(target, table[target.name]),
    )
