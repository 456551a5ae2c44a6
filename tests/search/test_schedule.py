from __future__ import annotations

import math
import time

import pytest

from mltrain.search.attempt import Attempt
from mltrain.search.fitting import FoldOutcome
from mltrain.search.pruning import Bar
from mltrain.search.schedule import Clock, TaskQueue
from mltrain.search.sequence import Proposal

BAR = Bar(worst_score=0.0, greater_is_better=True, worst_loss=math.inf)


def make_attempt(number, *, bar=None):
    return Attempt(proposal=Proposal(number=number, params={}, bar=bar), n_folds=3, order=number, seed=0, threads=1)


def drain(queue, attempts, *, firm):
    order = []
    while (task := queue.peek(attempts, firm=firm)) is not None:
        task.attempt.submitted.add(task.fold)
        order.append((task.attempt.number, task.fold))
    return order


def test_earlier_trials_go_first_and_guesses_last():
    attempts = {5: make_attempt(5), 3: make_attempt(3, bar=BAR), 4: make_attempt(4)}
    queue = TaskQueue()
    for attempt in attempts.values():
        queue.add(attempt)

    assert drain(queue, attempts, firm=True) == [(3, 0), (4, 0), (4, 1), (4, 2), (5, 0), (5, 1), (5, 2)]
    assert drain(queue, attempts, firm=False) == [(3, 1), (3, 2)]


def test_folds_become_certain_when_fold_0_was_good_enough():
    attempts = {3: make_attempt(3, bar=BAR)}
    queue = TaskQueue()
    queue.add(attempts[3])
    first = drain(queue, attempts, firm=True)
    attempts[3].outcomes[0] = FoldOutcome(fitted=None, score=1.0)
    queue.add(attempts[3])

    assert first == [(3, 0)]
    assert drain(queue, attempts, firm=True) == [(3, 1), (3, 2)]
    assert drain(queue, attempts, firm=False) == []


def test_folds_of_a_trial_that_is_over_are_dropped():
    attempts = {3: make_attempt(3), 4: make_attempt(4)}
    queue = TaskQueue()
    for attempt in attempts.values():
        queue.add(attempt)
    del attempts[3]

    assert drain(queue, attempts, firm=True) == [(4, 0), (4, 1), (4, 2)]


def test_fits_stop_a_little_before_the_clock():
    started = time.monotonic()

    assert Clock(started=started, deadline=started + 10).fit_deadline == pytest.approx(started + 9.5)
    assert Clock(started=started, deadline=started + 1000).fit_deadline == pytest.approx(started + 999)
    assert Clock(started=started, deadline=None).fit_deadline is None


def test_a_clock_without_an_end_never_runs_out():
    clock = Clock(started=0.0, deadline=None)

    assert not clock.is_over
    assert not clock.is_beyond_grace
    assert clock.seconds_left == math.inf
    assert clock.patience_s is None


def test_no_fit_begins_when_fits_have_to_stop():
    now = time.monotonic()
    closing = Clock(started=now - 10, deadline=now + 0.3)

    assert closing.is_over
    assert not closing.is_beyond_grace
    assert closing.patience_s == pytest.approx(1.3, abs=0.1)


def test_a_clock_allows_one_last_round():
    now = time.monotonic()
    over = Clock(started=now - 10, deadline=now - 0.5)

    assert over.is_over
    assert over.seconds_left == 0.0
    assert not over.is_beyond_grace
    assert Clock(started=now - 10, deadline=now - 1.5).is_beyond_grace
