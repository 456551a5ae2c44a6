"""What the figures of an evaluation are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltrain.data import Label
from mltrain.metrics import Codes, Floats, Metric, score

MAX_CLASSES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictions:
    """True classes and predicted probabilities of the same rows.

    Attributes
    ----------
    y : ndarray of shape (n_samples,), class codes
    proba : ndarray of shape (n_samples, n_classes)
    threshold : float, optional
        Where the positive class of two is decided for; None means 0.5.
    """

    y: Codes
    proba: Floats
    classes: tuple[Label, ...]
    threshold: float | None

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes."""
        return len(self.classes) == 2

    @property
    def cut(self) -> float:
        """The threshold that decides."""
        return 0.5 if self.threshold is None else self.threshold

    @property
    def codes(self) -> tuple[int, ...]:
        """The classes to draw a curve for: the positive one of two, else up to ten, the most frequent ones."""
        if self.is_binary:
            return (1,)
        counts = np.bincount(self.y, minlength=len(self.classes))
        most = np.argsort(-counts, kind="stable")[:MAX_CLASSES]
        return tuple(int(code) for code in np.sort(most) if 0 < counts[code] < len(self.y))

    def against_rest(self, code: int) -> tuple[NDArray[np.bool_], Floats]:
        """Return whether each row is of the class, and the class's probability."""
        return self.y == code, self.proba[:, code]

    def score_against_rest(self, metric: Metric, code: int) -> float:
        """Score one class against the rest."""
        is_hit, scores = self.against_rest(code)
        return score(metric, is_hit.astype(np.int64), np.column_stack([1 - scores, scores]))

    def title(self, text: str, metric: Metric) -> str:
        """Return a title; several classes add the value over all of them."""
        if self.is_binary:
            return text
        left_out = len(self.classes) - len(self.codes)
        shown = f"{len(self.codes)} of {len(self.classes)} classes" if left_out else "each class"
        return f"{text}, {shown} against the rest (mean {score(metric, self.y, self.proba):.3f})"
