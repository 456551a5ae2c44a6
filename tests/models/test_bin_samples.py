"""Of many rows libraries look at a sample to settle where numbers are cut; the seed of the config reaches it."""

from __future__ import annotations

import numpy as np
import pytest

from mltrain import plugins
from mltrain.models import Fold, Limits, Objective, View

N_SAMPLES = 250_000


@pytest.fixture(scope="module")
def column():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_SAMPLES, 1)).astype(np.float32)
    return X, (rng.normal(size=N_SAMPLES) < X[:, 0]).astype(np.int64)


def _dump(name, column, *, seed):
    family, (X, y) = plugins.load("models", name), column
    whole = Fold(train=np.arange(N_SAMPLES), valid=np.arange(0))
    view = View(kind="native", X=X, feature_names=("x",))
    objective = Objective(n_classes=2, seed=seed)
    prepared = family.prepare(view, y, weights=None, folds=[whole], objective=objective)
    return family.dump(family.fit(prepared, 0, params={"max_bin": 15}, limits=Limits(seed=3, max_rounds=1)).model)


@pytest.mark.parametrize("name", ["lgbm", "catboost"])
def test_the_seed_of_all_trials_settles_the_sample(name, column):
    first, again, other = (_dump(name, column, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert first != other
