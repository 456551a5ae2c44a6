"""The contract of a model family: `prepare` once, `fit` many.

A family owns how it is fitted fast. It knows nothing of searches, trackers, tables or the target's labels: it gets an
encoded view of X and class codes. One package per family, registered under the entry-point group ``mltrain.models``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mltrain.models.shape import Shape as Shape
from mltrain.models.shape import distinct
from mltrain.space import Params, Space

ViewKind: TypeAlias = Literal["native", "ordinal", "one_hot"]
Proba: TypeAlias = NDArray[np.float64]
RoundCallback: TypeAlias = Callable[[int, float], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """An encoded view of X.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features), float32, or csr_matrix of that shape
        ``native``: missing values are NaN, categories are codes from 0 (NaN when missing or unseen);
        ``ordinal``: imputed, codes from 0 with the missing and unseen sharing the last code;
        ``one_hot``: scaled and imputed numbers and 0/1 columns, sparse where that is smaller.
    feature_names : tuple of str, length n_features
        Unique, safe for every library (letters, digits, underscore).
    categorical : tuple of int
        Positions of the features that hold category codes; empty for ``one_hot``.
    """

    kind: ViewKind
    X: Any
    feature_names: tuple[str, ...]
    categorical: tuple[int, ...] = ()

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        """Number of encoded columns."""
        return int(self.X.shape[1])

    @property
    def n_filled(self) -> float:
        """Cells of a row that are stored, on average."""
        return float(self.X.size / max(self.n_samples, 1))

    def describe(self, *, n_classes: int, n_samples: int | None = None, rarest: float | None = None) -> Shape:
        """Return what a family may know of the data, or of so many of its rows; ``rarest`` as in `Shape`."""
        return Shape(
            n_samples=self.n_samples if n_samples is None else n_samples,
            n_features=self.n_features,
            n_classes=n_classes,
            n_categorical=len(self.categorical),
            n_filled=self.n_filled,
            distinct=distinct(self.X) if isinstance(self.X, np.ndarray) and self.X.size else None,
            rarest=rarest,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Fold:
    """One part of validation.

    Attributes
    ----------
    train, valid : ndarray of int, positions of rows, ascending
        ``valid`` is empty for a final fit on everything.
    features : ndarray of int, optional
        Positions of the features chosen on this fold's training rows; None means all.
    """

    train: NDArray[np.intp]
    valid: NDArray[np.intp]
    features: NDArray[np.intp] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """What is learnt: probabilities of ``n_classes`` classes (codes 0 … n_classes - 1), on ``device``.

    Attributes
    ----------
    seed : int
        Of the random steps that all trials share, such as which rows are sampled; those of one fit have `Limits.seed`.
    """

    n_classes: int
    device: Literal["cpu", "gpu"] = "cpu"
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What stops one fit.

    Attributes
    ----------
    max_rounds : int, optional
        Boosting rounds, trees or solver iterations at most; None leaves it to the family (its own cap for these rows).
        A final fit passes the best rounds found.
    deadline : float, optional
        `time.monotonic` value at which the fit ends with what it has (``stopped="deadline"``), at the next round.
    hurry : callable, optional
        True from when the fit has to end so before its deadline. `is_over` asks both; ask it after every round.
    on_round : callable, optional
        Called as ``on_round(round, valid_loss)`` after each round whose losses are looked at; True stops the fit
        (``stopped="pruned"``). Never called for a fold without validation rows.
    """

    seed: int
    threads: int = 1
    max_rounds: int | None = None
    deadline: float | None = None
    hurry: Callable[[], bool] | None = None
    on_round: RoundCallback | None = None

    @property
    def is_over(self) -> bool:
        """Whether the fit has to end with what it has."""
        is_late = self.deadline is not None and time.monotonic() >= self.deadline
        return is_late or (self.hurry is not None and self.hurry())


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """One fit that ended.

    Attributes
    ----------
    model : object
        What `ModelFamily.predict_proba` and `ModelFamily.dump` take; already cut to its best round. Of a pruned fit
        whatever is cheap: nobody asks for it.
    n_rounds : int
        The best number of rounds (trees, iterations), to be passed as ``max_rounds`` of a final fit.
    train_losses, valid_losses : tuple of float
        Log loss by round, for families that have rounds; thinned to at most 200 points, see ``loss_rounds``.
    loss_rounds : tuple of int
        The round of each point of the two curves.
    valid_proba : ndarray of shape (n_valid, n_classes), float64
        Predictions for the fold's validation rows, rows summing to 1; shape (0, n_classes) without any.
    sharpness : float
        What log probabilities are multiplied by to be as sure as the validation rows bear out, where a family chose its
        round with it: ``valid_losses`` are those after it, ``valid_proba`` and `ModelFamily.predict_proba` are before.
    stopped : {"done", "early", "deadline", "pruned"}
        ``done``: all rounds or converged; ``early``: early stopping.
    notes : tuple of str
        What the record should say, such as a row sample that was taken to end in time.
    """

    model: Any
    n_rounds: int
    valid_proba: Proba
    train_losses: tuple[float, ...] = ()
    valid_losses: tuple[float, ...] = ()
    loss_rounds: tuple[int, ...] = ()
    sharpness: float = 1.0
    stopped: Literal["done", "early", "deadline", "pruned"] = "done"
    notes: tuple[str, ...] = field(default=())


