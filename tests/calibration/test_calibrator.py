from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from mltrain.calibration import (
    METHODS,
    calibrate,
    calibrator_from_dict,
    calibrator_to_dict,
    choose_calibrator,
    fit_calibrator,
)
from mltrain.errors import UsageError
from mltrain.metrics import LOG_LOSS, ROC_AUC


def two_columns(p):
    return np.column_stack([1 - p, p])


def distorted(n_samples=4_000, scale=2.0, offset=1.0, seed=0):
    """Predictions whose log-odds are a known line of the true ones."""
    random = np.random.default_rng(seed)
    odds = random.normal(-0.5, 1.5, n_samples)
    y = (random.uniform(size=n_samples) < expit(odds)).astype(np.int64)
    return y, two_columns(expit(scale * odds + offset)), two_columns(expit(odds))


def distorted_classes(n_samples=4_000, n_classes=3, seed=0):
    """Over-confident predictions of three classes, with a bias for the second."""
    random = np.random.default_rng(seed)
    odds = random.normal(size=(n_samples, n_classes))
    truth = softmax(odds, axis=1)
    y = (random.uniform(size=n_samples)[:, None] > truth.cumsum(axis=1)).sum(axis=1)
    return y, softmax(2 * odds + np.eye(n_classes)[1], axis=1), truth


def test_sigmoid_undoes_a_known_distortion():
    y, proba, _ = distorted(n_samples=50_000)

    calibrator = fit_calibrator("sigmoid", proba, y)

    # Statistical: the standard error of both numbers is below 0.02 with 50,000 rows.
    assert calibrator.scale[0] == pytest.approx(0.5, abs=0.05)
    assert calibrator.offset[0] == pytest.approx(-0.5, abs=0.05)


def test_sigmoid_agrees_with_logistic_regression():
    y, proba, _ = distorted()
    odds = np.log(proba[:, 1] / proba[:, 0])

    calibrator = fit_calibrator("sigmoid", proba, y)

    # Platt's targets move the solution by about one imagined row of each class among 4,000.
    reference = LogisticRegression(C=np.inf).fit(odds[:, None], y)
    assert calibrator.scale[0] == pytest.approx(reference.coef_[0, 0], abs=5e-3)
    assert calibrator.offset[0] == pytest.approx(reference.intercept_[0], abs=5e-3)


def test_temperature_undoes_over_confidence():
    y, proba, _ = distorted(n_samples=50_000, scale=3.0, offset=0.0)

    assert fit_calibrator("temperature", proba, y).scale[0] == pytest.approx(1 / 3, abs=0.02)


