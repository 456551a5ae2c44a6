"""Feature selection looks at the rows it is given and at nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import ExtraTreesClassifier

from mltrain.models import View
from mltrain.preprocessing import select_features, selection


def _view(as_sparse=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 8)).astype(np.float32)
    y = (X[:, 2] + 2 * X[:, 5] > 0).astype(np.int64)
    return View(
        kind="one_hot", X=sparse.csr_matrix(X) if as_sparse else X, feature_names=tuple(f"f{i}" for i in range(8))
    ), y


@pytest.mark.parametrize("as_sparse", [False, True])
def test_informative_features_are_kept(as_sparse):
    view, y = _view(as_sparse)

    kept = select_features(view, y, rows=np.arange(800), keep=0.25, n_classes=2, seed=1)

    assert kept.tolist() == [2, 5]


def test_other_rows_are_not_looked_at():
    view, y = _view()
    rows = np.arange(500)
    shuffled = y.copy()
    shuffled[500:] = 1 - shuffled[500:]
    changed = View(kind="one_hot", X=view.X.copy(), feature_names=view.feature_names)
    changed.X[500:] = 0

    one = select_features(view, y, rows=rows, keep=0.5, n_classes=2, seed=1)
    two = select_features(changed, shuffled, rows=rows, keep=0.5, n_classes=2, seed=1)

    np.testing.assert_array_equal(one, two)


def test_missing_values_are_allowed():
    view, y = _view()
    view.X[::3, 0] = np.nan

    assert 5 in select_features(view, y, rows=np.arange(1000), keep=0.4, n_classes=2, seed=1)


@pytest.mark.parametrize(("keep", "n_kept"), [(1.0, 8), (0.5, 4), (0.01, 1)])
def test_the_share_is_rounded_up(keep, n_kept):
    view, y = _view()

    assert select_features(view, y, rows=np.arange(300), keep=keep, n_classes=2, seed=1).size == n_kept


def test_of_many_cells_some_rows_are_looked_at(monkeypatch):
    view, y = _view()
    monkeypatch.setattr(selection, "_MOST_CELLS", 8 * 300)
    monkeypatch.setattr(selection, "_FEWEST_ROWS", 100)
    seen = []
    fit = ExtraTreesClassifier.fit
    monkeypatch.setattr(ExtraTreesClassifier, "fit", lambda self, X, y: seen.append(len(X)) or fit(self, X, y))

    kept = select_features(view, y, rows=np.arange(1000), keep=0.25, n_classes=2, seed=1)

    assert seen == [300]
    assert kept.tolist() == [2, 5]
