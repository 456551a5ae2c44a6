"""What the searches of one training session are asked to do: its rows, its recipe, encoded views, one job a family.

`train` makes it from the config and the splits of today, `reproduce` from those that a run recorded. It knows nothing
of trackers, clocks and runs, and never sees the test rows.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np
import pyarrow as pa

from mltrain.candidate import CalibrationSplit, Recipe
from mltrain.config import Config, ModelSection
from mltrain.data import Schema
from mltrain.data.conforming import conform
from mltrain.data.splits import SplitRecord, read_rows
from mltrain.data.target import encode_target
from mltrain.development import (
    Development,
    EncodedView,
    develop,
    encoded_view,
    with_selected_features,
)
from mltrain.drift import Profile, fit_profile
from mltrain.events import Listener, Notice, StageFinished, StageStarted, ignore
from mltrain.memory import give_back
from mltrain.models import Fold, ModelFamily, Objective, ViewKind
from mltrain.models.bins import with_few_bins
from mltrain.models.parameters import own_names
from mltrain.models.shape import rarest_share
from mltrain.models.traits import traits_of
from mltrain.plan import comparison_metric
from mltrain.search import SearchJob
from mltrain.seen_rows import SeenRows, hash_names, hash_rows, note_seen
from mltrain.sizing import columns_to_read
from mltrain.workspace import Workspace

SeenSplit = Literal["train", "validation", "calibration"]
SEEN: tuple[SeenSplit, ...] = ("train", "validation", "calibration")

# From so many cells on, families are prepared, searched and let go of one after the other.
_LARGE_CELLS = 15_000_000
_ROWS_AT_HAND = 1_000
# A fifth more rows is worth more than what folds differ by, up to about so many, or so many of the rarer one of two
# classes (docs/explanation/performance.md).
_FEW_ROWS, _FEW_OF_A_CLASS = 2_000, 150
# A calibration curve and a threshold are known from so many; every candidate predicts them at the end, on the clock.
_MOST_CALIBRATION_ROWS = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What all families of one session learn from and how their candidates are made.

    Attributes
    ----------
    fingerprint : str
        Of the rows; empty where nothing of their search is kept on disk.
    profile : Profile, optional
        What the features of these rows look like; kept with every model that is saved.
    seen_rows : SeenRows, optional
        Which rows these and those of calibration are; kept with every model that is saved.
    read_table : callable, optional
        Reads the development rows again, once a view; where given, ``rows.table`` holds the first thousand alone, since
        the table is as large as a view and nobody needs it while models are fitted.
    views, chosen : dict of ViewKind to EncodedView and to folds
        What was made so far, see `view` and `folds`; both go with `free_views`.
    """

    config: Config
    rows: Development
    recipe: Recipe
    fingerprint: str = ""
    profile: Profile | None = None
    seen_rows: SeenRows | None = None
    views: dict[ViewKind, EncodedView] = field(default_factory=dict)
    chosen: dict[ViewKind, tuple[Fold, ...]] = field(default_factory=dict)
    read_table: Callable[[], pa.Table] | None = None

    @property
    def is_large(self) -> bool:
        """Whether the data is so large that one family is prepared at a time."""
        return is_large(self.rows.schema, len(self.rows.y))

    def view(self, kind: ViewKind) -> EncodedView:
        """Return an encoded view of the development rows, made once."""
        if kind not in self.views:
            rows = self.rows if self.read_table is None else replace(self.rows, table=self.read_table())
            self.views[kind] = encoded_view(rows, kind, self.config.preprocessing)
            if self.read_table is not None:
                # Arrow keeps what the table took, which is as much as the view.
                del rows
                give_back()
        return self.views[kind]

    def folds(self, kind: ViewKind) -> tuple[Fold, ...]:
        """Return the folds, and one of all rows behind them, with the features of a view that matter on each.

        They are chosen once: boosters share a view.
        """
        if kind not in self.chosen:
            everything = Fold(train=np.arange(len(self.rows.y)), valid=np.empty(0, dtype=np.intp))
            self.chosen[kind] = with_selected_features(
                self.view(kind).view,
                self.rows.y,
                folds=(*self.rows.folds, everything),
                keep=self.config.preprocessing.select_features,
                n_classes=self.rows.schema.target.n_classes,
                seed=self.config.seed,
            )
        return self.chosen[kind]

    def groups(self, families: Mapping[str, ModelFamily]) -> list[dict[str, ModelFamily]]:
        """Return the families that are searched together: all of them, or, on large data, one after the other.

        Those of one view follow each other, the boosters last: they make most of time that others leave over.
        """
        if not self.is_large:
            return [dict(families)]
        ordered = sorted(families, key=lambda name: (families[name].view == "native", families[name].view))
        return [{name: families[name]} for name in ordered]

    def free_views(self, families: Iterable[ModelFamily]) -> None:
        """Forget the views that none of the families still to come wants."""
        for kind in set(self.views) - {family.view for family in families}:
            del self.views[kind]
            self.chosen.pop(kind, None)

    def job(self, name: str, family: ModelFamily, *, max_trials: int | None) -> SearchJob:
        """Return what the search engine needs to tune one family."""
        encoded, settings = self.view(family.view), self.config.models.get(name, ModelSection())
        traits = traits_of(family)
        n_classes = self.rows.schema.target.n_classes
        shape = encoded.view.describe(n_classes=n_classes, rarest=rarest_share(self.rows.y))
        asked = {parameter: entry.dimension() for parameter, entry in settings.search_space.items()}
        searched = with_few_bins(own_names(asked, traits.synonyms), traits.binning)
        *folds, final = self.folds(family.view)
        return SearchJob(
            name=name,
            family=family,
            view=encoded.view,
            y=self.rows.y,
            weights=self.rows.weights,
            folds=tuple(folds),
            final_features=final.features,
            objective=Objective(n_classes=n_classes, device=self.config.train.device, seed=self.config.seed),
            metric=self.recipe.metric,
            space={**family.space(shape), **searched},
            first_trials=tuple(family.first_trials(shape)),
            fixed=own_names(settings.params, traits.synonyms),
            seed=self.config.seed,
            max_trials=max_trials,
            sharpens=self.recipe.sharpens,
            lag=self.config.train.trial_lag,
            data_key=study_data_key(self.fingerprint, self.config),
        )


