from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mltrain.audit.separation import deal_folds, held_out_shares, separation


@pytest.mark.parametrize("n_classes", [2, 4])
def test_auc_is_that_of_scikit_learn(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    y = rng.choice(n_classes, 700, p=np.arange(1, n_classes + 1) / sum(range(1, n_classes + 1)))
    scores = rng.random((700, n_classes)).round(2) + np.eye(n_classes)[y] * 0.3

    found = separation(scores, y)

    if n_classes == 2:
        assert found.auc == pytest.approx(roc_auc_score(y, scores[:, 1]), abs=1e-12)
    else:
        scores = scores / scores.sum(axis=1, keepdims=True)
        wanted = roc_auc_score(y, scores, multi_class="ovr", average="weighted")
        assert separation(scores, y).auc == pytest.approx(wanted, abs=1e-12)


def test_interval_covers_the_true_auc_19_times_in_20() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        y = (np.arange(200) < 60).astype(np.int64)
        score = rng.normal(size=200) + y  # the AUC of two normals one apart is 0.7602
        found = separation(np.stack([-score, score], axis=1), y)
        covered += found.low <= 0.76025 <= found.high

    # 400 draws at 95 %: three standard errors are 3.3 points
    assert 0.91 <= covered / 400 <= 0.985


def test_shares_come_from_other_folds() -> None:
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 500)

    shares = held_out_shares(np.arange(500), y, folds=deal_folds(500, seed=0))

    assert np.allclose(shares, y.mean() * np.array([0, 1]) + (1 - y.mean()) * np.array([1, 0]))


def test_a_group_has_one_fold() -> None:
    groups = np.random.default_rng(3).integers(0, 40, 300)

    folds = deal_folds(300, seed=0, groups=groups)

    assert all(len(np.unique(folds[groups == group])) == 1 for group in range(40))
