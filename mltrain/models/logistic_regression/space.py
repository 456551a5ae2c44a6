"""Where trials of the linear model start and what they may be.

Ranges after TabArena (Erickson et al. 2025, arXiv:2506.16791); first trials chosen by what is now
``benchmarks/linear_models.py``, before it knew landmarks (bends-2026-11-26).
"""

from __future__ import annotations

from collections.abc import Sequence

from mltrain.models import Shape
from mltrain.space import Choice, Float, Int, Params, Scalar, Space

KNOWN = frozenset({"C", "penalty", "l1_ratio", "n_knots", "n_landmarks", "reach", "max_iter", "tol", "fit_intercept"})
PENALTIES = ("l2", "l1", "elasticnet")
MOST_KNOTS = 100
MOST_LANDMARKS = 1_000

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
    """Return what to try first: a cheap straight model, then by turns landmarks and bends, most useful first.

    Notes
    -----
    Straight and bent ones were chosen greedily among 105 settings on draws of 300 to 2,000 rows (20,000 of adult) of 15
    data sets, for how near the best of them comes to each set's lowest log loss out of fold. On all 18 draws the best
    bent model beat the best straight one out of fold (adult 0.302 for 0.327, telco 0.424 for 0.427, diamonds 0.809 for
    1.121), on 14 also on rows that nobody learnt from; it did not on three of 380 to 560 rows and on one of cdc.

    Landmarks beat bends out of fold on 13 of 16 tables of up to 4,000 rows, far on banana (0.22 for 0.56), penbased
    (0.036 for 0.081), digits (0.082 for 0.113), optdigits (0.067 for 0.097) and texture (0.015 for 0.021), in 0.2 to 4
    seconds of three folds; they lost on telco, lending and breast_cancer (2026-11-27). Two classes want strong
    penalties of them unless features are few, several classes weak ones.
    """
    suits = _suits_landmarks(shape)
    others: dict[str, Scalar] = {"n_landmarks": 0, "reach": 1.0} if suits else {}
    tried: list[Params] = [
        {"C": strength, "penalty": penalty, "n_knots": knots, **others}
        for strength, penalty, knots in (
            (0.1, "l2", 0),
            (0.3, "l2", 8),
            (0.1, "l1", 8),
            (3.0, "elasticnet", 12),
            (1.0, "l2", 4),
            (0.03, "l2", 12),
            (3.0, "l2", 2),
        )
    ]
    if suits:
        by_landmarks = ((0.03, 1.2), (0.5, 0.8)) if shape.n_classes == 2 else ((0.3, 1.0), (3.0, 1.4))
        for place, (strength, reach) in zip((1, 3), by_landmarks, strict=True):
            near: Params = {"C": strength, "penalty": "l2", "n_knots": 0, "n_landmarks": _LANDMARKS, "reach": reach}
            tried.insert(place, near)
    return tried


def _suits_landmarks(shape: Shape) -> bool:
    return shape.n_samples <= _MOST_ROWS and shape.n_features <= _MOST_FEATURES
