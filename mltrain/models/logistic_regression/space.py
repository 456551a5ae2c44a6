"""Where trials of the linear model start and what they may be.

Ranges after TabArena (Erickson et al. 2025, arXiv:2506.16791); first trials by numbers chosen by what is now
``benchmarks/linear_models.py`` (bends-2026-11-26), those by landmarks after ``benchmarks/landmarks.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from mltrain.models import Shape
from mltrain.space import Choice, Float, Int, Params, Space

KNOWN = frozenset({"C", "penalty", "l1_ratio", "n_knots", "n_landmarks", "reach", "max_iter", "tol", "fit_intercept"})
# What parameters are where neither the space nor first trials name them. That there is no limit is in no range of one.
DEFAULTS: Params = {"n_landmarks": 0, "reach": 1.0, "l1_ratio": 0.5, "fit_intercept": True}
PENALTIES = ("l2", "l1", "elasticnet")
MOST_KNOTS = 100
MOST_LANDMARKS = 1_000

_LANDMARKS = 400
# So few landmarks describe so many rows, and so many features are a small file.
_MOST_ROWS, _MOST_FEATURES = 20_000, 1_000
_FEW_FEATURES = 8


def search_space(shape: Shape) -> Space:
    """Return the ranges, which are the same for every shape.

    Notes
    -----
    Landmarks are tried first and not searched: on 8,000 rows with 1 % positives the search of them left a forest one
    trial of a minute instead of three, and searched they had gained nothing before (landmarks-2026-11-27.jsonl).
    """
    del shape
    return {
        "C": Float(low=1e-3, high=1e3, log=True),
        "penalty": Choice(options=PENALTIES),
        "n_knots": Int(low=0, high=12),
    }


def first_trials(shape: Shape) -> Sequence[Params]:
    """Return what to try first: a cheap straight model, then landmarks, then bends, most useful first.

    Notes
    -----
    Straight and bent ones were chosen greedily among 105 settings on draws of 300 to 2,000 rows (20,000 of adult) of 15
    data sets, for how near the best of them comes to each set's lowest log loss out of fold. On all 18 draws the best
    bent model beat the best straight one out of fold (adult 0.301 for 0.327, telco 0.424 for 0.427, diamonds 0.809 for
    1.121), on 14 also on rows that nobody learnt from; it did not on three of 380 to 560 rows and on one of cdc.

    Those by landmarks beat the best of four settings by numbers out of fold on 12 of 16 tables, up to 4,000 rows of
    each, far on banana (0.22 for 0.56), digits (0.082 for 0.110), optdigits (0.071 for 0.097) and penbased (0.042 for
    0.081), in 0.1 to 4 seconds of three folds (landmarks-2026-11-27). Two classes want strong penalties of them unless
    features are few, several classes weak ones.
    """
    return (
        _by_numbers(0.1, "l2", 0),
        *_by_landmarks(shape),
        _by_numbers(0.3, "l2", 8),
        _by_numbers(0.1, "l1", 8),
        _by_numbers(3.0, "elasticnet", 12),
        _by_numbers(1.0, "l2", 4),
        _by_numbers(0.03, "l2", 12),
        _by_numbers(3.0, "l2", 2),
    )


def _by_numbers(strength: float, penalty: str, n_knots: int) -> Params:
    return {"C": strength, "penalty": penalty, "n_knots": n_knots}


def _by_landmarks(shape: Shape) -> Sequence[Params]:
    """Return trials by landmarks, for tables that are not large."""
    if shape.n_samples > _MOST_ROWS or shape.n_features > _MOST_FEATURES:
        return ()
    if shape.n_classes > 2:
        tried = [(0.3, 1.0), (3.0, 1.4)]
    else:
        tried = [(0.03, 1.2) if shape.n_features > _FEW_FEATURES else (0.5, 0.8)]
    return [
        {"C": strength, "penalty": "l2", "n_knots": 0, "n_landmarks": _LANDMARKS, "reach": reach}
        for strength, reach in tried
    ]
