from __future__ import annotations

import time
from dataclasses import replace
from threading import Lock

import pytest

from mltrain.errors import Interrupted
from mltrain.events import TrialFinished
from mltrain.search import Ends, LocalExecutor, Trial, fit_folds, search


def run(job, *, slots=1, journal_dir=None, deadline=None, **options):
    with LocalExecutor(slots) as executor:
        ends = Ends(deadline=deadline)
        (study,) = search((job,), executor=executor, journal_dir=journal_dir, ends=ends, **options)
    if study.broken is not None:
        raise study.broken
    return study


def test_the_deadline_ends_the_search(toy, make_job):
    family = toy(seconds=lambda n_call, fold: 0.05)
    started = time.monotonic()

    study = run(make_job(family, max_trials=None), slots=2, deadline=started + 1.0)

    assert time.monotonic() - started < 2.0  # the deadline and the grace
    assert sum(t.state == "complete" for t in study.trials) >= 5
    assert study.is_cut_short


def test_a_cut_trial_still_gives_a_model_and_is_run_again_on_resume(toy, make_job, facts, tmp_path):
    slow = toy(seconds=lambda n_call, fold: 3.0)
    job = make_job(slow, first_trials=({"slope": 1.0, "rounds": 30, "kind": "none"},), max_trials=6)
    started = time.monotonic()

    study = run(job, slots=2, deadline=started + 0.5, journal_dir=tmp_path)

    assert time.monotonic() - started < 2.5  # a fit takes 3 s
    assert [(t.number, t.state) for t in study.trials] == [(0, "cut")]
    assert (study.max_trials, study.is_cut_short) == (6, True)
    assert study.trials[0].score > 0
    assert study.trials[0].proba.shape == (120, 2)
    with LocalExecutor(2) as executor:
        again = fit_folds(replace(job, family=toy()), study.trials[0], executor=executor, deadline=None)
    assert [f.n_rounds for f in again] == list(study.trials[0].n_rounds)
    quick = replace(job, family=toy())
    whole = run(quick, journal_dir=tmp_path)
    assert facts(whole) == facts(run(quick))
    assert (whole.max_trials, whole.is_cut_short) == (6, False)


def test_a_fit_that_waits_for_a_core_has_its_share_of_the_time_all_the_same(toy, make_job):
    slow = [toy(name=name, seconds=lambda n_call, fold: 6.0) for name in ("one", "two")]  # 60 rounds of 0.1 s
    first = ({"slope": 1.0, "rounds": 60, "kind": "none"},)
    jobs = [replace(make_job(family, first_trials=first, max_trials=1), name=family.name) for family in slow]

    with LocalExecutor(1) as executor:
        studies = search(jobs, executor=executor, journal_dir=None, ends=Ends(deadline=time.monotonic() + 3.6))

    # 3.6 s for two families of two folds on one core: 0.9 s or nine rounds each, in theory.
    assert all(min(trial.n_rounds) >= 4 for study in studies for trial in study.trials)


def test_a_deadline_that_has_passed_still_gives_one_model(toy, make_job):
    study = run(make_job(toy(refuses=lambda p: p["rounds"] == 5)), slots=2, deadline=time.monotonic() - 1)

    assert [t.state for t in study.trials if t.score is not None] == ["cut"]
    assert study.models.keys() == {1}


def test_a_search_that_can_have_no_model_ends(toy, make_job):
    family = toy(refuses=lambda params: True)

    study = run(make_job(family, max_trials=3), slots=2, deadline=time.monotonic() - 1)

    assert {t.state for t in study.trials} == {"cut"}
    assert all(t.score is None and "out of range" in t.error for t in study.trials)


