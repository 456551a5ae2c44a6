"""What happens between two rounds of a fit: log loss, its curve, and the reasons to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mltrain.models import Limits, Proba

Stop: TypeAlias = Literal["early", "deadline", "pruned"]
_MOST_POINTS = 200
# Rounds between two looks at the training loss; later a tenth of the rounds so far.
_TRAIN_EVERY = 10
# On few rows a look takes as long as a tree, on 140,000 a quarter of that; the best of the first can be any of them.
_LOOK_EVERY, _FIRST_LOOKS = 5, 10
_SMALLEST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """Log loss by round, thinned to at most 200 points with both ends kept."""

    rounds: tuple[int, ...]
    train_losses: tuple[float, ...]
    valid_losses: tuple[float, ...]


@dataclass(kw_only=True, slots=True)
class RoundWatch:
    """Sees the losses of one fit, after the rounds that are worth a look, and says when to stop.

    Attributes
    ----------
    n_samples : int
        Training rows: large data has less noise in its losses, so it needs less patience.
    n_rounds : int, optional
        Rounds at most; the last one is always looked at. Where nobody knows, each round is.
    stops_early : bool
        Whether the family ends when the validation loss no longer improves.
    best_round : int
        The round of the lowest validation loss; the last round without validation rows.
    sharpness : float
        That of the best round, see `mltrain.models.Fitted`.
    """

    limits: Limits
    n_samples: int
    n_rounds: int | None = None
    stops_early: bool = True
    best_round: int = 0
    sharpness: float = 1.0
    _best_loss: float = float("inf")
    _next_train: int = 1
    _rounds: list[int] = field(default_factory=list)
    _train: list[float] = field(default_factory=list)
    _valid: list[float] = field(default_factory=list)

    def wants_train_loss(self, round_: int) -> bool:
        """Say whether the training loss is worth its time after this round: it is drawn, and decides nothing."""
        return round_ >= self._next_train

    def looks_at(self, round_: int) -> bool:
        """Say whether the losses after this round are worth their time."""
        if self.n_rounds is None:
            return True
        return round_ <= _FIRST_LOOKS or round_ % _LOOK_EVERY == 0 or round_ == self.n_rounds

    def see(
        self, round_: int, *, train_loss: float | None, valid_loss: float | None, sharpness: float = 1.0
    ) -> Stop | None:
        """Take note of a finished round (from 1) and return the reason to stop after it, if any.

        A training loss stands until the next one is given.
        """
        self._rounds.append(round_)
        if train_loss is not None:
            self._train.append(train_loss)
            self._next_train = max(round_ - round_ % _TRAIN_EVERY + _TRAIN_EVERY, round_ + round_ // _TRAIN_EVERY)
        elif self._train:
            self._train.append(self._train[-1])
        if valid_loss is not None:
            self._valid.append(valid_loss)
            if self._is_told_to_stop(round_, valid_loss, sharpness):
                return "pruned"
        else:
            self.best_round = round_
        if self.stops_early and valid_loss is not None and self._has_waited_long_enough(round_):
            return "early"
        return "deadline" if self.limits.is_over and round_ != self.n_rounds else None

    def curve(self) -> Curve:
        """Return the losses seen so far."""
        kept = thin(len(self._rounds))
        return Curve(
            rounds=tuple(self._rounds[i] for i in kept),
            train_losses=tuple(self._train[i] for i in kept) if self._train else (),
            valid_losses=tuple(self._valid[i] for i in kept) if self._valid else (),
        )

    def _is_told_to_stop(self, round_: int, valid_loss: float, sharpness: float) -> bool:
        # A loss that is not a number never becomes the best; the first round must count all the same.
        if valid_loss < self._best_loss or self.best_round == 0:
            self._best_loss, self.best_round, self.sharpness = valid_loss, round_, sharpness
        return self.limits.on_round is not None and self.limits.on_round(round_, valid_loss)

    def _has_waited_long_enough(self, round_: int) -> bool:
        return round_ - self.best_round >= patience(self.n_samples, self.best_round)


def patience(n_samples: int, best_round: float) -> float:
    """Return how many rounds without a better one are waited for, by rows and by the best round.

    References
    ----------
    The rule follows AutoGluon (Erickson et al. 2020, arXiv:2003.06505), with constants of our own.
    """
    by_rows = min(max(3e6 / n_samples, 20.0), 300.0)
    return min(by_rows, 0.3 * best_round + 20.0)


def thin(n_points: int) -> list[int]:
    """Return at most 200 positions of ``n_points``, evenly spread, the first and the last among them."""
    if n_points <= _MOST_POINTS:
        return list(range(n_points))
    return sorted({round(i * (n_points - 1) / (_MOST_POINTS - 1)) for i in range(_MOST_POINTS)})


def log_loss(y: NDArray[np.int64], proba: Proba, *, weights: NDArray[np.float64] | None = None) -> float:
    """Return the weighted mean of ``-log(probability of the true class)``.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Clipped from below at the float64 machine epsilon.
    """
    own = np.maximum(proba[np.arange(y.size), y], _SMALLEST)
    return float(np.average(-np.log(own), weights=weights))


def normalise(proba: NDArray[np.floating], *, n_classes: int, classes: Sequence[int] | None = None) -> Proba:
    """Return rows that sum to 1 in float64, with a column of zeros for each class that the fit never saw.

    Parameters
    ----------
    classes : sequence of int, optional
        The class code of each column of ``proba``; by default all codes in order.
    """
    full: Proba = np.zeros((proba.shape[0], n_classes), dtype=np.float64)
    full[:, list(range(n_classes)) if classes is None else list(classes)] = proba
    full /= full.sum(axis=1, keepdims=True)
    return full