def read_material(
    config: Config, workspace: Workspace, split: SplitRecord, *, listener: Listener, is_lean: bool = False
) -> Material:
    """Read the splits that training may see and decide how candidates are validated, fitted and calibrated.

    Parameters
    ----------
    is_lean : bool
        Let go of the table of large data and read it again for each view.
    """
    rows = development_rows(config, workspace, split, listener=listener)
    recipe = recipe_for(config, rows, calibration_split=_calibration_split(workspace, split, seed=config.seed))
    profile = fit_profile(rows.table, rows.schema)
    seen = _seen_rows(config, workspace, split, rows=rows, recipe=recipe)
    material = partial(
        Material, config=config, fingerprint=split.fingerprint, recipe=recipe, profile=profile, seen_rows=seen
    )
    if not (is_lean and is_large(rows.schema, len(rows.y))):
        return material(rows=rows)
    # Taken, not sliced: a slice would hold on to the whole.
    few = replace(rows, table=rows.table.take(np.arange(min(_ROWS_AT_HAND, len(rows.y)))))
    del rows
    give_back()
    return material(rows=few, read_table=lambda: development_rows(config, workspace, split, listener=ignore).table)


def _seen_rows(
    config: Config, workspace: Workspace, split: SplitRecord, *, rows: Development, recipe: Recipe
) -> SeenRows:
    """Return the record of the rows of train, validation and calibration."""
    key, calibration = config.split.key_column, recipe.calibration_split
    if key is None:
        hashes = [hash_rows(rows.table, rows.y)]
        hashes += [] if calibration is None else [hash_rows(calibration.table, calibration.y)]
    else:
        hashes = [
            hash_names(read_split(workspace, split, name, columns=[key])[key]) for name in SEEN if name in split.splits
        ]
    return note_seen(np.concatenate(hashes), key=key)


