"""The loop of a search over families: begin, fit, race, record, until the trials or the clock run out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace

from mltrain.errors import Interrupted, MltrainError
from mltrain.events import FamilyStarted, Listener, Notice
from mltrain.models.boosting import trees_per_round
from mltrain.models.traits import traits_of
from mltrain.search.allotment import Allotment, Ends
from mltrain.search.executor import Executor
from mltrain.search.fitting import FitCall, FoldOutcome, make_call, prepare, run_fit
from mltrain.search.open_study import OpenStudy
from mltrain.search.schedule import Task, TaskQueue
from mltrain.search.sequence import Proposal
from mltrain.search.threads import measure_threads
from mltrain.search.trial import Trial, best_score

_LAST_WORD_S = 2.0
_SETTLED = "more trials no longer improve a vote of the best ones; the search ends early"


class Engine:
    """One search over families while it runs; used once."""

    def __init__(
        self, studies: Sequence[OpenStudy], *, executor: Executor, ends: Ends, started: float, listener: Listener
    ) -> None:
        if ends.deadline is None and any(study.below is None for study in studies):
            raise ValueError("a search needs max_trials or a deadline")
        self._studies, self._executor, self._listener = studies, executor, listener
        self._allotment = Allotment(studies, n_cores=executor.n_cores, ends=ends, started=started)
        self._queue = TaskQueue()
        self._owners: dict[int, OpenStudy] = {}
        self._running: dict[Future[FoldOutcome], Task] = {}

    def run(self) -> bool:
        """Search until nothing is left to do, and say whether that was because more trials no longer help."""
        clock = self._allotment.clock
        timeout_s = None if clock.deadline is None else clock.deadline - clock.started
        for study in self._studies:
            event = FamilyStarted(
                model=study.job.name,
                max_trials=study.below,
                timeout_s=timeout_s,
                n_resumed=study.n_resumed,
                best_score=best_score(study.trials.values(), study.job.metric),
            )
            self._listener(event)
        try:
            self._open_all()
            self._loop()
            self._cut_remaining()
        except (KeyboardInterrupt, Interrupted):
            self._stop_fits()
            self._collect_last_words()
            raise
        finally:
            self._stop_fits()
        return self._allotment.is_settled

    def _open_all(self) -> None:
        """Get every family ready before the first fit: later each would have to wait until all cores are free."""
        for study in self._studies:
            if not self._allotment.clock.is_over and study.peek() is not None:
                self._open(study)

    def _loop(self) -> None:
        while self._fill_cores():
            self._collect(self._allotment.clock.patience_s)
            if self._allotment.clock.is_over:
                self._wind_up()
            if self._allotment.clock.is_beyond_grace and self._allotment.has_model:
                break

    def _fill_cores(self) -> bool:
        """Keep every core busy and, where fits are small, one fit waiting; say whether anything runs."""
        while (task := self._next_task()) is not None and self._has_room(task.attempt.threads):
            self._submit(task)
        return bool(self._running)

    def _has_room(self, threads: int) -> bool:
        busy = sum(task.attempt.threads for task in self._running.values())
        n_spare = 1 if threads == 1 and busy == len(self._running) else 0
        return not self._running or busy + threads <= self._executor.n_cores + n_spare

    def _next_task(self) -> Task | None:
        """Return the fold to run next: certain ones first, then new trials, then guesses."""
        task = self._queue.peek(self._wanted(), firm=True)
        if task is None and self._has_room(1) and self._begin_next():
            task = self._queue.peek(self._wanted(), firm=True)
        return task or self._queue.peek(self._wanted(), firm=False)

    def _wanted(self) -> dict[int, OpenStudy]:
        """Return the attempts that may get cores: after the deadline one, while there is no model."""
        attempts = {attempt.order: study for study in self._studies for attempt in study.attempts}
        if not self._allotment.clock.is_over or not attempts:
            return attempts
        if self._allotment.has_model:
            return {}
        first = min(attempts)
        self._queue.add(next(attempt for attempt in attempts[first].attempts if attempt.order == first))
        return {first: attempts[first]}

    def _begin_next(self) -> bool:
        """Begin the trial that is worth most; False when none may begin, or its family needs all cores to get ready."""
        while (study := self._allotment.next_family()) is not None:
            if study.prepared is None and self._running:
                return False
            if study.prepared is not None or self._open(study):
                attempt = study.begin(order=len(self._owners))
                self._owners[attempt.order] = study
                self._queue.add(attempt)
                return True
        return False

    def _open(self, study: OpenStudy) -> bool:
        """Make what all fits of a family share and measure its threads; False when the family broke."""
        started = time.monotonic()
        proposal = study.peek()
        assert proposal is not None
        future = self._executor.submit(prepare, study.job, self._executor.n_cores, proposal.params)
        error = future.exception()
        if error is not None:
            self._break_off(study, error)
            return False
        study.prepared, study.prepare_s = future.result(), time.monotonic() - started
        call = self._call(study, proposal, fold=0, threads=1, deadline=self._allotment.clock.fit_deadline)
        n_cells = study.job.view.n_samples * study.job.view.n_features
        grows_several = traits_of(study.job.family).grows_tree_per_class
        n_trees = trees_per_round(study.job.objective.n_classes) if grows_several else 1
        study.threads = measure_threads(call, self._executor, n_cells=n_cells, n_trees=n_trees)
        study.used_s += (time.monotonic() - started) * self._executor.n_cores
        return True

    def _submit(self, task: Task) -> None:
        """Hand one fit to the executor."""
        attempt, study = task.attempt, self._owners[task.attempt.order]
        attempt.submitted.add(task.fold)
        deadline = self._allotment.fit_deadline(study)
        call = self._call(study, attempt.proposal, fold=task.fold, threads=attempt.threads, deadline=deadline)
        call = replace(
            call,
            share_s=self._allotment.fit_share_s(study, attempt),
            stop=attempt.stop,
            hurry=attempt.hurry,
            bar=attempt.proposal.bar if task.fold == 0 else None,
        )
        self._running[self._executor.submit(run_fit, call)] = task

    def _call(
        self, study: OpenStudy, proposal: Proposal, *, fold: int, threads: int, deadline: float | None
    ) -> FitCall:
        return make_call(
            study.job,
            study.prepared,
            fold=fold,
            params=proposal.params,
            number=proposal.number,
            threads=threads,
            deadline=deadline,
        )

    def _collect(self, timeout_s: float | None) -> None:
        """Wait for a fit to end and take what has ended."""
        done, _ = wait(self._running, timeout=timeout_s, return_when=FIRST_COMPLETED)
        for future in done:
            task = self._running.pop(future)
            if not future.cancelled():
                self._take(task, future)

    def _take(self, task: Task, future: Future[FoldOutcome]) -> None:
        """Add one fold to its trial, which may end by it."""
        study = self._owners[task.attempt.order]
        error = future.exception()
        if error is not None:
            self._break_off(study, error)
            return
        trial = study.take(task.attempt, task.fold, outcome=future.result(), is_over=self._allotment.clock.is_over)
        if trial is not None:
            self._announce(study, trial)
        elif task.attempt in study.attempts:
            self._queue.add(task.attempt)

    def _break_off(self, study: OpenStudy, error: BaseException) -> None:
        """End the study of a family that broke; what is ours or the user's ends the search."""
        if isinstance(error, MltrainError) or not isinstance(error, Exception):
            raise error
        study.break_off(error)

    def _announce(self, study: OpenStudy, trial: Trial) -> None:
        """Say that a trial ended, and what follows from it."""
        self._listener(study.finished(trial))
        was_settled = self._allotment.is_settled
        self._allotment.note_end()
        if self._allotment.is_settled and not was_settled:
            self._listener(Notice(message=_SETTLED, level="info"))

    def _wind_up(self) -> None:
        """After the deadline, take back what no core has begun and hurry what runs, but for what must give a model."""
        wanted = self._wanted()
        for future, task in list(self._running.items()):
            if task.attempt.order in wanted:
                continue
            task.attempt.hurry.set()
            if future.cancel():
                del self._running[future]
                task.attempt.submitted.discard(task.fold)

    def _cut_remaining(self) -> None:
        """Record the trials that the clock left unfinished; those that never began are not worth a word."""
        for study in self._studies:
            for attempt in study.attempts:
                if attempt.submitted:
                    self._listener(study.finished(study.cut(attempt)))

    def _stop_fits(self) -> None:
        """Let running fits end when they next look at their losses and drop the others."""
        for future, task in self._running.items():
            task.attempt.stop.set()
            future.cancel()

    def _collect_last_words(self) -> None:
        """After an interrupt, take the fits that ended by themselves."""
        done, _ = wait(self._running, timeout=_LAST_WORD_S)
        for future in done:
            task = self._running.pop(future)
            if not future.cancelled() and future.exception() is None:
                self._take(task, future)
