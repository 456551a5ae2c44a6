"""Losses of scores that are as sure of themselves as they may be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax
from sklearn.metrics import log_loss

from mltrain.models import Fold, Limits, Objective, sharp_loss
from mltrain.models.lightgbm import FAMILY as LIGHTGBM
from mltrain.models.sharp_loss import SharpLoss
from mltrain.models.xgboost import FAMILY as XGBOOST
from mltrain.search import fold_proba
from mltrain.testing.family_data import make_rows


def _two_classes(n: int = 600, *, slope: float = 0.4, seed: int = 0):
    """Return classes and scores that are too sure of themselves by ``1 / slope``."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=n) * 3 - 2
    return (rng.random(n) < expit(slope * scores)).astype(np.int64), scores


def _many_classes(n: int = 600, *, slope: float = 2.5, seed: int = 0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, 4))
    shares = np.exp(log_softmax(slope * scores, axis=1)).cumsum(axis=1)
    return (rng.random((n, 1)) > shares).sum(axis=1).clip(0, 3), scores


def _best(y, scores, weights=None):
    """Return the sharpness of least loss and the loss, by a method that knows no derivative."""

    def loss(sharpness):
        if scores.ndim == 1:
            return log_loss(y, expit(sharpness * scores), sample_weight=weights)
        return log_loss(y, np.exp(log_softmax(sharpness * scores, axis=1)), sample_weight=weights)

    found = minimize_scalar(loss, bounds=(1 / 8, 8), method="bounded", options={"xatol": 1e-6})
    return found.x, found.fun


@pytest.mark.parametrize("make", [_two_classes, _many_classes])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_the_least_that_one_sharpness_reaches(make, weighted):
    y, scores = make()
    weights = 0.1 + np.arange(y.size) % 7 if weighted else None
    wanted, least = _best(y, scores, weights)
    sharp = SharpLoss(y, weights=weights)

    losses = [sharp.after(scores) for _ in range(3)]

    assert losses[-1] == pytest.approx(least, abs=1e-7)
    assert sharp.sharpness == pytest.approx(wanted, rel=1e-3)


def test_it_starts_from_where_the_round_before_ended(monkeypatch):
    monkeypatch.setattr(sharp_loss, "_MOST_STEPS", 1)
    y, scores = _two_classes()
    sharp = SharpLoss(y)

    for n_round in range(1, 60):
        grown = scores * n_round / 30
        loss = sharp.after(grown)
        if n_round > 10:
            assert loss == pytest.approx(_best(y, grown)[1], abs=1e-5)


@pytest.mark.parametrize(("slope", "bound"), [(1000.0, 8.0), (-1.0, 1 / 8)])
def test_no_model_is_made_infinitely_sure_or_unsure(slope, bound):
    y, scores = _two_classes(slope=slope)
    sharp = SharpLoss(y)

    for _ in range(5):
        sharp.after(scores)

    assert sharp.sharpness == bound


def test_one_class_alone_tells_nothing():
    sharp = SharpLoss(np.ones(20, dtype=np.int64))

    assert sharp.after(np.full(20, 1.5)) == pytest.approx(-np.log(expit(1.5)))
    assert sharp.sharpness == 1.0


def test_rows_that_weigh_nothing_tell_nothing():
    y, scores = _two_classes()

    one = SharpLoss(y, weights=(y == 1).astype(np.float64))
    one.after(scores)
    none = SharpLoss(y, weights=np.zeros(y.size))

    assert one.sharpness == 1.0
    assert none.after(scores) == SharpLoss(y).after(scores)


def test_of_many_rows_some_tell_the_sharpness_and_all_the_loss():
    y, scores = _two_classes(n=400_000)
    sharp = SharpLoss(y)

    loss = sharp.after(scores)

    assert sharp.sharpness == pytest.approx(_best(y, scores)[0], rel=0.05)
    assert loss == pytest.approx(log_loss(y, expit(sharp.sharpness * scores)), abs=1e-9)


@pytest.mark.parametrize("family", [LIGHTGBM, XGBOOST], ids=lambda family: family.name)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_booster_stops_where_the_sharpened_loss_is_least(family, n_classes):
    rows = make_rows(family.view, n_classes=n_classes)
    positions = np.arange(rows.y.size)
    fold = Fold(train=positions[positions % 3 != 0], valid=positions[positions % 3 == 0])
    prepared = family.prepare(
        rows.view, rows.y, weights=None, folds=[fold], objective=Objective(n_classes=n_classes), threads=1
    )

    fitted = family.fit(prepared, 0, params={"learning_rate": 0.3}, limits=Limits(seed=0, max_rounds=200))

    assert fitted.n_rounds == fitted.loss_rounds[int(np.argmin(fitted.valid_losses))]
    assert fitted.sharpness != 1
    y_valid = rows.y[fold.valid]
    assert min(fitted.valid_losses) == pytest.approx(log_loss(y_valid, fold_proba(fitted)), abs=1e-5)
    assert min(fitted.valid_losses) < log_loss(y_valid, fitted.valid_proba)
    for factor in (0.9, 1.1):
        other = replace(fitted, sharpness=factor * fitted.sharpness)
        assert min(fitted.valid_losses) < log_loss(y_valid, fold_proba(other))
