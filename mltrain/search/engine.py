"""The loop of a search: propose, fit, race, record, until the trials or the clock run out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from typing import Any, TypeAlias

from mltrain.errors import Interrupted
from mltrain.events import FamilyStarted, Listener, TrialFinished
from mltrain.models import Fitted
from mltrain.search.attempt import Attempt, cut_off, settle
from mltrain.search.executor import Executor
from mltrain.search.fitting import FoldOutcome, make_call, prepare, run_fit
from mltrain.search.job import SearchJob
from mltrain.search.journal import Journal
from mltrain.search.narrowing import limit_trials, make_plan
from mltrain.search.schedule import Clock, TaskQueue, can_end_in_time
from mltrain.search.seeds import derive
from mltrain.search.sequence import Proposal, Sequence
from mltrain.search.trial import Trial, best_score, rank_trials

_LAST_WORD_S = 2.0

Reserve: TypeAlias = Callable[[Trial | None, bool], float]


class Engine:
    """One search while it runs; used once.

    Attributes
    ----------
    trials : dict of number to Trial
        Those of the journal and those that ended here.
    models : dict of number to fold models
        Of the best trials fitted here.
    prepared : object, optional
        What all fits share, made before the first one.
    """

    def __init__(
        self,
        job: SearchJob,
        journal: Journal,
        *,
        executor: Executor,
        clock: Clock,
        listener: Listener,
        reserve: Reserve | None = None,
    ) -> None:
        plan = make_plan(job.space, job.first_trials, fixed=job.fixed)
        self._below = limit_trials(plan, job.max_trials)
        if self._below is None and clock.deadline is None:
            raise ValueError("a search needs max_trials or a deadline")
        self._job, self._journal, self._executor = job, journal, executor
        self._clock, self._listener = clock, listener
        self._last_deadline, self._reserve = clock.deadline, reserve
        self._y_valid = job.y[job.valid_rows]
        within = {n: t for n, t in journal.trials.items() if not self._below or n < self._below}
        finished = {number: trial for number, trial in within.items() if trial.state != "cut"}
        self._sequence = Sequence(job.name, plan, metric=job.metric, seed=job.seed, lag=job.lag, finished=finished)
        self.trials: dict[int, Trial] = within
        self.n_resumed = len(finished)
        self.models: dict[int, tuple[Fitted, ...]] = {}
        self.prepared: Any = None
        self._attempts: dict[int, Attempt] = {}
        self._queue = TaskQueue()
        self._running: dict[Future[FoldOutcome], tuple[Attempt, int]] = {}
        self._keep_time_back()

    def run(self) -> None:
        """Search until nothing is left to do."""
        timeout_s = None if self._clock.deadline is None else self._clock.deadline - self._clock.started
        self._listener(
            FamilyStarted(model=self._job.name, max_trials=self._below, timeout_s=timeout_s, n_resumed=self.n_resumed)
        )
        try:
            while self._fill_slots():
                self._collect(self._clock.patience_s)
                if self._clock.is_over:
                    self._drop_queued()
                if self._clock.is_beyond_grace and self._has_model():
                    break
            self._cut_remaining()
        except (KeyboardInterrupt, Interrupted):
            self._stop_fits()
            self._collect_last_words()
            raise
        finally:
            self._stop_fits()

    def _fill_slots(self) -> bool:
        """Give every free slot a fit and one to spare; say whether anything runs."""
        while len(self._running) <= self._executor.n_slots:
            task = self._next_task()
            if task is None:
                break
            self._submit(*task)
        return bool(self._running)

    def _next_task(self) -> tuple[Attempt, int] | None:
        """Return the fold to run next: certain ones first, then new trials, then guesses."""
        task = self._queue.pop(self._wanted(), firm=True)
        while task is None and self._may_start():
            proposal = self._sequence.propose(self._below)
            if proposal is None:
                break
            self._begin(proposal)
            task = self._queue.pop(self._wanted(), firm=True)
        return task or self._queue.pop(self._wanted(), firm=False)

    def _wanted(self) -> dict[int, Attempt]:
        """Return the trials that may get slots: after the deadline one, while there is no model."""
        if not self._clock.is_over:
            return self._attempts
        if self._has_model() or not self._attempts:
            return {}
        rescued = self._attempts[min(self._attempts)]
        self._queue.add(rescued)
        return {rescued.number: rescued}

    def _may_start(self) -> bool:
        """Say whether a new trial could come to something before the deadline."""
        if self._clock.is_over:
            return not self._has_model() and not self._attempts and len(self.trials) < self._job.lag
        n_ahead = sum(attempt.n_folds - len(attempt.outcomes) for attempt in self._attempts.values())
        return can_end_in_time(
            self.trials.values(),
            n_folds=len(self._job.folds),
            n_folds_ahead=n_ahead,
            n_slots=self._executor.n_slots,
            seconds_left=self._clock.seconds_left,
        )

    def _has_model(self) -> bool:
        """Say whether any trial has a score."""
        return any(trial.score is not None for trial in self.trials.values())

    def _begin(self, proposal: Proposal) -> None:
        """Queue the folds of a new trial."""
        seed = derive(self._job.seed, self._job.name, proposal.number)
        attempt = Attempt(
            proposal=proposal,
            n_folds=len(self._job.folds),
            seed=seed,
            threads=self._executor.threads_per_slot,
        )
        self._attempts[attempt.number] = attempt
        self._queue.add(attempt)

    def _submit(self, attempt: Attempt, fold: int) -> None:
        """Hand one fit to the executor."""
        if self.prepared is None:
            self.prepared = prepare(self._job, self._executor)
        watched = fold == 0 and attempt.proposal.bar is not None
        call = make_call(
            self._job,
            self.prepared,
            fold=fold,
            params=attempt.proposal.params,
            number=attempt.number,
            executor=self._executor,
            deadline=self._clock.fit_deadline,
        )
        call = replace(call, stop=attempt.stop, bar=attempt.proposal.bar if watched else None)
        attempt.submitted.add(fold)
        self._running[self._executor.submit(run_fit, call)] = (attempt, fold)

    def _collect(self, timeout_s: float | None) -> None:
        """Wait for a fit to end and take what has ended."""
        done, _ = wait(self._running, timeout=timeout_s, return_when=FIRST_COMPLETED)
        for future in done:
            attempt, fold = self._running.pop(future)
            if not future.cancelled():
                self._take(attempt, fold, future.result())

    def _take(self, attempt: Attempt, fold: int, outcome: FoldOutcome) -> None:
        """Add one fold to its trial, which may end by it."""
        fitted = outcome.fitted
        if attempt.stop.is_set() and fitted is not None and fitted.stopped == "pruned":
            return
        if attempt.number not in self._attempts:
            return
        attempt.outcomes[fold] = outcome
        trial = settle(attempt, metric=self._job.metric, y_valid=self._y_valid)
        if trial is None:
            self._queue.add(attempt)
            return
        if trial.state == "failed" and self._clock.is_over:  # the clock may be what it failed of
            trial = cut_off(attempt, metric=self._job.metric, y_valid=self._y_valid)
        self._end(attempt, trial)

    def _end(self, attempt: Attempt, trial: Trial) -> None:
        """Record a trial that ended and say so."""
        attempt.stop.set()
        del self._attempts[attempt.number]
        self._journal.append(trial)
        self._sequence.record(trial)
        known = self.trials.get(trial.number)
        if known is None or trial.score is not None or trial.state != "cut":
            self.trials[trial.number] = trial
            self._keep_models(attempt, trial)
            self._keep_time_back()
        self._listener(
            TrialFinished(
                model=self._job.name,
                number=trial.number,
                state=trial.state,
                score=trial.score,
                best_score=best_score(self.trials.values(), self._job.metric),
                n_finished=sum(known.state != "cut" for known in self.trials.values()),
                seconds=trial.seconds,
            )
        )

    def _keep_time_back(self) -> None:
        """Move the deadline forward by what the best trial so far needs afterwards; fits that run keep theirs."""
        if self._last_deadline is None or self._reserve is None:
            return
        best = next(iter(rank_trials(self.trials.values(), self._job.metric)), None)
        is_at_hand = best is not None and best.number in self.models
        self._clock = replace(self._clock, deadline=self._last_deadline - self._reserve(best, is_at_hand))

    def _keep_models(self, attempt: Attempt, trial: Trial) -> None:
        """Keep the fold models of the best trials fitted here and let go of the others."""
        if trial.score is None:
            return
        self.models[trial.number] = attempt.fitted()
        at_hand = [known for number, known in self.trials.items() if number in self.models]
        best = rank_trials(at_hand, self._job.metric)[: self._job.keep_models]
        self.models = {known.number: self.models[known.number] for known in best}

    def _drop_queued(self) -> None:
        """After the deadline, take back what no slot has begun, but for the trial that must give a model."""
        wanted = self._wanted()
        for future, (attempt, fold) in list(self._running.items()):
            if attempt.number not in wanted and future.cancel():
                del self._running[future]
                attempt.submitted.discard(fold)

    def _cut_remaining(self) -> None:
        """Record the trials that the clock left unfinished; those that never began are not worth a word."""
        for attempt in sorted(self._attempts.values(), key=lambda attempt: attempt.number):
            if attempt.submitted:
                self._end(attempt, cut_off(attempt, metric=self._job.metric, y_valid=self._y_valid))

    def _stop_fits(self) -> None:
        """Let running fits end at their next round and drop the others."""
        for attempt, _ in self._running.values():
            attempt.stop.set()
        for future in self._running:
            future.cancel()

    def _collect_last_words(self) -> None:
        """After an interrupt, take the fits that ended by themselves."""
        done, _ = wait(self._running, timeout=_LAST_WORD_S)
        for future in done:
            attempt, fold = self._running.pop(future)
            if not future.cancelled() and future.exception() is None:
                self._take(attempt, fold, future.result())
