from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss

from mltrain.calibration import fit_sharpness, sharpen
from mltrain.metrics import LOG_LOSS, ROC_AUC
from mltrain.models import Fitted, Fold, Objective, View
from mltrain.search import SearchJob, as_scored, out_of_fold, score_of, score_of_fold


@pytest.fixture
def blunt() -> tuple[SearchJob, np.ndarray]:
    """Return a job of two folds and predictions for its rows that are half as sure as they should be."""
    rng = np.random.default_rng(0)
    odds = rng.normal(size=400) * 3
    y = (rng.random(400) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    positive = 1 / (1 + np.exp(-odds / 2))
    rows = np.arange(400)
    folds = (Fold(train=rows[200:], valid=rows[:200]), Fold(train=rows[:200], valid=rows[200:]))
    view = View(kind="native", X=odds[:, None].astype(np.float32), feature_names=("x",))
    job = SearchJob(
        name="toy",
        family=None,
        view=view,
        y=y,
        folds=folds,
        objective=Objective(n_classes=2),
        metric=LOG_LOSS,
        space={},
        first_trials=(),
        fixed={},
        seed=0,
        data_key="rows",
        sharpens=True,
    )
    return job, np.column_stack([1 - positive, positive])


def test_predictions_are_scored_as_sure_as_other_folds_say_they_may_be(blunt) -> None:
    job, proba = blunt
    first, second = slice(0, 200), slice(200, 400)

    scored = as_scored(job, proba)

    np.testing.assert_array_equal(scored[first], sharpen(proba[first], fit_sharpness(proba[second], job.y[second])))
    np.testing.assert_array_equal(scored[second], sharpen(proba[second], fit_sharpness(proba[first], job.y[first])))
    assert score_of(job, proba) == pytest.approx(log_loss(job.y, scored[:, 1]))
    assert score_of(job, proba) < log_loss(job.y, proba[:, 1]) - 0.01


def test_without_calibration_they_are_scored_as_they_are(blunt) -> None:
    job, proba = blunt
    plain = replace(job, sharpens=False)

    assert as_scored(plain, proba) is proba
    assert score_of(plain, proba) == pytest.approx(log_loss(job.y, proba[:, 1]))
    assert score_of_fold(LOG_LOSS, job.y, proba, sharpens=False) == score_of(plain, proba)


def test_a_holdout_is_sharpened_in_five_parts(blunt) -> None:
    job, proba = blunt
    holdout = replace(job, folds=(Fold(train=np.arange(0), valid=np.arange(400)),))

    scored = as_scored(holdout, proba)

    rest = np.arange(400) % 5 != 2
    taught = fit_sharpness(proba[rest], job.y[rest])
    np.testing.assert_array_equal(scored[~rest], sharpen(proba[~rest], taught))


def test_a_fold_is_scored_by_its_own_sureness(blunt) -> None:
    job, proba = blunt
    own = sharpen(proba, fit_sharpness(proba, job.y))

    assert score_of_fold(LOG_LOSS, job.y, proba, sharpens=True) == pytest.approx(log_loss(job.y, own[:, 1]))
    assert np.isnan(score_of_fold(ROC_AUC, np.zeros(400, dtype=np.int64), proba, sharpens=False))


def _fitted(sharpness: float, proba: np.ndarray) -> Fitted:
    return Fitted(model=None, n_rounds=1, valid_proba=proba, sharpness=sharpness)


def test_of_two_classes_each_fold_is_as_sharp_as_its_own_rows_bear_out():
    proba = np.array([[0.2, 0.8], [0.6, 0.4]])

    pooled = out_of_fold([_fitted(0.5, proba), _fitted(2.0, proba)])

    np.testing.assert_array_equal(pooled, np.concatenate([sharpen(proba, 0.5), sharpen(proba, 2.0)]))


def test_of_several_classes_the_other_folds_tell_how_sharp_a_fold_is():
    proba = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])

    pooled = out_of_fold([_fitted(0.5, proba), _fitted(2.0, proba), _fitted(8.0, proba)])

    np.testing.assert_allclose(pooled, np.concatenate([sharpen(proba, s) for s in (4.0, 2.0, 1.0)]), rtol=1e-12)
    np.testing.assert_array_equal(out_of_fold([_fitted(2.0, proba)]), sharpen(proba, 2.0))
