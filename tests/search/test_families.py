"""Several families in one search: they share cores and clock, and nothing else."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from mltrain.events import Notice, TrialFinished
from mltrain.search import Ends, LocalExecutor, contenders, search


def run(jobs, *, cores=2, seconds=None, journal_dir=None, **options):
    started = time.monotonic()
    ends = Ends(deadline=None if seconds is None else started + seconds, family_s=options.pop("family_s", None))
    with LocalExecutor(cores) as executor:
        return search(jobs, executor=executor, journal_dir=journal_dir, ends=ends, **options)


def pair(make_job, one, other, **changes):
    return make_job(one, name="one", **changes), make_job(other, name="other", **changes)


@pytest.mark.parametrize("cores", [1, 2, 4])
def test_a_family_has_the_trials_that_it_has_alone(cores, toy, make_job, facts):
    jobs = pair(make_job, toy(seconds=lambda n_call, fold: 0.001 * (n_call % 3)), toy())

    together = run(jobs, cores=cores)

    assert [study.name for study in together] == ["one", "other"]
    for study, job in zip(together, jobs, strict=True):
        assert facts(study) == facts(run((job,))[0])


def test_under_a_clock_each_family_has_a_beginning_of_its_sequence(toy, make_job, facts, tmp_path):
    jobs = pair(make_job, toy(seconds=lambda n_call, fold: 0.01), toy(seconds=lambda n_call, fold: 0.02))
    whole = run(pair(make_job, toy(), toy()))

    timed = run(jobs, seconds=1.5, journal_dir=tmp_path)
    resumed = run(pair(make_job, toy(), toy()), journal_dir=tmp_path)

    for study, complete, again in zip(timed, whole, resumed, strict=True):
        ended = [trial for trial in study.trials if trial.state != "cut"]
        assert ended
        assert facts(tuple(ended)) == [facts(complete)[trial.number] for trial in ended]
        assert facts(again) == facts(complete)


def test_a_family_that_breaks_leaves_the_other_alone(toy, make_job, facts):
    def fault(n_call):
        if n_call == 5:
            raise KeyError("a fault of a plug-in")

    broken, sound = run(pair(make_job, toy(on_fit=fault), toy()))

    assert isinstance(broken.broken, KeyError)
    assert len(broken.trials) < 25
    assert sound.broken is None
    assert facts(sound) == facts(run((make_job(toy(), name="other"),))[0])


def test_a_family_that_cannot_be_prepared_leaves_the_other_alone(toy, make_job):
    class Unprepared(toy):
        def prepare(self, *args, **settings):
            raise KeyError("no such column")

    broken, sound = run(pair(make_job, Unprepared(), toy()))

    assert (str(broken.broken), broken.trials) == ("'no such column'", ())
    assert len(sound.trials) == 25


def test_every_family_gets_a_model_before_any_gets_many(toy, make_job):
    jobs = pair(
        make_job, toy(seconds=lambda n_call, fold: 0.02), toy(seconds=lambda n_call, fold: 0.1), max_trials=None
    )
    ended = []

    studies = run(jobs, seconds=2.0, listener=ended.append)

    finished = [event.model for event in ended if isinstance(event, TrialFinished)]
    assert set(finished[:4]) == {"one", "other"}
    assert all(study.models for study in studies)


def test_a_family_stops_at_its_own_limit(toy, make_job):
    jobs = pair(make_job, toy(seconds=lambda n_call, fold: 0.05), toy(), max_trials=None)
    started = time.monotonic()

    one, other = run((jobs[0], jobs[1]), seconds=30.0, family_s=0.6, cores=1)

    assert time.monotonic() - started < 10
    assert one.seconds < 0.8  # a fit of 0.05 s may run over
    assert len(one.trials) > 2
    assert len(other.trials) > 2


def test_families_without_time_of_their_own_still_give_one_model(toy, make_job):
    jobs = [replace(make_job(toy(name=name)), name=name) for name in ("one", "two")]

    with LocalExecutor(2) as executor:
        ends = Ends(deadline=time.monotonic() + 60, family_s=0.0)
        studies = search(jobs, executor=executor, journal_dir=None, ends=ends)

    assert sum(trial.score is not None for study in studies for trial in study.trials) == 1


def test_a_search_ends_when_more_trials_no_longer_help(toy, make_job):
    jobs = pair(make_job, toy(), toy(), max_trials=None)
    events = []
    started = time.monotonic()

    studies = run(jobs, seconds=60.0, listener=events.append)

    assert time.monotonic() - started < 50
    assert any(isinstance(event, Notice) and "no longer improve" in event.message for event in events)
    assert all(len(study.trials) >= 6 for study in studies)  # the first trials are never left out


def test_a_first_trial_that_its_share_cut_is_run_again_when_nothing_else_can_be(toy, make_job):
    slow = toy(seconds=lambda n_call, fold: 0.9)
    jobs = pair(make_job, slow, toy(), max_trials=None, lag=1)

    one, _ = run(jobs, seconds=4.0)

    assert one.trials[0].state == "complete"  # after its share of the first seconds had cut it
    assert len(one.trials) > 1


def test_the_best_trial_of_each_variant_may_still_vote(toy, make_job, monkeypatch, tmp_path):
    monkeypatch.setattr("mltrain.search.open_study.MOST_PICKED_FROM", 1)
    family = toy()
    family.variant = lambda params: params["kind"]
    job = make_job(family, n_voters=1)

    (study,) = run((job,), journal_dir=tmp_path)
    (resumed,) = run((replace(job, max_trials=0),), journal_dir=tmp_path)

    scored = sorted((t for t in study.trials if t.score is not None and t.state != "pruned"), key=lambda t: t.score)
    best = {}
    for trial in scored:
        best.setdefault(trial.params["kind"], trial.number)
    assert len(best) == 3
    assert {trial.number for trial in contenders(study.trials, job)} == set(best.values()) == set(study.models)
    assert {trial.number for trial in contenders(resumed.trials, job)} == set(best.values())


def test_the_best_trials_alone_keep_their_predictions(toy, make_job, monkeypatch, tmp_path):
    monkeypatch.setattr("mltrain.search.open_study.MOST_PICKED_FROM", 3)

    (study,) = run((make_job(toy()),), journal_dir=tmp_path)
    (resumed,) = run((make_job(toy(), max_trials=0),), journal_dir=tmp_path)

    scored = sorted((t for t in study.trials if t.score is not None), key=lambda t: t.score)
    assert all(trial.proba is not None for trial in scored[:3])
    assert all(trial.proba is None for trial in scored[3:])
    assert resumed.n_resumed == len(study.trials)
    for before, after in zip(study.trials, resumed.trials, strict=True):
        assert (before.proba is None) == (after.proba is None)
        assert before.proba is None or np.array_equal(before.proba, after.proba)
