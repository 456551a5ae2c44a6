"""Where trials of the linear model start and what they may be.

Ranges after TabArena (Erickson et al. 2025, arXiv:2506.16791); first trials chosen by ``benchmarks/linear_models.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from mltrain.models import Shape
from mltrain.space import Choice, Float, Int, Params, Scalar, Space

KNOWN = frozenset({"C", "penalty", "l1_ratio", "n_knots", "n_landmarks", "reach", "max_iter", "tol", "fit_intercept"})
PENALTIES = ("l2", "l1", "elasticnet")
MOST_KNOTS = 100
MOST_LANDMARKS = 5_000

_LANDMARKS = 400
# So few landmarks describe so many rows, and so many features are a small file.
_MOST_ROWS, _MOST_FEATURES = 20_000, 1_000


def search_space(shape: Shape) -> Space:
    """Return the ranges; landmarks are for tables that are not large."""
    plain: Space = {
        "C": Float(low=1e-3, high=1e3, log=True),
        "penalty": Choice(options=PENALTIES),
        "n_knots": Int(low=0, high=12),
    }
    if not _suits_landmarks(shape):
        return plain
    return {
        **plain,
        "n_landmarks": Choice(options=(0, _LANDMARKS)),
        "reach": Float(low=0.3, high=3.0, log=True),
    }


def first_trials(shape: Shape) -> Sequence[Params]:
    """Return what to try first: a cheap straight model, then one by landmarks and a bent one, then more of them.

    Notes
    -----
    Straight and bent ones were chosen greedily among 105 settings on draws of 300 to 2,000 rows (20,000 of adult) of 15
    data sets, for how near the best of them comes to each set's lowest log loss out of fold. On all 18 draws the best
    bent model beat the best straight one out of fold (adult 0.302 for 0.327, telco 0.424 for 0.427, diamonds 0.809 for
    1.121), on 14 also on rows that nobody learnt from; it did not on three of 380 to 560 rows and on one of cdc.
    Landmarks beat bends out of fold on credit, the imbalanced set (0.113 for 0.126; 0.858 of ROC AUC for 0.809 on rows
    that nobody learnt from), four classes (1.02 for 1.29), digits, cdc, noisy and wide, and lost on diamonds (0.98 for
    0.81), telco, german and lending.
    """
    straight, bent, *rest = (
        _trial(C=strength, penalty=penalty, n_knots=knots)
        for strength, penalty, knots in (
            (0.1, "l2", 0),
            (0.3, "l2", 8),
            (0.1, "l1", 8),
            (3.0, "elasticnet", 12),
            (1.0, "l2", 4),
            (0.03, "l2", 12),
            (3.0, "l2", 2),
        )
    )
    if not _suits_landmarks(shape):
        return (straight, bent, *rest)
    usual, sure, near = (
        _trial(C=strength, penalty="l2", n_knots=0, n_landmarks=_LANDMARKS, reach=reach)
        for strength, reach in ((0.03, 1.0), (3.0, 1.2), (0.1, 0.7))
    )
    without = _trial(n_landmarks=0, reach=1.0)
    others = (sure, near, *({**params, **without} for params in rest))
    return ({**straight, **without}, usual, {**bent, **without}, *others)


def _trial(**params: Scalar) -> Params:
    return params


def _suits_landmarks(shape: Shape) -> bool:
    return shape.n_samples <= _MOST_ROWS and shape.n_features <= _MOST_FEATURES
