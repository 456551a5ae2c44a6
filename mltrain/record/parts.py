"""The trials whose models make up a kept model, and their form in the record."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mltrain.candidate import Candidate
from mltrain.ensemble.voters import Searched
from mltrain.final_fit import FinalFit
from mltrain.search import Trial


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One trial's models inside a kept model.

    Attributes
    ----------
    weight : float
        Their share of the vote, all of them together; the shares of a model's parts sum to 1.
    sharpness : float
        What their log probabilities are multiplied by before the vote, on top of what the trial's folds have.
    final_fit : {"refit", "bag", "fold"}
        One model refitted on all rows, or the fold models.
    n_models : int
        How many models of it predict.
    n_refits : int
        How many of a vote's fold models were replaced, from the first on, by models fitted on all rows.
    trial : Trial
        Without predictions and curve where it was read from a record.
    """

    family: str
    weight: float
    final_fit: FinalFit
    n_models: int
    trial: Trial
    sharpness: float = 1.0
    n_refits: int = 0

    @property
    def label(self) -> str:
        """Name such as ``lgbm#3``."""
        return f"{self.family}#{self.trial.number}"


def parts_of(candidate: Candidate, family: str, *, searched: Sequence[Searched] = ()) -> tuple[Part, ...]:
    """Return what a candidate is made of.

    Parameters
    ----------
    family : str
        Of a candidate with a trial of its own.
    searched : sequence of Searched
        The families behind the weights of an ensemble.
    """
    if candidate.trial is not None:
        n_models = len(candidate.model.members)
        part = Part(family=family, weight=1.0, final_fit=candidate.final_fit, n_models=n_models, trial=candidate.trial)
        return (part,)
    # What the clock cut when it was fitted again is what votes.
    voting = [(one.study.name, t) for one in searched for t in (*one.study.trials, one.kept.trial) if t is not None]
    trials = {f"{name}#{trial.number}": (name, trial) for name, trial in voting}
    fits, models = candidate.member_fits or {}, candidate.member_models or {}
    sharpness, refits = candidate.sharpness or {}, candidate.member_refits or {}
    return tuple(
        Part(
            family=trials[label][0],
            weight=weight,
            final_fit=fits[label],
            n_models=models[label],
            trial=trials[label][1],
            sharpness=sharpness[label],
            n_refits=refits.get(label, 0),
        )
        for label, weight in (candidate.weights or {}).items()
        if label in trials
    )


def trial_row(trial: Trial) -> dict[str, Any]:
    """Return a trial as one row of a table; parameters are JSON text, in which floats survive exactly."""
    return {
        "number": trial.number,
        "state": trial.state,
        "score": trial.score,
        "fold_scores": [float(s) for s in trial.fold_scores],
        "n_rounds": [int(r) for r in trial.n_rounds],
        "sharpness": [float(s) for s in trial.sharpness],
        "seed": trial.seed,
        "threads": trial.threads,
        "seconds": trial.seconds,
        "notes": list(trial.notes),
        "error": trial.error,
        "params": json.dumps(dict(trial.params), sort_keys=True),
    }


def part_to_dict(part: Part) -> dict[str, Any]:
    """Return a part as JSON values; a fold without a score has null."""
    row = trial_row(part.trial)
    scores = [score if math.isfinite(score) else None for score in row["fold_scores"]]
    trial = row | {"fold_scores": scores, "params": dict(part.trial.params)}
    return {
        "family": part.family,
        "weight": part.weight,
        "sharpness": part.sharpness,
        "final_fit": part.final_fit,
        "n_models": part.n_models,
        "n_refits": part.n_refits,
        "trial": trial,
    }


def part_from_dict(entry: Mapping[str, Any]) -> Part:
    """Rebuild a part.

    Raises
    ------
    KeyError, TypeError, ValueError
        Something is missing, of another type, or does not go with the rest.
    """
    row = entry["trial"]
    trial = Trial(
        number=int(row["number"]),
        params=dict(row["params"]),
        state=row["state"],
        score=row["score"],
        fold_scores=tuple(math.nan if score is None else float(score) for score in row["fold_scores"]),
        n_rounds=tuple(int(n) for n in row["n_rounds"]),
        sharpness=tuple(float(s) for s in row["sharpness"]),
        seed=int(row["seed"]),
        threads=int(row["threads"]),
        seconds=float(row["seconds"]),
        notes=tuple(row["notes"]),
        error=row["error"],
    )
    if entry["final_fit"] not in ("refit", "bag", "fold"):
        raise ValueError(f"unknown final fit {entry['final_fit']!r}")
    part = Part(
        family=entry["family"],
        weight=float(entry["weight"]),
        final_fit=entry["final_fit"],
        n_models=int(entry["n_models"]),
        trial=trial,
        sharpness=float(entry["sharpness"]),
        n_refits=int(entry["n_refits"]),
    )
    _check(part)
    return part


def _check(part: Part) -> None:
    """Refuse a part that no fit could have left."""
    trial = part.trial
    if trial.state not in ("complete", "cut"):
        raise ValueError(f"the trial of {part.label} is {trial.state!r}, so that it has no models")
    if not len(trial.fold_scores) == len(trial.n_rounds) == len(trial.sharpness) > 0:
        raise ValueError(f"the folds of {part.label} differ in number")
    if min(trial.n_rounds) < 0 or not all(0 < s < math.inf for s in (part.weight, part.sharpness, *trial.sharpness)):
        raise ValueError(f"the weight, sharpness or rounds of {part.label} are out of range")
    if not 0 <= part.n_refits <= part.n_models or part.n_models < 1:
        raise ValueError(f"{part.label} has {part.n_refits} refits among {part.n_models} models")
