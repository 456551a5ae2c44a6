"""What one family's search is asked to do, and the key that tells two such questions apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from mltrain import metrics
from mltrain.metrics import Metric
from mltrain.models import Fold, ModelFamily, Objective, View
from mltrain.space import Params, Space
from mltrain.voting import VOTERS_PER_FAMILY

RULES = 11
"""Raised when the same parameters and seed make another trial than before, so that old journals are not continued."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchJob:
    """One family's search.

    Attributes
    ----------
    name : str
        Registered name of the family; it seeds the sequence and names the journal.
    y : ndarray of shape (n_samples,), int64
        Class codes.
    weights : ndarray of shape (n_samples,), optional
        Weights of rows while fitting.
    folds : tuple of Fold
        One for a holdout; scores are pooled over the rows of all ``valid`` parts.
    space : Space
        What is searched; entries that ``fixed`` names are left out.
    first_trials : tuple of Params
        Tried first, in order. Values outside the space are moved into it; a name that is left out takes the
        family's default (`mltrain.models.traits`) or else the middle of its range; a name that the space does not have
        is handed to the family as it is.
    fixed : Params
        Handed to every fit; wins over everything else.
    max_trials : int, optional
        Trials in all, those resumed from a journal included; None: until the deadline; 0: take all that the
        journal holds and try nothing.
    lag : int
        Trial i is proposed knowing the results of trials up to i - lag; also the most trials in flight.
    data_key : str
        Fingerprint of the rows and of how they were encoded.
    final_features : ndarray of int, optional
        Positions of the features that a fit on all rows learns from; None means all.
    n_voters : int
        So many best trials may vote, see `contenders`; their fold models stay in memory.
    sharpens : bool
        Whether predictions are scored as sure of themselves as they may be: what is kept will be calibrated, and the
        metric sees the difference.
    """

    name: str
    family: ModelFamily
    view: View
    y: NDArray[np.int64]
    folds: tuple[Fold, ...]
    objective: Objective
    metric: Metric
    space: Space
    first_trials: tuple[Params, ...]
    seed: int
    data_key: str
    weights: NDArray[np.float64] | None = None
    fixed: Params
    max_trials: int | None = None
    lag: int = 8
    final_features: NDArray[np.intp] | None = None
    n_voters: int = VOTERS_PER_FAMILY
    sharpens: bool = False

    @property
    def valid_rows(self) -> NDArray[np.intp]:
        """Positions of the validation rows of all folds, in the order of a trial's predictions."""
        return np.concatenate([fold.valid for fold in self.folds])


def study_key(job: SearchJob) -> str:
    """Return a text that differs when the sequence of trials or their scores would.

    Parameters
    ----------
    job : SearchJob
        ``max_trials`` and ``n_voters`` do not count: they say how far to go, not where.

    Returns
    -------
    str
        24 hexadecimal digits.
    """
    settings = {
        "rules": RULES,
        "data": job.data_key,
        "family": job.name,
        "view": [job.view.kind, *job.view.feature_names],
        "space": [[name, type(dimension).__name__, asdict(dimension)] for name, dimension in job.space.items()],
        "first_trials": [list(params.items()) for params in job.first_trials],
        "fixed": sorted(job.fixed.items()),
        "objective": asdict(job.objective),
        "metric": [job.metric.name, _answer_of(job.metric, job.objective.n_classes)],
        "seed": job.seed,
        "lag": job.lag,
        "sharpens": job.sharpens,
    }
    digest = hashlib.sha256(json.dumps(settings, default=repr).encode())
    for array in _arrays(job):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:24]


def _answer_of(metric: Metric, n_classes: int) -> str:
    """Return the metric's score of fixed predictions: it differs where settings such as beta do."""
    random = np.random.default_rng(0)
    proba = random.dirichlet(np.ones(n_classes), size=20 * n_classes)
    y = np.arange(20 * n_classes, dtype=np.int64) % n_classes
    return repr(float(metrics.score(metric, y, proba)))


def _arrays(job: SearchJob) -> Iterator[NDArray[np.generic]]:
    """Yield the target, the weights and the positions of the folds."""
    nothing = np.empty(0)
    yield job.y
    yield nothing if job.weights is None else job.weights
    for fold in job.folds:
        yield fold.train
        yield fold.valid
        yield nothing if fold.features is None else fold.features
