from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from mltrain.metrics import AVERAGE_PRECISION, ROC_AUC

TOLERANCE = 1e-12
REFERENCES = [(ROC_AUC, roc_auc_score), (AVERAGE_PRECISION, average_precision_score)]


@st.composite
def ranked_rows(draw):
    """Rows of both classes with few distinct scores, and a number of draws of each row."""
    n_samples = draw(st.integers(2, 30))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n_samples, max_size=n_samples)))
    y[0], y[-1] = 0, 1
    scores = np.array(draw(st.lists(st.integers(0, 6), min_size=n_samples, max_size=n_samples))) / 6
    weights = np.array(draw(st.lists(st.integers(0, 3), min_size=n_samples, max_size=n_samples)), dtype=float)
    return y, scores, weights


@pytest.mark.parametrize(("metric", "reference"), REFERENCES)
@given(rows=ranked_rows())
@settings(max_examples=60, deadline=None)
def test_tied_scores_count_as_in_scikit_learn(metric, reference, rows):
    y, scores, _ = rows

    assert metric.function(y, np.column_stack([1 - scores, scores])) == pytest.approx(
        reference(y, scores), abs=TOLERANCE
    )


@pytest.mark.parametrize(("metric", "reference"), REFERENCES)
@given(rows=ranked_rows())
@settings(max_examples=60, deadline=None)
def test_weights_count_as_repeated_rows(metric, reference, rows):
    y, scores, weights = rows
    weights[[0, -1]] += 1  # a row of each class stays

    value = metric.weighted(y, np.column_stack([1 - scores, scores]))(weights[None])[0]

    repeated = np.repeat(np.arange(len(y)), weights.astype(int))
    assert value == pytest.approx(reference(y[repeated], scores[repeated]), abs=TOLERANCE)


def test_weighting_without_positive_rows_is_not_defined():
    y, proba = np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])

    values = ROC_AUC.weighted(y, proba)(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]))

    assert np.isnan(values[0])
    assert values[1] == 1.0
