"""The rows that training may see: their folds, weights and encoded views. Never the test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltrain.config import PreprocessingSection, SplitSection, TrainSection
from mltrain.data import Schema
from mltrain.data.conforming import conform
from mltrain.data.target import encode_target
from mltrain.metrics import Metric
from mltrain.models import Fold, Shape, View, ViewKind
from mltrain.preprocessing import Encoder, encode, fit_encoder, select_features
from mltrain.splitting import make_folds

HOLDOUT_FROM_ROWS = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Development:
    """Train and validation rows together, in this order.

    Attributes
    ----------
    table : pyarrow.Table of n_samples rows, conformed to the schema
    y : ndarray of shape (n_samples,), class codes
    folds : tuple of Fold
        Parts of cross-validation, or the one holdout.
    weights : ndarray of shape (n_samples,), optional
    """

    schema: Schema
    table: pa.Table
    y: NDArray[np.int64]
    folds: tuple[Fold, ...]
    validation: Literal["kfold", "holdout"]
    weights: NDArray[np.float64] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedView:
    """A view of the development rows with the encoder that made it."""

    encoder: Encoder
    view: View


def develop(
    train: pa.Table,
    validation: pa.Table,
    *,
    schema: Schema,
    settings: TrainSection,
    split: SplitSection,
    seed: int,
) -> Development:
    """Join train and validation rows and decide how candidates are validated on them.

    Notes
    -----
    Below 20,000 training rows a holdout is too noisy to tell trials apart, so all development rows are cross-validated;
    above, the validation split serves as a holdout.
    """
    rows = pa.concat_tables([train, validation], promote_options="permissive")
    y = encode_target(schema.target, rows[schema.target.name])
    kind = validation_kind(settings, n_train=train.num_rows)
    if kind == "holdout":
        folds: tuple[Fold, ...] = (_holdout(train.num_rows, rows.num_rows),)
    else:
        folds = tuple(_k_folds(rows, y, n_folds=settings.n_folds, split=split, seed=seed))
    return Development(
        schema=schema,
        table=conform(rows, schema, origin="the train and validation splits"),
        y=y,
        folds=folds,
        validation=kind,
        weights=_balanced(y) if settings.class_weight == "balanced" else None,
    )


def validation_kind(settings: TrainSection, *, n_train: int) -> Literal["kfold", "holdout"]:
    """Return how candidates are validated when the train split has ``n_train`` rows."""
    if settings.validation == "auto":
        return "kfold" if n_train < HOLDOUT_FROM_ROWS else "holdout"
    return settings.validation


def validation_digest(metric: Metric, settings: TrainSection, *, n_train: int, seed: int) -> str:
    """Return a text that differs when two validation scores on the same data cannot be compared."""
    kind = validation_kind(settings, n_train=n_train)
    scheme = f"{kind} {settings.n_folds} {seed}" if kind == "kfold" else kind
    name = metric.name if metric.beta is None else f"{metric.name} beta={metric.beta:g}"
    return f"{name} {scheme}"


def encoded_view(rows: Development, kind: ViewKind, settings: PreprocessingSection) -> EncodedView:
    """Fit an encoder on the development rows and encode them."""
    encoder = fit_encoder(
        kind,
        rows.table,
        schema=rows.schema,
        min_variance=settings.min_variance,
        max_categories=settings.max_categories,
        date_parts=settings.date_parts,
    )
    return EncodedView(encoder=encoder, view=encode(encoder, rows.table))


def with_selected_features(
    view: View, y: NDArray[np.int64], *, folds: Sequence[Fold], keep: float | None, n_classes: int, seed: int
) -> tuple[Fold, ...]:
    """Return the folds with the features that matter on each fold's own training rows; all of them without ``keep``."""
    if keep is None or keep >= 1:
        return tuple(folds)
    return tuple(
        replace(fold, features=select_features(view, y, rows=fold.train, keep=keep, n_classes=n_classes, seed=seed))
        for fold in folds
    )


def shape_of(view: View, n_classes: int) -> Shape:
    """Return what a family may know of the data when it proposes its space."""
    return Shape(
        n_samples=view.n_samples,
        n_features=view.n_features,
        n_classes=n_classes,
        n_categorical=len(view.categorical),
    )


def _holdout(n_train: int, n_rows: int) -> Fold:
    return Fold(train=np.arange(n_train), valid=np.arange(n_train, n_rows))


def _k_folds(rows: pa.Table, y: NDArray[np.int64], *, n_folds: int, split: SplitSection, seed: int) -> Sequence[Fold]:
    pairs = make_folds(
        y,
        kind=split.kind,
        n_folds=n_folds,
        groups=rows[split.group_column] if split.group_column else None,
        times=rows[split.time_column] if split.time_column else None,
        seed=seed,
    )
    return [Fold(train=train, valid=valid) for train, valid in pairs]


def _balanced(y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return weights that give every class the same total, with mean 1."""
    counts = np.bincount(y)
    return len(y) / (np.count_nonzero(counts) * counts[y])
