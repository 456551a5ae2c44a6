"""One number per voter: what it finds, and that it leaves order and sums alone."""

from __future__ import annotations

import numpy as np
import pytest

from mltrain.calibration import fit_sharpness, sharpen, sharpen_apart


def _rows(n_rows: int, n_classes: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return true probabilities and classes drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n_rows, n_classes)) * 2
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = (proba.cumsum(axis=1) < rng.random((n_rows, 1))).sum(axis=1)
    return proba, np.minimum(y, n_classes - 1)


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("blunted", [0.3, 1.0, 2.5])
def test_it_undoes_what_made_a_model_too_sure_or_not_sure_enough(n_classes: int, blunted: float) -> None:
    proba, y = _rows(20_000, n_classes)
    powers = proba**blunted
    told = powers / powers.sum(axis=1, keepdims=True)

    sharpness = fit_sharpness(told, y)

    assert sharpness == pytest.approx(1 / blunted, rel=0.06)
    np.testing.assert_allclose(sharpen(told, sharpness), proba, atol=0.03)


def test_the_order_of_rows_stays_and_rows_sum_to_one() -> None:
    proba, _ = _rows(500, 2)

    sharp = sharpen(proba, 3.0)

    assert (np.argsort(sharp[:, 1]) == np.argsort(proba[:, 1])).all()
    np.testing.assert_allclose(sharp.sum(axis=1), 1)
    assert np.ptp(sharp[:, 1]) > np.ptp(proba[:, 1])


def test_one_changes_no_bit_and_one_class_teaches_nothing() -> None:
    proba, _ = _rows(50, 3)

    assert fit_sharpness(proba, np.zeros(50, dtype=np.int64)) == 1.0
    np.testing.assert_array_equal(sharpen(proba, 1.0), proba)


def test_large_data_is_sampled() -> None:
    proba, y = _rows(300_000, 2)

    assert fit_sharpness(proba, y) == pytest.approx(1.0, abs=0.05)


def test_each_part_is_sharpened_by_what_the_others_taught() -> None:
    proba, y = _rows(3_000, 4)
    blunt = proba**0.5 / (proba**0.5).sum(axis=1, keepdims=True)
    parts = np.arange(3_000) % 3

    apart = sharpen_apart(blunt, y, parts=parts)

    for part in range(3):
        inside = parts == part
        own = fit_sharpness(blunt[~inside], y[~inside])
        assert own == pytest.approx(2.0, rel=0.1)
        np.testing.assert_array_equal(apart[inside], sharpen(blunt[inside], own))


def test_a_model_without_a_mistake_is_not_made_infinitely_sure() -> None:
    y = np.arange(60) % 3
    proba = np.full((60, 3), 0.2)
    proba[np.arange(60), y] = 0.6

    assert fit_sharpness(proba, y) == 8.0
