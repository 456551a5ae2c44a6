"""Which rows are looked at where there are many."""

from __future__ import annotations

import numpy as np
import pytest

from mltrain import metrics
from mltrain.voting import draw_rows, fewest_of_class


def _rare(*counts: int) -> np.ndarray:
    """Return so many rows of each class, in random order."""
    y = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(0).permutation(y)


@pytest.mark.parametrize(
    ("fewest", "wanted"),
    [(1, [3_960, 40, 1]), (50, [3_960, 50, 30])],
    ids=["one of each class", "fifty where there are so many"],
)
def test_classes_keep_their_shares_and_some_rows(fewest: int, wanted: list[int]) -> None:
    y = _rare(98_970, 1_000, 30)

    rows = draw_rows(y, 4_000, np.random.default_rng(1), fewest=fewest)

    assert np.all(np.diff(rows) > 0)
    counts = np.bincount(y[rows])
    # Shares are kept to within a row; the rows that are added may be among those that were taken.
    assert counts[0] == pytest.approx(wanted[0], abs=2)
    assert np.all(counts[1:] >= np.array(wanted[1:]) - (fewest == 1))
    assert np.all(counts[1:] <= [2 * wanted[1], 30])
    assert counts[2] >= wanted[2]


def test_few_rows_are_all_looked_at() -> None:
    np.testing.assert_array_equal(draw_rows(_rare(5, 3), 8, np.random.default_rng(1)), np.arange(8))


@pytest.mark.parametrize(("name", "fewest"), [("roc_auc", 50), ("average_precision", 50), ("log_loss", 1), ("f1", 1)])
def test_shares_are_bent_for_metrics_of_order_alone(name: str, fewest: int) -> None:
    assert fewest_of_class(metrics.resolve(name, n_classes=2)) == fewest
