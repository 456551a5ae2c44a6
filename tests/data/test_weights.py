from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from mltrain.data.numbering import among
from mltrain.data.weights import fitting_weights, row_weights
from mltrain.errors import DataError


def column(values: list, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def test_whole_numbers_and_fractions_are_weights() -> None:
    assert row_weights(column([0, 2]), "w").tolist() == [0.0, 2.0]
    assert row_weights(column([0.5, 1.5], pa.float32()), "w").tolist() == [0.5, 1.5]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, None], "a weight is missing"),
        ([1.0, float("nan")], "a weight is missing"),
        ([1.0, -2.0], "a weight is -2"),
        ([1.0, float("inf")], "a weight is inf"),
        (["1", "2"], "weights of type string are no numbers"),
    ],
)
def test_what_is_no_weight_is_refused_with_its_row(values: list, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        row_weights(column(values), "w", number=among(np.array([False] * 10 + [True] * 10)))

    assert caught.value.where in ("column 'w', row 12", "column 'w'")


def test_rows_count_all_the_same_unless_something_says_otherwise() -> None:
    assert fitting_weights(np.array([0, 1, 1]), None, is_balanced=False) is None


def test_weights_keep_their_ratios_with_mean_one() -> None:
    weights = fitting_weights(np.array([0, 1, 1, 0]), np.array([1.0, 2.0, 3.0, 2.0]), is_balanced=False)

    assert weights is not None
    assert weights.tolist() == [0.5, 1.0, 1.5, 1.0]


def test_balanced_classes_have_one_total_whatever_their_rows_weigh() -> None:
    y = np.array([0, 0, 0, 1])

    weights = fitting_weights(y, np.array([1.0, 1.0, 2.0, 4.0]), is_balanced=True)

    assert weights is not None
    assert np.bincount(y, weights=weights).tolist() == [2.0, 2.0]
    assert weights[2] == 2 * weights[0]


def test_a_class_that_weighs_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="all rows of a class weigh nothing"):
        fitting_weights(np.array([0, 1]), np.array([1.0, 0.0]), is_balanced=False)
