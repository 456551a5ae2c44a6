"""One family's study while it is searched: what was tried, what runs, what comes next."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from mltrain.events import TrialFinished
from mltrain.metrics import Metric, is_better
from mltrain.models import Fitted
from mltrain.models.shape import rarest_share
from mltrain.models.traits import traits_of
from mltrain.search.attempt import Attempt, cut_off, settle
from mltrain.search.contenders import best_of_all_sorts, contenders
from mltrain.search.fitting import FoldOutcome
from mltrain.search.job import SearchJob
from mltrain.search.journal import Journal
from mltrain.search.narrowing import limit_trials, make_plan
from mltrain.search.scoring import score_of
from mltrain.search.seeds import derive
from mltrain.search.sequence import Proposal, Sequence
from mltrain.search.trial import Trial, best_score, rank_trials
from mltrain.space import Params
from mltrain.voting import MOST_PICKED_FROM

logger = logging.getLogger(__name__)


class OpenStudy:
    """One study while it is searched; used once.

    Attributes
    ----------
    trials : dict of number to Trial
        Those of the journal and those that ended here.
    models : dict of number to fold models
        Of the best trials fitted here.
    prepared : object, optional
        What all fits share, made before the first one.
    threads : int
        Threads of each fit.
    n_begun : int
        Trials that this process began, those that it ran again included.
    prepare_s : float
        Wall clock that it took to make ``prepared``.
    used_s, fits_s : float
        Core-seconds of what ended here: preparation and fits, fits alone.
    broken : Exception, optional
        What the family raised that no family should; its study is over.
    """

    def __init__(self, job: SearchJob, journal: Journal) -> None:
        plan = make_plan(job.space, job.first_trials, fixed=job.fixed, defaults=traits_of(job.family).defaults)
        self.job = job
        self.below = limit_trials(plan, job.max_trials)
        self.n_first_trials = len(plan.first_trials)
        within = {n: t for n, t in journal.trials.items() if not self.below or n < self.below}
        finished = {number: trial for number, trial in within.items() if trial.state != "cut"}
        self.trials: dict[int, Trial] = within
        self.n_resumed = len(finished)
        self.models: dict[int, tuple[Fitted, ...]] = {}
        self.prepared: Any = None
        self.prepare_s = 0.0
        self.threads = 1
        self.n_begun = 0
        self.used_s = 0.0
        self.fits_s = 0.0
        self.broken: Exception | None = None
        self._journal = journal
        self._sequence = Sequence(job.name, plan, metric=job.metric, seed=job.seed, lag=job.lag, finished=finished)
        n_train = round(float(np.mean([len(fold.train) for fold in job.folds])))
        self._shape = job.view.describe(
            n_classes=job.objective.n_classes, n_samples=n_train, rarest=rarest_share(job.y)
        )
        for trial in self._with_predictions():
            self.trials[trial.number] = replace(trial, proba=journal.predictions(trial.number))
        self._score = partial(score_of, job)
        self._attempts: dict[int, Attempt] = {}
        self._next: Proposal | None = None
        self._cut: list[Proposal] = []
        self._rates: dict[str, list[float]] = {"complete": [], "cut": []}
        self._complete_s = self._pruned_s = self._pruned_work = 0.0
        for trial in within.values():
            self._note_cost(trial)

    @property
    def has_model(self) -> bool:
        """Whether any trial has a score."""
        return any(trial.score is not None for trial in self.trials.values())

    @property
    def best(self) -> Trial | None:
        """The best trial so far."""
        return next(iter(rank_trials(self.trials.values(), self.job.metric)), None)

    @property
    def attempts(self) -> list[Attempt]:
        """Trials that are not over, in number order."""
        return [self._attempts[number] for number in sorted(self._attempts)]

    def peek(self) -> Proposal | None:
        """Return the trial to begin next, or None while it has to wait or when there is none."""
        if self._next is None and self.broken is None:
            self._next = self._sequence.propose(self.below)
            # What the clock cut before the end is run again when nothing else can be: the sampler waits for it.
            if self._next is None and self._cut and not self._attempts:
                self._next = self._cut.pop(0)
        return self._next

    @property
    def has_more(self) -> bool:
        """Whether trials are left: begun ones, cut ones, or such as were never begun."""
        return self.broken is None and (bool(self._attempts) or self.peek() is not None)

    def begin(self, *, order: int) -> Attempt:
        """Turn the next proposal into an attempt."""
        proposal = self.peek()
        assert proposal is not None
        self._next = None
        self.n_begun += 1
        attempt = Attempt(
            proposal=proposal,
            n_folds=len(self.job.folds),
            order=order,
            seed=derive(self.job.seed, self.job.name, proposal.number),
            threads=self.threads,
        )
        self._attempts[attempt.number] = attempt
        return attempt

    def forecast_s(self, proposal: Proposal) -> float | None:
        """Return the core-seconds that all folds of a trial will take, or None while nothing is known.

        Notes
        -----
        Work of the trial, as its family reckons it, times the median seconds per work of the trials that ended; while
        the clock cut all of them, they say at least what would not be enough.
        """
        rates = self._rates["complete"] or self._rates["cut"]
        return float(np.median(rates)) * self._work(proposal.params) if rates else None

    @property
    def share_run(self) -> float:
        """The part of their forecast that trials took, those that were given up included; 1 before any was."""
        if not self._rates["complete"] or not self._pruned_work:
            return 1.0
        whole_s = float(np.median(self._rates["complete"])) * self._pruned_work
        return (self._complete_s + self._pruned_s) / (self._complete_s + whole_s)

    def take(self, attempt: Attempt, fold: int, *, outcome: FoldOutcome, is_over: bool) -> Trial | None:
        """Add one fold to its trial; return the trial when it ended by it.

        Parameters
        ----------
        is_over : bool
            The clock has run out, which may be what a fit failed of.
        """
        self.used_s += outcome.seconds * attempt.threads
        self.fits_s += outcome.seconds * attempt.threads
        fitted = outcome.fitted
        if attempt.stop.is_set() and fitted is not None and fitted.stopped == "pruned":
            return None
        if self._attempts.get(attempt.number) is not attempt:  # it ended, and its trial may run again by now
            return None
        attempt.outcomes[fold] = outcome
        trial = settle(attempt, score=self._score)
        if trial is not None and trial.state == "failed" and is_over:
            trial = cut_off(attempt, score=self._score)
        if trial is not None:
            self._end(attempt, trial)
        return trial

    def cut(self, attempt: Attempt) -> Trial:
        """End an attempt as the clock left it."""
        trial = cut_off(attempt, score=self._score)
        self._end(attempt, trial)
        return trial

    def break_off(self, error: Exception) -> None:
        """End the study: its family raised what is no matter of a trial."""
        logger.info("the search of %s broke off", self.job.name, exc_info=error)
        # The traceback would hold on to the data of the fit that raised it.
        self.broken = error.with_traceback(None)
        for attempt in self._attempts.values():
            attempt.stop.set()
        self._attempts.clear()

    def finished(self, trial: Trial) -> TrialFinished:
        """Return the event that says that a trial ended."""
        return TrialFinished(
            model=self.job.name,
            number=trial.number,
            state=trial.state,
            score=trial.score,
            best_score=best_score(self.trials.values(), self.job.metric),
            n_finished=sum(known.state != "cut" for known in self.trials.values()),
            seconds=trial.seconds,
        )

    def _work(self, params: Params) -> float:
        """Return the family's own measure of the work of all folds of a trial."""
        return len(self.job.folds) * self.job.family.work(params, self._shape)

    def _note_cost(self, trial: Trial) -> None:
        """Learn the core-seconds that a unit of work takes, and how much of it is spared by giving trials up."""
        if trial.score is not None and trial.state in self._rates:
            self._rates[trial.state].append(trial.core_s / self._work(trial.params))
        if trial.state == "complete":
            self._complete_s += trial.core_s
        elif trial.state == "pruned":
            self._pruned_s += trial.core_s
            self._pruned_work += self._work(trial.params)

    def _end(self, attempt: Attempt, trial: Trial) -> None:
        """Record a trial that ended."""
        attempt.stop.set()
        del self._attempts[attempt.number]
        self._sequence.record(trial)
        self._note_cost(trial)
        if trial.state == "cut":
            self._cut.append(attempt.proposal)
        known = self.trials.get(trial.number)
        if known is None or known.state != "cut" or trial.state != "cut" or _is_better(trial, known, self.job.metric):
            self._journal.append(trial)
            self.trials[trial.number] = trial
            self._keep_models(attempt, trial)
            self._let_go_of_predictions()

    def _let_go_of_predictions(self) -> None:
        """Keep the predictions of some trials alone; the journal has those of all."""
        kept = {trial.number for trial in self._with_predictions()}
        for number, trial in self.trials.items():
            if trial.proba is not None and number not in kept:
                self.trials[number] = replace(trial, proba=None)

    def _with_predictions(self) -> tuple[Trial, ...]:
        """Return the trials whose predictions are in memory: the best ones of all sorts."""
        ranked = rank_trials(self.trials.values(), self.job.metric)
        return best_of_all_sorts(ranked, self.job, n=MOST_PICKED_FROM)

    def _keep_models(self, attempt: Attempt, trial: Trial) -> None:
        """Keep the fold models of the trials fitted here that may vote and let go of the others."""
        if trial.score is None:
            return
        self.models[trial.number] = attempt.fitted()
        at_hand = [known for number, known in self.trials.items() if number in self.models]
        self.models = {known.number: self.models[known.number] for known in contenders(at_hand, self.job)}


def _is_better(trial: Trial, known: Trial, metric: Metric) -> bool:
    """Say whether one cut trial is worth more than another of its number."""
    if trial.score is None or known.score is None:
        return known.score is None
    return is_better(metric, trial.score, known.score)