def test_folds_that_are_fitted_again_take_turns_on_the_cores(toy, make_job):
    at_once = [0]
    lock = Lock()

    class Counting(type(toy())):
        def fit(self, prepared, fold, *, params, limits):
            with lock:
                at_once.append(at_once[-1] + limits.threads)
            fitted = super().fit(prepared, fold, params=params, limits=limits)
            with lock:
                at_once.append(at_once[-1] - limits.threads)
            return fitted

    slow = Counting(seconds=lambda n_call, fold: 6.0)  # 60 rounds of 0.1 s
    job = make_job(slow, first_trials=({"slope": 1.0, "rounds": 60, "kind": "none"},), max_trials=1)
    trial = Trial(number=0, params=job.first_trials[0], state="complete", n_rounds=(60, 60), seed=1, threads=2)
    with LocalExecutor(2) as executor:
        fitted = fit_folds(job, trial, executor=executor, deadline=time.monotonic() + 2.4)

    assert max(at_once) == 2
    assert min(f.n_rounds for f in fitted) >= 6  # each has half of the time


def test_a_trial_that_cannot_end_in_time_is_not_begun(toy, make_job):
    family = toy(seconds=lambda n_call, fold: 0.5)
    started = time.monotonic()

    study = run(make_job(family, max_trials=None, lag=1), slots=2, deadline=started + 1.45)

    assert [t.state for t in study.trials] == ["complete", "complete"]
    assert time.monotonic() - started < 1.45


@pytest.mark.parametrize("kind", [KeyboardInterrupt, Interrupted])
def test_an_interrupt_keeps_what_was_finished(kind, toy, make_job, facts, tmp_path):
    def interrupt(event):
        if isinstance(event, TrialFinished) and event.n_finished == 6:
            raise kind("stop")

    slow = toy(seconds=lambda n_call, fold: 0.06)
    started = time.monotonic()
    with pytest.raises(kind):
        run(make_job(slow), slots=2, journal_dir=tmp_path, listener=interrupt)
    ended = time.monotonic()

    study = run(make_job(), journal_dir=tmp_path)
    assert ended - started < 5
    assert study.n_resumed >= 6
    assert facts(study) == facts(run(make_job()))


def _first_soon(params):
    return 0.2 if params["rounds"] == 5 else 6.0


@pytest.mark.parametrize("n_folds", [1, 2])
def test_fits_hand_over_what_they_have_when_the_first_model_needs_the_time_left(
    n_folds, toy, make_job, facts, tmp_path
):
    job = make_job(toy(lasts=_first_soon))
    job = replace(job, folds=job.folds[:n_folds], max_trials=2)
    started = time.monotonic()
    # Before any trial has a score, nothing comes after the search; then more than there is time for.
    ends = Ends(deadline=started + 8.0, reserve=lambda so_far: 0.0 if so_far.best is None else 30.0)

    with LocalExecutor(2 * n_folds) as executor:
        (study,) = search((job,), executor=executor, journal_dir=tmp_path, ends=ends)

    assert time.monotonic() - started < 3.0
    cut = study.trials[1]
    assert cut.state == "cut"
    assert cut.score is not None
    assert all(1 <= n_rounds < 20 for n_rounds in cut.n_rounds)
    assert cut.number in study.models
    quick = replace(job, family=toy())
    assert facts(run(quick, journal_dir=tmp_path)) == facts(run(quick))


def test_a_fit_that_looks_at_its_losses_seldom_hands_over_all_the_same(toy, make_job):
    class Blind(toy):
        def fit(self, prepared, fold, *, params, limits):
            return super().fit(prepared, fold, params=params, limits=replace(limits, on_round=None))

    job = make_job(Blind(lasts=_first_soon))
    job = replace(job, folds=job.folds[:1], max_trials=2)
    started = time.monotonic()
    ends = Ends(deadline=started + 8.0, reserve=lambda so_far: 0.0 if so_far.best is None else 30.0)

    with LocalExecutor(2) as executor:
        (study,) = search((job,), executor=executor, journal_dir=None, ends=ends)

    assert time.monotonic() - started < 3.0
    assert study.trials[1].state == "cut"
    assert study.trials[1].score is not None
