"""A fitted classifier: encoded views, weighted members, a calibrator and a threshold.

One class serves single models, averages of fold models and voting ensembles alike; it knows nothing of how its members
were found or where they are kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags

from mltrain import plugins
from mltrain.calibration import Calibrator, calibrate, sharpen
from mltrain.data import Schema
from mltrain.data.conforming import conform
from mltrain.data.frames import array_frame, frame_table
from mltrain.errors import SchemaError
from mltrain.models import ModelFamily, Proba, ViewKind
from mltrain.preprocessing import Encoder, encode
from mltrain.threshold import decide


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One fitted model of a family and its share of the vote.

    Attributes
    ----------
    features : ndarray of int, optional
        Positions of the encoded features it was fitted on; None means all.
    sharpness : float
        What its log probabilities are multiplied by before the vote: what suits its fold (on all rows: the folds' mean,
        see `mltrain.models.Fitted`) times what suits its trial in a vote (`mltrain.calibration.fit_sharpness`).
    """

    family: str
    weight: float
    fitted: Any
    features: NDArray[np.intp] | None = None
    sharpness: float = 1.0


class Model(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Weighted soft vote over members, calibrated; a fitted scikit-learn classifier.

    Parameters
    ----------
    schema : Schema
        Columns and target that it was trained on.
    encoders : mapping of view kind to Encoder
        One for each view that a member wants.
    members : tuple of Member
        Weights are positive and sum to 1.
    calibrator : Calibrator, optional
        Applied to the vote.
    threshold : float, optional
        For two classes: the positive class is predicted at or above this probability; None means 0.5.
    name : str
        Name of the candidate, such as ``lgbm`` or ``ensemble``.
    """

    def __init__(
        self,
        schema: Schema,
        encoders: Mapping[ViewKind, Encoder],
        *,
        members: tuple[Member, ...],
        calibrator: Calibrator | None = None,
        threshold: float | None = None,
        name: str = "model",
    ) -> None:
        self.schema = schema
        self.encoders = encoders
        self.members = members
        self.calibrator = calibrator
        self.threshold = threshold
        self.name = name

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels in sorted order, the order of the columns of `predict_proba`."""
        return np.array(sorted(self.schema.target.classes))

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of the source columns that it learns from, in order."""
        return np.array([c.name for c in self.schema.features], dtype=object)

    @property
    def n_features_in_(self) -> int:
        """Number of source columns that it learns from."""
        return len(self.schema.features)

    def __sklearn_tags__(self) -> Tags:
        """Say to scikit-learn what X may hold."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: object, y: object = None) -> Model:
        """Return self: the model is frozen, as `sklearn.frozen.FrozenEstimator` is; `mltrain train` makes a new one."""
        del X, y
        return self

    def proba(self, table: pa.Table, *, threads: int | None = None) -> Proba:
        """Return calibrated probabilities in the order of the class codes.

        Parameters
        ----------
        table : pyarrow.Table of n_samples rows
            Has at least the columns of the schema; more are ignored.
        threads : int, optional
            Threads to use; by default all that this process may use.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)

        Raises
        ------
        mltrain.errors.SchemaError
            A column is missing or a value cannot be read as its type.
        """
        return self.conformed_proba(conform(table, self.schema, origin="the table"), threads=threads)

    def conformed_proba(self, conformed: pa.Table, *, threads: int | None = None) -> Proba:
        """Return calibrated probabilities for a table that `conform` returned, which need not be done twice."""
        vote = self.raw_proba(conformed, threads=threads)
        return vote if self.calibrator is None else calibrate(self.calibrator, vote)

    def raw_proba(self, conformed: pa.Table, *, threads: int | None = None) -> Proba:
        """Return the members' weighted vote before calibration, for a table that `conform` returned."""
        threads = threads or available_cores()
        vote = np.zeros((conformed.num_rows, self.schema.target.n_classes))
        for kind, encoder in self.encoders.items():
            voters = [m for m in self.members if _family(m).view == kind]
            if voters and conformed.num_rows:
                X = encode(encoder, conformed).X
                for member, proba in zip(voters, _predictions(voters, X, threads=threads), strict=True):
                    vote += member.weight * sharpen(proba, member.sharpness)
        return vote

    def predict_proba(self, X: pd.DataFrame | pa.Table) -> Proba:
        """Return probabilities of shape (n_samples, n_classes), columns in the order of `classes_`."""
        proba = self.proba(_as_table(X, self.feature_names_in_))
        return proba[:, _sorted_order(self.schema.target.classes)]

    def predict(self, X: pd.DataFrame | pa.Table) -> NDArray[Any]:
        """Return labels of shape (n_samples,)."""
        return self.labels(self.proba(_as_table(X, self.feature_names_in_)))

    def labels(self, proba: Proba) -> NDArray[Any]:
        """Return the labels decided from probabilities in code order, shape (n_samples,)."""
        return np.array(self.schema.target.classes)[decide(proba, self.threshold)]


def available_cores() -> int:
    """Return how many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _family(member: Member) -> ModelFamily:
    return cast("ModelFamily", plugins.load("models", member.family))


def _predictions(members: Sequence[Member], X: Any, *, threads: int) -> Iterator[Proba]:
    """Yield the members' predictions in their order; members at once need no threads that wait for each other."""
    n_at_once = min(len(members), threads)
    predict = partial(_predict, X=X, threads=threads // n_at_once)
    if n_at_once == 1:
        yield from map(predict, members)
        return
    with ThreadPoolExecutor(n_at_once, thread_name_prefix="mltrain-predict") as pool:
        yield from pool.map(predict, members)


def _predict(member: Member, *, X: Any, threads: int) -> Proba:
    chosen = X if member.features is None else X[:, member.features]
    return _family(member).predict_proba(member.fitted, chosen, threads=threads)


def _sorted_order(classes: tuple[Any, ...]) -> NDArray[np.intp]:
    return np.array(sorted(range(len(classes)), key=lambda code: classes[code]), dtype=np.intp)


def _as_table(X: object, names: NDArray[Any]) -> pa.Table:
    if isinstance(X, pa.Table):
        return X
    if not isinstance(X, pd.DataFrame):
        values = np.asarray(X)
        if values.ndim != 2 or values.shape[1] != len(names):
            raise SchemaError(
                f"X has shape {values.shape}; the model was trained on {len(names)} columns",
                hint="hand in a DataFrame or an Arrow table with the columns it was trained on",
            )
        X = array_frame(values, list(names))
    return frame_table(X)
