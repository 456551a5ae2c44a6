from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

from mltrain.calibration import fit_sharpness, sharpen
from mltrain.metrics import resolve
from mltrain.search import poll as poll_module
from mltrain.search.poll import Poll
from mltrain.search.trial import Trial

Y = np.tile([0, 1], 200)


@dataclass
class Job:
    name: str
    metric: object = field(default_factory=lambda: resolve("log_loss", n_classes=2))
    family: object = None
    n_voters: int = 3


@dataclass
class Study:
    """What a poll looks at: a name, trials, and whether more may come."""

    job: Job
    trials: dict[int, Trial] = field(default_factory=dict)
    n_first_trials: int = 2
    is_over: bool = False

    @property
    def has_more(self):
        return not self.is_over

    @property
    def best(self):
        scored = (trial for trial in self.trials.values() if trial.score is not None)
        return min(scored, key=lambda trial: trial.score, default=None)

    def give_up(self) -> None:
        """Add a trial that was given up on its way."""
        number = len(self.trials)
        self.trials[number] = Trial(number=number, params={}, state="pruned", seed=0)

    def add(self, skill: float, *, noise: int = 0) -> None:
        """Add a trial whose predictions are right by ``skill`` and wrong in places of its own."""
        number = len(self.trials)
        random = np.random.default_rng(noise)
        positive = np.clip(0.5 + skill * (Y - 0.5) + 0.2 * random.standard_normal(len(Y)), 0.01, 0.99)
        proba = np.column_stack([1 - positive, positive])
        loss = float(-np.log(proba[np.arange(len(Y)), Y]).mean())
        self.trials[number] = Trial(number=number, params={}, state="complete", score=loss, seed=0, proba=proba)


def make_poll() -> Poll:
    poll = Poll(Y, n_rows=len(Y), metric=resolve("log_loss", n_classes=2), seed=0)
    poll._spent_s = -1e6  # votes may take all the time they want
    return poll


def test_families_have_a_say_by_what_they_add_to_the_vote():
    good, bad = Study(Job("good")), Study(Job("bad"))
    for number in range(3):
        good.add(0.5, noise=number)
        bad.add(0.0, noise=9)
    poll = make_poll()

    poll.hold([good, bad])

    assert poll.says["good"] > 0.9
    assert sum(poll.says.values()) == pytest.approx(1)
    assert 1 <= poll.n_further["good"] <= 2
    assert poll.n_further["bad"] == 0


@pytest.fixture
def clock(monkeypatch):
    """Let a second pass with every look at the clock."""
    seconds = itertools.count()
    monkeypatch.setattr(poll_module, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))


@pytest.mark.usefixtures("clock")
def test_a_search_is_not_settled_before_the_first_trials_are_through():
    study, other = Study(Job("one")), Study(Job("other"), n_first_trials=50)
    poll = make_poll()
    for number in range(40):
        study.add(0.5, noise=number % 3)
        other.add(0.5, noise=number % 3)
        poll.hold([study, other])

    assert not poll.is_settled([study, other])
    other.is_over = True
    assert poll.is_settled([study, other])


@pytest.mark.usefixtures("clock")
def test_a_search_that_improves_is_not_settled_and_one_that_stopped_improving_is():
    study = Study(Job("one"))
    poll = make_poll()
    for number in range(40):
        study.add(0.02 * number, noise=number)
        poll.hold([study])
    assert not poll.is_settled([study])

    for number in range(35):
        study.add(0.1, noise=number)
        poll.hold([study])
    assert not poll.is_settled([study])  # not yet half of the time so far

    for number in range(200):
        study.add(0.1, noise=number)
        poll.hold([study])
    assert poll.is_settled([study])


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("share", "is_settled"), [(0.9, True), (1.1, False)])
def test_a_gain_counts_that_is_more_than_one_number_flatters(share, is_settled):
    study = Study(Job("one"))
    poll = make_poll()
    for number in range(40):
        study.add(0.5, noise=number)
        poll.hold([study])
    first, *_ = poll._ballots
    loss = min(ballot.loss for ballot in poll._ballots)

    poll._ballots = [replace(first, loss=loss), replace(first, n_scored=40, loss=loss - share / len(Y))]

    assert poll.is_settled([study]) == is_settled


@pytest.mark.usefixtures("clock")
def test_trials_that_were_given_up_say_nothing_of_what_more_would_do():
    study, poll = Study(Job("one")), make_poll()
    for number in range(20):
        study.add(0.5, noise=number)
        poll.hold([study])

    for _ in range(200):
        study.give_up()
        poll.hold([study])

    assert not poll.is_settled([study])


def test_votes_that_would_cost_too_much_are_put_off():
    study = Study(Job("one"))
    study.add(0.5)
    poll = Poll(Y, n_rows=len(Y), metric=resolve("log_loss", n_classes=2), seed=0)
    poll.hold([study])
    first = poll.says
    poll._spent_s = 1e6

    study.add(0.6, noise=1)
    poll.hold([study])

    assert poll.says is first
    assert not poll.is_settled([study])


def test_rows_of_a_rare_class_are_among_those_that_vote():
    y = np.zeros(100_000, dtype=np.int64)
    y[np.random.default_rng(0).choice(len(y), 30, replace=False)] = 1
    metric = resolve("roc_auc", n_classes=2)
    first, second = (Study(Job(name, metric=metric)) for name in ("first", "second"))
    for study, skill in ((first, 0.0), (second, 1.0)):
        positive = 0.5 + 0.4 * skill * (y - 0.5) + 0.01 * np.random.default_rng(1).standard_normal(len(y))
        proba = np.column_stack([1 - positive, positive])
        study.trials[0] = Trial(number=0, params={}, state="complete", score=0.5 + skill / 2, seed=0, proba=proba)
    poll = Poll(y, n_rows=len(y), metric=metric, seed=0)

    poll.hold([first, second])

    assert poll.says == {"first": 0.0, "second": 1.0}
    # They are 30 of some 4,000 rows here, and count as 30 of 100,000.
    assert poll._ballots[-1].loss == pytest.approx(_sharp_loss(second.trials[0].proba, y), rel=0.05)


def _sharp_loss(proba, y):
    return float(-np.log(sharpen(proba, fit_sharpness(proba, y))[np.arange(len(y)), y]).mean())


def test_a_cut_trial_that_ran_again_votes_with_what_it_has_become():
    cut, steady = Study(Job("cut")), Study(Job("steady"))
    cut.add(0.0)
    steady.add(0.3, noise=1)
    cut.trials[0] = replace(cut.trials[0], state="cut")
    poll = make_poll()
    poll.hold([cut, steady])
    before = poll.says["cut"]

    cut.trials.clear()
    cut.add(0.9)
    poll.hold([cut, steady])

    assert before < 0.1
    assert poll.says["cut"] > 0.5
