"""Who may begin the next trial while a clock runs."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from mltrain.models import Fold
from mltrain.search.allotment import Allotment, Ends

SECONDS = 100.0
CORES = 2


def study(make_job, name, *, n_trials, next_s, n_folds=5):
    """A study whose trials all scored alike, and what its next one is forecast to take of a core."""
    job = make_job(name=name)
    folds = tuple(Fold(train=job.folds[0].train, valid=job.folds[0].valid) for _ in range(n_folds))
    job = make_job(name=name, folds=folds)
    trial = SimpleNamespace(number=0, score=0.5, seconds=1.0, threads=1, core_s=1.0, state="complete", proba=None)
    return SimpleNamespace(
        job=job,
        trials=dict.fromkeys(range(n_trials), trial),
        attempts=[],
        models={},
        best=None,
        broken=None,
        used_s=1.0,
        prepare_s=0.0,
        fits_s=1.0,
        threads=1,
        has_model=True,
        has_more=True,
        n_first_trials=10,
        n_begun=0,
        peek=lambda: SimpleNamespace(params={}),
        forecast_s=lambda _proposal: next_s,
        share_run=1.0,
    )


@pytest.mark.parametrize(
    ("n_trials", "n_folds", "share", "is_forced"),
    [
        (1, 5, 0.45, True),  # the first trial may have been a modest one
        (1, 5, 0.55, False),
        (2, 5, 0.15, True),
        (2, 5, 0.25, False),
        (1, 1, 0.15, True),
        (1, 1, 0.25, False),
        (3, 5, 0.01, False),
    ],
)
def test_a_family_gets_its_first_voters_unless_they_are_too_dear(make_job, n_trials, n_folds, share, is_forced):
    cheap = study(make_job, "cheap", n_trials=3, next_s=1e-3, n_folds=n_folds)
    other = study(make_job, "other", n_trials=n_trials, next_s=share * SECONDS * CORES, n_folds=n_folds)
    started = time.monotonic()

    allotment = Allotment([cheap, other], n_cores=CORES, ends=Ends(deadline=started + SECONDS + 1), started=started)

    assert allotment.next_family() is (other if is_forced else cheap)


def test_of_two_that_lack_voters_the_cheaper_comes_first(make_job):
    dear = study(make_job, "dear", n_trials=1, next_s=20.0)
    cheap = study(make_job, "cheap", n_trials=1, next_s=10.0)
    fewest = study(make_job, "fewest", n_trials=1, next_s=30.0)
    dear.trials[1] = dear.trials[0]
    started = time.monotonic()

    allotment = Allotment([dear, cheap, fewest], n_cores=CORES, ends=Ends(deadline=started + SECONDS), started=started)

    assert allotment.next_family() is cheap


@pytest.mark.parametrize(
    ("n_trials", "share", "comes_first"), [(1, 0.14, True), (1, 0.16, False), (2, 0.05, True), (2, 0.07, False)]
)
def test_a_cheap_voter_comes_before_the_first_trial_of_another_family(make_job, n_trials, share, comes_first):
    begun = study(make_job, "begun", n_trials=n_trials, next_s=share * SECONDS * CORES)
    untried = study(make_job, "untried", n_trials=0, next_s=None)
    started = time.monotonic()

    allotment = Allotment([untried, begun], n_cores=CORES, ends=Ends(deadline=started + SECONDS + 1), started=started)

    assert allotment.next_family() is (begun if comes_first else untried)


def test_a_family_with_enough_voters_waits_for_one_that_was_never_tried(make_job):
    begun = study(make_job, "begun", n_trials=3, next_s=1e-3)
    untried = study(make_job, "untried", n_trials=0, next_s=None)
    started = time.monotonic()

    allotment = Allotment([begun, untried], n_cores=CORES, ends=Ends(deadline=started + SECONDS), started=started)

    assert allotment.next_family() is untried


def test_a_voter_of_unknown_cost_waits_for_a_family_that_was_never_tried(make_job):
    failed = study(make_job, "failed", n_trials=1, next_s=None)
    untried = study(make_job, "untried", n_trials=0, next_s=None)
    started = time.monotonic()

    allotment = Allotment([failed, untried], n_cores=CORES, ends=Ends(deadline=started + SECONDS), started=started)

    assert allotment.next_family() is untried


def test_without_a_clock_no_voter_is_in_a_hurry(make_job):
    begun = study(make_job, "begun", n_trials=1, next_s=1e-3)
    untried = study(make_job, "untried", n_trials=0, next_s=None)

    allotment = Allotment([begun, untried], n_cores=CORES, ends=Ends(deadline=None), started=time.monotonic())

    assert allotment.next_family() is untried


def test_time_is_kept_back_as_far_as_there_is_any(make_job):
    begun = study(make_job, "begun", n_trials=1, next_s=1e-3)
    started = time.monotonic() - SECONDS / 2
    reserved_s = [SECONDS / 4]
    ends = Ends(deadline=started + SECONDS, reserve=lambda so_far: reserved_s[0])

    allotment = Allotment([begun], n_cores=CORES, ends=ends, started=started)
    assert allotment.clock.deadline == pytest.approx(started + SECONDS * 3 / 4)
    assert not allotment.clock.is_over

    reserved_s[0] = 10 * SECONDS
    before = time.monotonic()
    allotment.note_end()
    assert before <= allotment.clock.deadline <= time.monotonic()  # fits that run have the grace from now on
    assert allotment.clock.is_over
    assert not allotment.clock.is_beyond_grace

    reserved_s[0] = 0.0
    allotment.note_end()
    assert allotment.clock.is_over  # what has been told to stop is not called back


def test_once_the_clock_is_over_the_first_model_is_all_that_counts(make_job):
    failed = study(make_job, "failed", n_trials=1, next_s=1e-3)
    untried = study(make_job, "untried", n_trials=0, next_s=None)
    failed.has_model = untried.has_model = False
    started = time.monotonic() - SECONDS

    allotment = Allotment([failed, untried], n_cores=CORES, ends=Ends(deadline=started), started=started)

    assert allotment.next_family() is untried


@pytest.mark.parametrize(("family_s", "expected"), [(None, SECONDS / 3), (SECONDS / 2, SECONDS / 2)])
def test_families_share_the_clock_that_they_have_in_common_and_no_other(make_job, family_s, expected):
    first, second, through, third = (study(make_job, name, n_trials=0, next_s=None) for name in "abcd")
    for one in (first, second, through, third):
        one.has_model, one.used_s = False, 0.0
    through.has_more = False
    started = time.monotonic()
    ends = Ends(deadline=started + SECONDS, family_s=family_s)
    allotment = Allotment([first, second, through, third], n_cores=CORES, ends=ends, started=started)
    attempt = SimpleNamespace(n_folds=1, submitted={0}, threads=1)

    assert allotment.fit_share_s(first, attempt) == pytest.approx(expected, rel=0.05)
