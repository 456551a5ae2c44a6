"""A scale and an offset for each of many classes, some of them rare: found in few steps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from mltrain.calibration import calibrate
from mltrain.calibration.calibrator import log_proba
from mltrain.calibration.fitting import fit_calibrator
from mltrain.metrics import LOG_LOSS, score


def skewed(*, n: int, n_classes: int, seed: int):
    """Return predictions that are off by another scale and offset for each class, and classes, some of them rare."""
    rng = np.random.default_rng(seed)
    shares = np.geomspace(1, 0.005, n_classes) / np.geomspace(1, 0.005, n_classes).sum()
    y = rng.choice(n_classes, size=n, p=shares)
    y[:n_classes] = np.arange(n_classes)
    scores = rng.normal(0, 1, (n, n_classes)) + np.log(shares)
    scores[np.arange(n), y] += 2.5
    return softmax(scores * rng.uniform(0.4, 2.5, n_classes) + rng.normal(0, 1, n_classes), axis=1), y


def least_loss(proba, y) -> float:
    """Return what the two numbers of each class can reach, found slowly."""
    logs, n_classes = log_proba(proba), proba.shape[1]

    def loss(free):
        return -log_softmax(logs * free[:n_classes] + free[n_classes:], axis=1)[np.arange(len(y)), y].mean()

    start = np.concatenate([np.ones(n_classes), np.zeros(n_classes)])
    return float(minimize(loss, start, method="BFGS", options={"maxiter": 3000}).fun)


@pytest.mark.parametrize("n_classes", [3, 8])
def test_it_comes_close_to_the_least_loss_though_classes_are_rare(n_classes):
    proba, y = skewed(n=2000, n_classes=n_classes, seed=n_classes)

    calibrator = fit_calibrator("sigmoid", proba, y)

    reached = score(LOG_LOSS, y, calibrate(calibrator, proba))
    assert reached == pytest.approx(least_loss(proba, y), abs=2e-3)
    assert reached < score(LOG_LOSS, y, proba) - 0.05


def test_predictions_that_are_nearly_constant_do_not_break_it():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 5, 500)
    proba = softmax(rng.choice([0.0, 1e-9], (500, 5)), axis=1)

    calibrator = fit_calibrator("sigmoid", proba, y)

    assert np.isfinite(calibrator.scale).all()
    assert np.isfinite(calibrator.offset).all()
    assert score(LOG_LOSS, y, calibrate(calibrator, proba)) <= score(LOG_LOSS, y, proba) + 1e-9
