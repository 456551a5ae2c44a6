"""How far a rebuilt model is from the saved one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mltrain.calibration import calibrate
from mltrain.commands.reproduce.rebuilding import Rebuilt
from mltrain.development import Development
from mltrain.model import Model
from mltrain.models import Proba

MOST_ROWS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """Largest absolute differences between the saved model and the rebuilt one.

    Attributes
    ----------
    rows : int
        Development rows that both predicted, of ``n_rows``.
    raw, calibrated : float
        Of a probability, before and after calibration.
    score : float
        Of a validation score, over trials and folds.
    threshold : float
        Of the decision thresholds; infinite when only one of the two has one.
    """

    rows: int
    n_rows: int
    raw: float
    calibrated: float
    score: float
    threshold: float

    @property
    def largest(self) -> float:
        """The largest of all; NaN when one of them is."""
        return float(np.max([self.raw, self.calibrated, self.score, self.threshold]))


def differences(stored: Model, rebuilt: Rebuilt, *, rows: Development, seed: int) -> Differences:
    """Let both models predict the development rows, or 10,000 of them drawn by ``seed``."""
    drawn = _draw(len(rows.y), seed=seed)
    table = rows.table if len(drawn) == len(rows.y) else rows.table.take(drawn)
    then, now = stored.raw_proba(table), rebuilt.model.raw_proba(table)
    return Differences(
        rows=len(drawn),
        n_rows=len(rows.y),
        raw=_largest(then, now),
        calibrated=_largest(_calibrated(stored, then), _calibrated(rebuilt.model, now)),
        score=float(np.max([max(abs(p.score - p.recorded_score), p.fold_difference) for p in rebuilt.parts])),
        threshold=_apart(stored.threshold, rebuilt.model.threshold),
    )


def _draw(n_rows: int, *, seed: int) -> np.ndarray:
    """Return positions of rows, ascending."""
    if n_rows <= MOST_ROWS:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, size=MOST_ROWS, replace=False))


def _calibrated(model: Model, raw: Proba) -> Proba:
    return raw if model.calibrator is None else calibrate(model.calibrator, raw)


def _largest(then: Proba, now: Proba) -> float:
    return float(np.abs(then - now).max(initial=0.0))


def _apart(then: float | None, now: float | None) -> float:
    if then is None or now is None:
        return 0.0 if then is now else math.inf
    return abs(then - now)
