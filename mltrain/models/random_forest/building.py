"""One tree by scikit-learn's builder itself.

The estimator around it checks and clones for a millisecond, which is more than a tree on a few hundred rows takes. The
trees are the same; what is not plain here (pruning, shares of rows, a number of leaves) is left to the estimator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree._classes import CRITERIA_CLF, DENSE_SPLITTERS
from sklearn.tree._tree import DepthFirstTreeBuilder, Tree

from mltrain.space import Scalar

_PLAIN = frozenset({"criterion", "max_depth", "max_features", "min_samples_leaf", "min_samples_split"})
_DEEPEST = int(np.iinfo(np.int32).max)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainRule:
    """Where a tree is cut, in the terms of the builder."""

    criterion: str
    max_depth: int
    max_features: int
    min_samples_leaf: int
    min_samples_split: int


def plain_rule(settled: Mapping[str, Scalar], n_features: int) -> PlainRule | None:
    """Return the rule that these parameters of an estimator mean; None when they are not plain, or are wrong."""
    criterion = settled.get("criterion", "gini")
    depth = settled.get("max_depth")
    max_features = _n_features(settled.get("max_features", "sqrt"), n_features)
    leaf, least = settled.get("min_samples_leaf", 1), settled.get("min_samples_split", 2)
    if not _PLAIN.issuperset(settled) or criterion not in ("gini", "entropy", "log_loss") or max_features is None:
        return None
    if not (depth is None or _is_whole(depth, 1)) or not _is_whole(leaf, 1) or not _is_whole(least, 2):
        return None
    return PlainRule(
        criterion=str(criterion),
        max_depth=_DEEPEST if depth is None else int(depth),
        max_features=max_features,
        min_samples_leaf=int(leaf),  # type: ignore[arg-type]
        min_samples_split=max(int(least), 2 * int(leaf)),  # type: ignore[arg-type]
    )


def build_tree(
    rule: PlainRule,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None,
    n_classes: int,
    is_extra: bool,
    random_state: np.random.RandomState,
) -> Any:
    """Return a `sklearn.tree._tree.Tree` with a column for every class code."""
    columns = np.array([n_classes], dtype=np.intp)
    splitter = DENSE_SPLITTERS["random" if is_extra else "best"](
        CRITERIA_CLF[rule.criterion](1, columns), rule.max_features, rule.min_samples_leaf, 0.0, random_state, None
    )
    tree = Tree(X.shape[1], columns, 1)
    builder = DepthFirstTreeBuilder(splitter, rule.min_samples_split, rule.min_samples_leaf, 0.0, rule.max_depth, 0.0)
    builder.build(tree, X, y.astype(np.float64).reshape(-1, 1), weights, None)
    return tree


def _n_features(wanted: Scalar, n_features: int) -> int | None:
    """Return how many features a cut looks at; None when ``wanted`` is wrong."""
    if wanted is None:
        return n_features
    if wanted == "sqrt":
        return max(1, int(math.sqrt(n_features)))
    if wanted == "log2":
        return max(1, int(math.log2(n_features)))
    if isinstance(wanted, float) and 0.0 < wanted <= 1.0:
        return max(1, int(wanted * n_features))
    return wanted if isinstance(wanted, int) and _is_whole(wanted, 1) else None


def _is_whole(value: Scalar, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low
