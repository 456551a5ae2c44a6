"""DataFrames, Series and arrays handed in from Python, as Arrow tables; what columns mean is inferred elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mltrain.data.nearest import listed
from mltrain.errors import DataError, SchemaError

# What Arrow says of values of several types, or of a type that it does not have.
_UNREADABLE = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError)


def frame_table(X: pd.DataFrame | pa.Table) -> pa.Table:
    """Return a DataFrame as a table: names become text, the index is left out; a table is returned as it is.

    Raises
    ------
    mltrain.errors.SchemaError
        A column holds values of several types, or two columns share a name.
    """
    names = Counter(X.column_names if isinstance(X, pa.Table) else map(str, X.columns))
    repeated = sorted(name for name, n in names.items() if n > 1)
    if repeated:
        raise SchemaError(f"column names of X occur twice: {listed(repeated)}", hint="rename one of each")
    if isinstance(X, pa.Table):
        return X
    try:
        return pa.Table.from_pandas(_with_known_types(X), preserve_index=False)
    except _UNREADABLE as error:
        raise SchemaError(
            f"X has a column of mixed types, or of none that can be learnt from: {error}",
            hint="give each column one type: numbers, text, truth values or dates",
        ) from error


def _with_known_types(X: pd.DataFrame) -> pd.DataFrame:
    """Return a DataFrame with columns of types that pandas has and Arrow has not as what they mean."""
    unknown = [name for name, kind in X.dtypes.items() if _is_unknown(kind)]
    if not unknown:
        return X
    known = X.copy(deep=False)
    for name in unknown:
        known[name] = _meant(X[name])
    return known


def _is_unknown(kind: Any) -> bool:
    """Say whether Arrow lacks a type: periods, sparse values, categories that are intervals, as of `pandas.cut`."""
    if isinstance(kind, pd.CategoricalDtype):
        return isinstance(kind.categories.dtype, pd.IntervalDtype)
    return isinstance(kind, pd.PeriodDtype | pd.SparseDtype)


def _meant(column: Any) -> Any:
    """Return intervals as text, periods as dates, sparse values dense."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.rename_categories(column.cat.categories.astype(str))
    return column.dt.to_timestamp() if isinstance(column.dtype, pd.PeriodDtype) else column.sparse.to_dense()


def array_frame(X: object, names: list[str] | None = None) -> pd.DataFrame:
    """Return an array of shape (n_samples, n_features) as a DataFrame, its columns named ``x0``, ``x1`` … by default.

    Raises
    ------
    mltrain.errors.SchemaError
        It has another number of dimensions.
    """
    values = np.asarray(X)
    if values.ndim != 2:
        kind = "" if isinstance(X, np.ndarray) else f"is a {type(X).__name__} and "
        raise SchemaError(
            f"X {kind}has {values.ndim} dimension{'s' * (values.ndim != 1)}",
            where="X",
            hint="hand in a DataFrame, an Arrow table or an array of shape (n_samples, n_features)",
        )
    return pd.DataFrame(values, columns=names or [f"x{position}" for position in range(values.shape[1])])


def as_column(values: Any, *, name: str) -> pa.ChunkedArray:
    """Return labels or groups as a column, NaN as null.

    Parameters
    ----------
    values : Series, array or sequence of shape (n_samples,), or a DataFrame or an array of one column
    name : str
        What the caller calls them, for messages.

    Raises
    ------
    mltrain.errors.DataError
        There are several columns, or values of several types.
    """
    if isinstance(values, pa.ChunkedArray):
        return values
    if isinstance(values, pd.DataFrame | np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
        values = np.asarray(values)[:, 0] if isinstance(values, np.ndarray) else values.iloc[:, 0]
    is_sequence = hasattr(values, "__len__") and not isinstance(values, str | bytes | Set | Mapping)
    if getattr(values, "ndim", 1) != 1 or not is_sequence:
        shape = f" of shape {values.shape}" if hasattr(values, "shape") else ""
        message = f"{name} is a {type(values).__name__}{shape}"
        raise DataError(message, where=name, hint="hand in a Series or an array with one value a row")
    try:
        # By way of a Series: numpy would turn numbers among texts into texts without a word.
        column = values if isinstance(values, pa.Array) else pa.array(pd.Series(values), from_pandas=True)
    except _UNREADABLE as error:
        raise DataError(f"{name} has values of mixed types: {error}", where=name, hint="give it one type") from error
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
