"""What the figures of an evaluation are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltrain.data import Label
from mltrain.metrics import Codes, Floats, Metric, score

MAX_COLOURED = 8
N_WEAKEST = 6


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
        """The classes that have a curve: the positive one of two, else all with rows here."""
        if self.is_binary:
            return (1,)
        counts = np.bincount(self.y, minlength=len(self.classes))
        return tuple(int(code) for code in np.flatnonzero((counts > 0) & (counts < len(self.y))))

    def against_rest(self, code: int) -> tuple[NDArray[np.bool_], Floats]:
        """Return whether each row is of the class, and the class's probability."""
        return self.y == code, self.proba[:, code]

    def score_against_rest(self, metric: Metric, code: int) -> float:
        """Score one class against the rest."""
        is_hit, scores = self.against_rest(code)
        return score(metric, is_hit.astype(np.int64), np.column_stack([1 - scores, scores]))

    def coloured(self, scores: Mapping[int, float]) -> tuple[int, ...]:
        """Return the classes to colour: all while they are few, else the weakest, the weakest first.

        Parameters
        ----------
        scores : mapping of class code to its score against the rest, higher is better
        """
        if len(scores) <= MAX_COLOURED:
            return tuple(scores)
        return tuple(sorted(scores, key=lambda code: (scores[code], code))[:N_WEAKEST])

    def title(self, text: str, metric: Metric) -> str:
        """Return a title; several classes add the value over all of them and which are coloured."""
        if self.is_binary:
            return text
        n_classes, n_curves = len(self.classes), len(self.codes)
        parts = [f"mean {score(metric, self.y, self.proba):.3f}"]
        if n_curves > MAX_COLOURED:
            parts.append(f"coloured: the {N_WEAKEST} weakest of {n_curves} classes")
        if n_curves < n_classes:
            parts.append(f"{n_classes - n_curves} more without rows")
        return f"{text}, each class against the rest\n{'; '.join(parts)}"
