"""The record behind a model card: everything that is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mltrain.comparison import Comparison
from mltrain.data.splits import Finding
from mltrain.drift import ColumnDrift
from mltrain.evaluation import Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class CardSplit:
    """One split, by size and content; the counts are in the order of the card's classes."""

    name: str
    n_rows: int
    fingerprint: str
    class_counts: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CardMember:
    """One part of the model and its share of the vote."""

    family: str
    weight: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CardGate:
    """Whether the model may be deployed.

    Attributes
    ----------
    threshold : float, optional
        None when none is configured.
    undefined : str, optional
        Why there is no score.
    """

    passed: bool
    metric: str
    value: float
    threshold: float | None
    undefined: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What is known about a model.

    Attributes
    ----------
    source, target : str
        What the data was loaded from, the column that is predicted.
    classes : tuple of str
        In the order of the class codes; with two the second one is the positive class.
    metrics : mapping of str to Interval
        Scores on the test split.
    confidence, n_bootstrap : float, int
        Level of the intervals, resamples behind them.
    metric, validation_score : str, float
        What the model was chosen by, and its score then.
    confusion : tuple of tuple of int, shape (n_classes, n_classes)
        True classes in rows.
    threshold : float, optional
        Where the positive class begins.
    calibration : str, optional
        The method; None: probabilities are as the members give them.
    importances : mapping of str to float
        Loss of score when a column is shuffled.
    figures : tuple of str
        Paths relative to the card.
    versions, provenance : mapping of str to str
        Of libraries; of the code and the run (git commit, command, session).
    openings, other_openings : int
        How often this test split has been opened, and other ones of the same source.
    audit : tuple of Finding
        What was odd about the table and its splits.
    drift : tuple of ColumnDrift
        The test rows' columns against those of training.
    unseen : mapping of str to int
        Categorical column to the number of test rows whose level the model does not know.
    """

    run_id: str
    model: str
    created: str
    source: str
    target: str
    classes: tuple[str, ...]
    splits: tuple[CardSplit, ...]
    metrics: Mapping[str, Interval]
    confidence: float
    n_bootstrap: int
    metric: str
    validation_score: float
    confusion: tuple[tuple[int, ...], ...]
    gate: CardGate
    openings: int
    members: tuple[CardMember, ...] = ()
    threshold: float | None = None
    calibration: str | None = None
    comparison: Comparison | None = None
    features: tuple[str, ...] = ()
    importances: Mapping[str, float] = field(default_factory=dict)
    figures: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    limitations: tuple[str, ...] = ()
    audit: tuple[Finding, ...] = ()
    drift: tuple[ColumnDrift, ...] = ()
    unseen: Mapping[str, int] = field(default_factory=dict)
    other_openings: int = 0