def is_large(schema: Schema, n_rows: int) -> bool:
    """Say whether a table is so large that one family is prepared at a time."""
    return n_rows * len(schema.features) >= _LARGE_CELLS


def study_data_key(fingerprint: str, config: Config) -> str:
    """Return a digest of what a study's scores depend on besides its own settings: rows, encoding and weights."""
    parts = (
        fingerprint,
        config.preprocessing.model_dump_json(),
        config.train.class_weight,
        config.train.device,
        *([] if config.data.weight_column is None else [config.data.weight_column]),
        *([] if config.train.search_rows is None else [f"{config.train.search_rows}"]),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def development_rows(config: Config, workspace: Workspace, split: SplitRecord, *, listener: Listener) -> Development:
    """Read the train and validation splits."""
    started = time.monotonic()
    listener(StageStarted(stage="data", detail=f"{workspace.data}"))
    rows = develop(
        *(
            read_split(workspace, split, name, columns=columns_to_read(split.schema, config.data.weight_column))
            for name in ("train", "validation")
        ),
        schema=split.schema,
        settings=config.train,
        split=config.split,
        seed=config.seed,
        weight_column=config.data.weight_column,
    )
    for note in rows.notes:
        listener(Notice(message=note))
    n_features = len(rows.schema.features)
    detail = f"{len(rows.y):,} rows, {n_features} columns"
    listener(StageFinished(stage="data", seconds=time.monotonic() - started, detail=detail))
    return rows


def recipe_for(config: Config, rows: Development, *, calibration_split: CalibrationSplit | None = None) -> Recipe:
    """Return how candidates of this session are fitted, calibrated and thresholded."""
    # Models of folds that learnt from a sample are no final fit on all rows, as is promised.
    keeps_folds = rows.validation == "kfold" and not rows.is_thinned
    final_fit: Literal["refit", "bag"] = "bag" if keeps_folds else "refit"
    if config.train.final_fit != "auto":
        final_fit = config.train.final_fit
    return Recipe(
        schema=rows.schema,
        metric=comparison_metric(config.train, rows.schema.target.n_classes),
        final_fit=final_fit,
        calibration=config.train.calibration,
        seed=config.seed,
        calibration_split=calibration_split,
        refits_voters=config.train.final_fit == "auto" and final_fit == "bag" and _are_few(rows),
    )


def _are_few(rows: Development) -> bool:
    """Say whether no row can be spared; of large data voters are left without the rows for another fit."""
    counts = np.bincount(rows.y)
    has_rare_class = len(counts) == 2 and counts.min() <= _FEW_OF_A_CLASS
    return not is_large(rows.schema, len(rows.y)) and (len(rows.y) <= _FEW_ROWS or has_rare_class)


def read_split(
    workspace: Workspace,
    split: SplitRecord,
    name: SeenSplit,
    *,
    columns: Sequence[str],
) -> pa.Table:
    """Read some columns of one split that training may see, its hash checked."""
    return read_rows(workspace.split(name), expected_sha256=split.splits[name].sha256, columns=columns)


def _calibration_split(workspace: Workspace, split: SplitRecord, *, seed: int) -> CalibrationSplit | None:
    if "calibration" not in split.splits:
        return None
    table = read_split(workspace, split, "calibration", columns=columns_to_read(split.schema))
    if table.num_rows > _MOST_CALIBRATION_ROWS:
        rng = np.random.default_rng(seed)
        table = table.take(np.sort(rng.choice(table.num_rows, _MOST_CALIBRATION_ROWS, replace=False)))
    target = split.schema.target
    return CalibrationSplit(
        table=conform(table, split.schema, origin="the calibration split"),
        y=encode_target(target, table[target.name]),
    )
