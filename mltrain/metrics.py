"""Metrics: a name, a function, what it needs and which way is better. Direction lives here only.

Contract (for the implementer): y is an int64 array of class codes (1 is the positive class of two); proba is a float64
array of shape (n_samples, n_classes). A metric ``needs`` "proba" (scored on probabilities) or "labels" (scored on
decisions: for two classes at a threshold on proba[:, 1], for more the most probable class).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One metric.

    Attributes
    ----------
    function : callable
        ``function(y, proba) -> float`` when it needs probabilities, ``function(y, decided) -> float`` with class codes
        when it needs labels.
    """

    name: str
    needs: Literal["proba", "labels"]
    greater_is_better: bool
    function: Callable[[NDArray[np.int64], NDArray[np.float64]], float]