def test_isotonic_agrees_with_scikit_learn():
    y, proba, _ = distorted()
    proba = np.round(proba, 2)

    calibrated = calibrate(fit_calibrator("isotonic", proba, y), proba)

    margin = 1 / (len(y) + 2)
    reference = IsotonicRegression(y_min=margin, y_max=1 - margin).fit_transform(proba[:, 1], y)
    np.testing.assert_allclose(calibrated[:, 1], reference, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_calibration_brings_new_rows_of_three_classes_near_the_truth(method):
    y, proba, _ = distorted_classes(n_samples=20_000)
    new_y, new_proba, truth = distorted_classes(n_samples=20_000, seed=1)

    calibrated = calibrate(fit_calibrator(method, proba, y), new_proba)

    before, after, best = (LOG_LOSS.function(new_y, one) for one in (new_proba, calibrated, truth))
    # Of the excess over the true probabilities little may be left; one number cannot undo the bias.
    assert after - best < (0.2 if method == "temperature" else 0.05) * (before - best)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_stay_inside_and_sum_to_one(method, n_classes):
    y, proba, _ = distorted() if n_classes == 2 else distorted_classes()
    calibrator = fit_calibrator(method, proba, y)
    corners = np.eye(n_classes)

    calibrated = calibrate(calibrator, np.concatenate([proba, corners]))

    assert calibrated.min() > 0
    assert calibrated.max() < 1
    np.testing.assert_allclose(calibrated.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("method", ["temperature", "sigmoid"])
@given(seed=st.integers(0, 1_000), worse_than_chance=st.booleans())
@settings(max_examples=20, deadline=None)
def test_rising_methods_keep_the_order_of_rows(method, seed, worse_than_chance):
    y, proba, _ = distorted(n_samples=200, seed=seed)
    proba = proba[:, ::-1].copy() if worse_than_chance else proba

    calibrated = calibrate(fit_calibrator(method, proba, y), proba)

    assert ROC_AUC.function(y, calibrated) == ROC_AUC.function(y, proba)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_json_round_trip_is_exact(method, n_classes):
    y, proba, _ = distorted() if n_classes == 2 else distorted_classes()
    calibrator = fit_calibrator(method, proba, y)

    again = calibrator_from_dict(json.loads(json.dumps(calibrator_to_dict(calibrator))))

    assert again == calibrator
    np.testing.assert_array_equal(calibrate(again, proba), calibrate(calibrator, proba))


@pytest.mark.parametrize(
    "change",
    [
        {"method": "magic"},
        {"scale": []},
        {"scale": [float("nan")]},
        {"scale": ["one"]},
        {"n_classes": 3},
        {"curves": [{"x": [0.5, 0.1], "y": [0.1, 0.2]}]},
        {"curves": 7},
    ],
)
def test_malformed_calibrator_is_refused(change):
    y, proba, _ = distorted()
    document = calibrator_to_dict(fit_calibrator("sigmoid", proba, y))

    with pytest.raises(ValueError, match=r"calibrator is malformed|could not convert"):
        calibrator_from_dict(document | change)


def test_incomplete_calibrator_is_refused():
    with pytest.raises(ValueError, match="malformed"):
        calibrator_from_dict({"method": "sigmoid"})


def test_auto_leaves_calibrated_probabilities_alone():
    y, _, truth = distorted()

    assert choose_calibrator(truth, y, seed=0) is None


def test_auto_takes_the_simplest_method_that_helps():
    y, proba, _ = distorted(scale=3.0, offset=0.0)

    assert choose_calibrator(proba, y, seed=0).method == "temperature"


def test_auto_takes_a_free_curve_when_no_line_helps():
    random = np.random.default_rng(0)
    p = random.uniform(size=6_000)
    truth = np.where(p < 0.5, 0.1, np.where(p < 0.8, 0.2, 0.95))
    y = (random.uniform(size=6_000) < truth).astype(np.int64)

    assert choose_calibrator(two_columns(p), y, seed=0).method == "isotonic"


@pytest.mark.parametrize("n_rows", [0, 1, 4])
def test_auto_does_not_judge_on_a_handful_of_rows(n_rows):
    y = np.concatenate([np.ones(n_rows, dtype=np.int64), np.zeros(50, dtype=np.int64)])

    assert choose_calibrator(two_columns(np.full(len(y), 0.9)), y, seed=0) is None


def test_auto_depends_on_data_and_seed_alone():
    y, proba, _ = distorted(n_samples=300)

    assert choose_calibrator(proba, y, seed=3) == choose_calibrator(proba, y, seed=3)


def test_named_method_is_fitted_whether_it_helps_or_not():
    y, _, truth = distorted()

    assert choose_calibrator(truth, y, method="isotonic", seed=0).method == "isotonic"


def test_unknown_method_is_refused():
    with pytest.raises(UsageError, match="no calibration method is called 'magic'"):
        choose_calibrator(np.full((2, 2), 0.5), np.array([0, 1]), method="magic", seed=0)


def test_every_row_is_judged_once_whatever_the_number_of_parts() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=600)
    log_odds = 3 * (rng.normal(size=600) + 1.5 * y - 0.75)
    positive = 1 / (1 + np.exp(-log_odds))
    proba = np.column_stack([1 - positive, positive])

    chosen = [
        choose_calibrator(proba, y, seed=0, parts=rng.permutation(np.arange(600) % n_parts)) for n_parts in (3, 5, 10)
    ]

    assert all(c is not None for c in chosen)
    assert len({c.method for c in chosen if c}) == 1


def test_many_rows_and_classes_are_calibrated_on_a_sample_that_tells_the_same() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(60_000, 8))
    y = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    sharp = np.exp(2.5 * scores)

    calibrator = choose_calibrator(sharp / sharp.sum(axis=1, keepdims=True), y, method="temperature", seed=0)

    assert calibrator is not None
    assert calibrator.scale[0] == pytest.approx(1 / 2.5, rel=0.03)


def test_a_class_of_few_rows_does_not_keep_the_others_from_being_calibrated():
    y, proba, _ = distorted_classes()
    rare = np.r_[y, [3, 3]]
    with_rare = np.vstack([np.column_stack([0.997 * proba, np.full(len(y), 0.003)]), np.full((2, 4), 0.25)])

    assert choose_calibrator(with_rare, rare, seed=0).method == "temperature"
