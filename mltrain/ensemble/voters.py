"""Which trials of the searched families may vote, with what predictions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mltrain.calibration import MOST_SHARPNESS, fit_sharpness, sharpen
from mltrain.candidate import Candidate, validated_y
from mltrain.metrics import Metric
from mltrain.prediction_cost import prediction_s
from mltrain.preprocessing import Encoder
from mltrain.search import SearchJob, Study, Trial, contenders, fit_folds_s, variant_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """A family whose search has ended and whose candidate is kept."""

    job: SearchJob
    study: Study
    encoder: Encoder
    kept: Candidate


def without_data(searched: Searched) -> Searched:
    """Return a family without its rows, what its fits shared, and the predictions of trials that will not vote.

    Each is as large as a part of the table. Its voters keep the fits that they have: none can be fitted again.
    """
    view = replace(searched.job.view, X=searched.job.view.X[:0].copy())  # a slice alone would hold on to the whole
    voters = {trial.number for trial in contenders(searched.study.trials, searched.job)}
    if searched.kept.trial is not None:
        voters.add(searched.kept.trial.number)
    trials = tuple(trial if trial.number in voters else replace(trial, proba=None) for trial in searched.study.trials)
    study = replace(searched.study, prepared=None, trials=trials)
    return replace(searched, job=replace(searched.job, view=view), study=study)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Voter:
    """A trial that may vote; ``proba`` are its out-of-fold predictions, sharpened.

    Attributes
    ----------
    is_at_hand : bool
        Whether its models are in memory; after a resume they are fitted again.
    """

    searched: Searched
    trial: Trial
    proba: NDArray[np.float64]
    sharpness: float
    is_at_hand: bool

    @property
    def label(self) -> str:
        """What the record calls it."""
        return f"{self.searched.study.name}#{self.trial.number}"

    @property
    def cost_s(self) -> float:
        """Core-seconds that one of its models takes for 1,000 rows."""
        return prediction_s(self.searched.job, self.trial.params, self.trial.n_rounds) / len(self.trial.n_rounds)


def find_voters(searched: Sequence[Searched], metric: Metric, *, n_cores: int, deadline: float | None) -> list[Voter]:
    """Return the contenders of each family: those at hand, and those that ``n_cores`` can fit again in time."""
    voters = []
    y = validated_y(searched[0].job)
    spare_s = float("inf") if deadline is None else max(0.5 * (deadline - time.monotonic()), 0.0)
    for family in searched:
        for trial in _contenders(family):
            at_hand = trial is family.kept.trial or trial.number in family.study.models
            if not at_hand and not family.job.view.n_samples:
                continue
            again_s = 0.0 if at_hand else fit_folds_s(trial, n_cores=n_cores)
            if again_s <= spare_s and trial.proba is not None:
                spare_s -= again_s
                # What its folds were sharpened by counts: together no more than one of the two may do alone.
                most = MOST_SHARPNESS / max(trial.mean_sharpness, 1.0)
                sharpness = min(fit_sharpness(trial.proba, y), most)
                proba = sharpen(trial.proba.astype(np.float64), sharpness)
                voter = Voter(searched=family, trial=trial, proba=proba, sharpness=sharpness, is_at_hand=at_hand)
                voters.append(voter)
    return sorted(voters, key=lambda v: (v.trial.score or 0.0) * (-1 if metric.greater_is_better else 1))


def _contenders(family: Searched) -> list[Trial]:
    """Return the contenders of a family and the trial that it keeps, as its models are: the clock may have cut them."""
    kept = family.kept.trial
    trials = contenders(family.study.trials, family.job)
    if kept is None:
        return list(trials)
    return [kept, *(trial for trial in trials if trial.number != kept.number)]


def kinds_of(voters: Sequence[Voter]) -> tuple[int, ...]:
    """Return the number of each voter's kind: its family, or, where that has several variants, its variant."""
    kinds = [(voter.searched.study.name, variant_of(voter.searched.job, voter.trial.params)) for voter in voters]
    return tuple(kinds.index(kind) for kind in kinds)