@runtime_checkable
class ModelFamily(Protocol):
    """What the search engine needs of a family of models.

    Attributes
    ----------
    name : str
        The registered name.
    view : {"native", "ordinal", "one_hot"}
        The view of X that it wants.
    simplicity : int
        Rank for near-ties, simplest first (0: linear model).
    parameters : frozenset of str
        Every name that `fit` takes, synonyms included; a config that names another is refused before training.

    Notes
    -----
    A family may say more of itself: `mltrain.models.traits.Traits`.
    """

    name: str
    view: ViewKind
    simplicity: int
    parameters: frozenset[str]

    def space(self, shape: Shape) -> Space:
        """Return the default search space for data of this shape."""
        ...

    def first_trials(self, shape: Shape) -> Sequence[Params]:
        """Return the parameters to try first, cheapest-promising first, each with every name of the space.

        A trial may have more of the family's parameters: it is one that the sampler is not told of.
        """
        ...

    def work(self, params: Params, shape: Shape) -> float:
        """Return the forecast work of one fit on ``shape.n_samples`` training rows.

        Positive, never less for more rows, and in a unit of the family's own: the same multiple of seconds on one core
        for all ``params``, about (a factor of two). Early stopping is foreseen where it is usual. A value that `fit`
        would refuse counts as its default, so that nothing is raised here.
        """
        ...

    def prepare(
        self,
        view: View,
        y: NDArray[np.int64],
        *,
        weights: NDArray[np.float64] | None,
        folds: Sequence[Fold],
        objective: Objective,
        threads: int = 1,
        first: Params | None = None,
    ) -> Any:
        """Make once what all trials share; must be safe to use from several threads.

        Parameters
        ----------
        first : Params, optional
            Parameters of the fit that comes first. What depends on such, as bins do, is made for these and no others;
            what the library refuses, the fit says. None: the library's defaults.
        """
        ...

    def fit(self, prepared: Any, fold: int, *, params: Params, limits: Limits) -> Fitted:
        """Fit on fold number ``fold``; the same arguments give the same model, whatever the clock did elsewhere.

        Raises
        ------
        ValueError
            A parameter is unknown or out of range; names the parameter.
        """
        ...

    def predict_proba(self, model: Any, X: Any, *, threads: int = 1) -> Proba:
        """Return probabilities of shape (n_samples, n_classes) for the rows of an encoded matrix.

        Many threads may ask one model at once, each for its own number of threads.
        """
        ...

    def importances(self, model: Any, n_features: int) -> NDArray[np.float64]:
        """Return non-negative importances of shape (n_features,) that sum to 1 (or are all 0)."""
        ...

    def dump(self, model: Any) -> bytes:
        """Serialise one fitted model without pickle."""
        ...

    def load(self, data: bytes) -> Any:
        """Rebuild what `dump` wrote; never executes code from ``data``.

        Raises
        ------
        ValueError
            The bytes are not a model of this family.
        """
        ...
