"""A fitted forest: scikit-learn's trees as plain arrays, and back, without pickle."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree._tree import Tree

from mltrain.models import Proba
from mltrain.models.rounds import normalise

_STORED = ("left_child", "right_child", "feature", "threshold", "missing_go_to_left")
_ROWS_AT_ONCE = 16_384
# scikit-learn's left child of a leaf; whatever else it finds there it goes to.
_LEAF = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Forest:
    """Trees whose leaves hold class shares.

    Attributes
    ----------
    trees : tuple of sklearn.tree._tree.Tree
        Leaf values of shape (n_nodes, 1, n_classes).
    prior : ndarray of shape (n_classes,)
        Counts as one more tree.
    importances : ndarray of shape (n_features,)
    """

    trees: tuple[Any, ...]
    prior: NDArray[np.float64]
    importances: NDArray[np.float64]


def predict_forest(forest: Forest, X: NDArray[np.float32], *, threads: int) -> Proba:
    """Return probabilities of shape (n_samples, n_classes); each row is summed in the order of the trees.

    Raises
    ------
    ValueError
        The rows have not as many features as those that the forest was grown on: trees would read beyond them.
    """
    n_classes, n_features = forest.prior.size, forest.importances.size
    if X.shape[1] != n_features:
        raise ValueError(f"the forest was grown on {n_features} features, the rows have {X.shape[1]}")
    X = np.ascontiguousarray(X, dtype=np.float32)
    blocks = [X[start : start + _ROWS_AT_ONCE] for start in range(0, X.shape[0], _ROWS_AT_ONCE)]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        totals = list(pool.map(lambda block: predict_trees(forest.trees, block, n_classes=n_classes), blocks))
    total = np.concatenate(totals) if totals else np.empty((0, n_classes))
    return normalise(total + forest.prior, n_classes=n_classes)


def predict_trees(trees: Sequence[Any], X: NDArray[np.float32], *, n_classes: int) -> Proba:
    """Return the sum of the trees' class shares, shape (n_samples, n_classes)."""
    total = np.zeros((X.shape[0], n_classes))
    for tree in trees:
        total += tree.predict(X).reshape(X.shape[0], n_classes)
    return total


def with_all_classes(tree: Any, classes: NDArray[np.int64], *, n_classes: int) -> Any:
    """Return the tree with one column per class code, classes that its rows lacked included."""
    state = tree.__getstate__()
    values = np.zeros((tree.node_count, 1, n_classes))
    # As stored: a model must predict the same before and after it was saved.
    values[:, 0, classes] = (state["values"][:, 0, :]).astype(np.float32)
    return _tree(tree.n_features, values, nodes=state["nodes"], max_depth=tree.max_depth)


def dump_forest(forest: Forest) -> bytes:
    """Return the arrays of all trees, end to end."""
    states = [tree.__getstate__() for tree in forest.trees]
    nodes = np.concatenate([state["nodes"] for state in states])
    values = np.concatenate([state["values"][:, 0, :] for state in states]).astype(np.float32)
    is_leaf = nodes["left_child"] == _LEAF
    buffer = io.BytesIO()
    np.savez(
        buffer,
        sizes=np.asarray([state["node_count"] for state in states]),
        depths=np.asarray([state["max_depth"] for state in states]),
        left_child=nodes["left_child"].astype(np.int32),
        right_child=nodes["right_child"].astype(np.int32),
        feature=nodes["feature"].astype(np.int32),
        threshold=nodes["threshold"],
        missing_go_to_left=nodes["missing_go_to_left"],
        leaf_values=values[is_leaf],
        prior=forest.prior,
        importances=forest.importances,
    )
    return buffer.getvalue()


def load_forest(payload: bytes) -> Forest:
    """Rebuild a forest.

    Raises
    ------
    ValueError
        The arrays are not those of well-formed trees.
    """
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return _rebuild(arrays)
    except (KeyError, IndexError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"not a forest: {error!r}") from error


def _rebuild(arrays: dict[str, NDArray[Any]]) -> Forest:
    sizes, prior, importances = arrays["sizes"], arrays["prior"], arrays["importances"]
    is_leaf = arrays["left_child"] == _LEAF
    if arrays["leaf_values"].shape != (np.count_nonzero(is_leaf), prior.size):
        raise ValueError("not a forest: its leaves have not as many values")
    values = np.zeros((is_leaf.size, 1, prior.size))
    values[is_leaf, 0, :] = arrays["leaf_values"]
    ends = np.cumsum(sizes)
    trees = []
    for end, size, depth in zip(ends.tolist(), sizes.tolist(), arrays["depths"].tolist(), strict=True):
        part = slice(end - size, end)
        nodes = _nodes({name: arrays[name][part] for name in _STORED}, n_features=importances.size)
        trees.append(_tree(importances.size, values[part], nodes=nodes, max_depth=depth))
    if not trees or ends[-1] != is_leaf.size:
        raise ValueError("not a forest: the sizes of its trees do not add up")
    return Forest(trees=tuple(trees), prior=prior, importances=importances)


def _nodes(arrays: dict[str, NDArray[Any]], *, n_features: int) -> NDArray[Any]:
    """Return scikit-learn's node records; prediction follows them without looking, so they are checked here."""
    left, right, feature = arrays["left_child"], arrays["right_child"], arrays["feature"]
    if any(values.dtype.kind not in "iu" for values in (left, right, feature)):
        raise ValueError("not a forest: nodes and features are not whole numbers")
    inner = left != _LEAF
    own = np.arange(left.size)[inner]
    children = np.stack([left[inner], right[inner]])
    if left.size == 0 or np.any(children <= own) or np.any(children >= left.size):
        raise ValueError("not a forest: a node's child is not behind it")
    if np.any(feature[inner] < 0) or np.any(feature[inner] >= n_features):
        raise ValueError(f"not a forest: a node asks for a feature beyond {n_features}")
    nodes = np.zeros(left.size, dtype=_node_type())
    for name, values in arrays.items():
        nodes[name] = values
    return nodes


def _node_type() -> Any:
    """Return the record type of nodes in the installed scikit-learn."""
    return Tree(1, np.array([1], dtype=np.intp), 1).__getstate__()["nodes"].dtype


def _tree(n_features: int, values: NDArray[np.float64], *, nodes: NDArray[Any], max_depth: int) -> Any:
    tree = Tree(n_features, np.array([values.shape[2]], dtype=np.intp), 1)
    tree.__setstate__(
        {"max_depth": max_depth, "node_count": nodes.size, "nodes": nodes, "values": np.ascontiguousarray(values)}
    )
    return tree
