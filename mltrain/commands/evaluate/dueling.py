"""Challenger against the reigning champion, on test rows that neither was developed on. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltrain.comparison import Comparison, compare
from mltrain.config import Config
from mltrain.data.target import label_text
from mltrain.errors import SchemaError
from mltrain.holdout import Holdout
from mltrain.metrics import Metric
from mltrain.model import Model
from mltrain.models import Proba
from mltrain.seen_rows import Recognised, SeenRows, recognise

# A score moves by about as much as the share of rows that were learnt by heart; 1 % is below what 10,000 rows tell.
TOLERATED = 0.01
# With ten rows of a class among a hundred, one resample in 20,000 has none of it; the percentiles stay defined.
FEWEST_ROWS, FEWEST_OF_A_CLASS = 100, 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Rival:
    """The reigning champion.

    Attributes
    ----------
    seen_rows : SeenRows, optional
        Which rows it was developed on; None where its artefact does not say.
    is_of_this_split : bool
        It was evaluated on this very test split before it was registered.
    """

    model: Model
    version: str
    seen_rows: SeenRows | None
    is_of_this_split: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Duel:
    """A comparison, or the reason why there is none.

    Attributes
    ----------
    note : str, optional
        Why the champion is no rival: it cannot predict these rows.
    incomparable : str, optional
        Why a comparison would not be fair.
    caution : str, optional
        What should be known of the comparison.
    """

    comparison: Comparison | None = None
    note: str | None = None
    incomparable: str | None = None
    caution: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ground:
    """Test rows to compare two models on, all of them where ``rows`` is None, or why there are none."""

    rows: NDArray[np.intp] | None = None
    caution: str | None = None
    incomparable: str | None = None


def duel(
    model: Model,
    rival: Rival,
    *,
    holdout: Holdout,
    proba: Proba,
    metric: Metric,
    config: Config,
    seen_rows: SeenRows | None,
) -> Duel:
    """Score the champion on the same rows; one that cannot read them, or knows other classes, is no rival.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        What the challenger predicts.
    seen_rows : SeenRows, optional
        Which rows the challenger was developed on.
    """
    champion = rival.model
    if champion.schema.target.classes != model.schema.target.classes:
        return Duel(note="not compared: the champion was trained for other classes")
    try:
        ground = _ground(model, rival, holdout=holdout, seen_rows=seen_rows)
        if ground.incomparable is not None:
            return Duel(incomparable=ground.incomparable)
        reigning = champion.proba(holdout.table)
    except SchemaError as error:
        return Duel(note=f"not compared: the champion cannot score these rows ({error.message})")
    rows = slice(None) if ground.rows is None else ground.rows
    comparison = compare(
        holdout.y[rows],
        proba[rows],
        reigning[rows],
        metric=metric,
        thresholds=(model.threshold, champion.threshold),
        n_bootstrap=config.evaluate.n_bootstrap,
        confidence=config.evaluate.confidence,
        seed=config.seed,
    )
    return Duel(comparison=comparison, caution=ground.caution)


def _ground(model: Model, rival: Rival, *, holdout: Holdout, seen_rows: SeenRows | None) -> _Ground:
    """Return the rows that neither was developed on, where the champion knows more of them than chance explains.

    Notes
    -----
    Rows of real tables are alike, and a model of this very split knows some of its test rows by chance. What the
    champion knows beyond that is what counts, beyond two standard deviations of the rows that one of them alone knows.
    """
    told = None if rival.seen_rows is None else _recognise(rival.seen_rows, rival.model, holdout)
    if told is None:
        return _Ground(caution=None if rival.is_of_this_split else _unknown(rival))
    own = None if seen_rows is None else _recognise(seen_rows, model, holdout)
    if own is None:
        own = Recognised(is_told=np.ones(len(holdout.y), dtype=bool), is_seen=np.zeros(len(holdout.y), dtype=bool))
    is_told = told.is_told & own.is_told
    n_alone = int(np.count_nonzero(is_told & told.is_seen & ~own.is_seen))
    n_own_alone = int(np.count_nonzero(is_told & own.is_seen & ~told.is_seen))
    tolerated = max(TOLERATED * np.count_nonzero(is_told), 2 * np.sqrt(n_alone + n_own_alone))
    if n_alone - n_own_alone <= tolerated:
        return _Ground()
    rows = np.flatnonzero(is_told & ~told.is_seen & ~own.is_seen)
    found = _found(rival, int(np.count_nonzero(is_told & told.is_seen)), is_told)
    counts = np.bincount(holdout.y[rows], minlength=model.schema.target.n_classes)
    if len(rows) < FEWEST_ROWS or np.count_nonzero(counts >= FEWEST_OF_A_CLASS) < 2:
        return _Ground(incomparable=f"{found}; {_too_few(counts, model)}")
    kept = f"the two are compared on the {len(rows):,} rows that neither was developed on"
    return _Ground(rows=rows, caution=f"{found}: {kept}")


def _recognise(seen: SeenRows, model: Model, holdout: Holdout) -> Recognised | None:
    return recognise(seen, holdout.table, holdout.y, schema=model.schema)


def _unknown(rival: Rival) -> str:
    """Say that a champion does not tell what it was developed on."""
    return (
        f"champion version {rival.version} comes from another split, and its artefact does not tell which rows it was "
        "developed on: if test rows are among them, the comparison favours it"
    )


def _found(rival: Rival, n_seen: int, is_told: NDArray[np.bool_]) -> str:
    """Say how many test rows the champion was developed on; of very many rows a part tells."""
    n_told = int(np.count_nonzero(is_told))
    whole = "" if n_told == len(is_told) else f" looked at, of {len(is_told):,}"
    return (
        f"champion version {rival.version} comes from another split and was developed on {n_seen:,} of the {n_told:,} "
        f"test rows{whole}"
    )


def _too_few(counts: Sequence[int] | NDArray[np.int64], model: Model) -> str:
    """Say how many rows are left to compare on, and how many would do."""
    labels = [label_text(label) for label in model.schema.target.classes]
    each = ", ".join(f"{label} {count:,}" for label, count in list(zip(labels, counts, strict=True))[:10])
    return (
        f"neither was developed on {sum(counts):,} of them ({each}), and a comparison wants {FEWEST_ROWS} rows, "
        f"{FEWEST_OF_A_CLASS} each of two classes"
    )
