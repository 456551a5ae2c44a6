from __future__ import annotations

import json
import math
import random
import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import fbeta_score, log_loss

from mltrain.errors import EnvironmentRefusal
from mltrain.events import FamilyStarted, Notice, TrialFinished
from mltrain.metrics import resolve
from mltrain.search import Ends, LocalExecutor, fit_folds, refit_all, search, study_key


def run(job, *, slots=1, journal_dir=None, deadline=None, **options):
    with LocalExecutor(slots) as executor:
        ends = Ends(deadline=deadline)
        (study,) = search((job,), executor=executor, journal_dir=journal_dir, ends=ends, **options)
    if study.broken is not None:
        raise study.broken
    return study


def refuse_steep(params):
    return params["slope"] > 2.5


@pytest.mark.parametrize("slots", [1, 2, 4, 16])
def test_trials_do_not_depend_on_workers_or_timing(slots, toy, make_job, facts):
    wanted = run(make_job(toy(refuses=refuse_steep)))
    sleeps = random.Random(slots)
    restless = toy(refuses=refuse_steep, seconds=lambda n_call, fold: sleeps.random() * 0.01)

    study = run(make_job(restless), slots=slots)

    assert facts(study) == facts(wanted)
    assert [t.number for t in study.trials] == list(range(25))
    assert {t.state for t in study.trials} == {"complete", "pruned", "failed"}


@pytest.mark.parametrize("killed_at", [1, 2, 7, 18, 30])
def test_a_killed_search_goes_on_with_the_same_trials(killed_at, toy, make_job, facts, tmp_path):
    class Killed(BaseException):
        pass

    def kill(n_call):
        if n_call == killed_at:
            raise Killed

    wanted = run(make_job(toy(refuses=refuse_steep)))
    with pytest.raises(Killed):
        run(make_job(toy(refuses=refuse_steep, on_fit=kill)), slots=2, journal_dir=tmp_path)
    events = []

    family = toy(refuses=refuse_steep)
    study = run(make_job(family), slots=2, journal_dir=tmp_path, listener=events.append)

    assert facts(study) == facts(wanted)
    assert study.n_resumed == 25 - len({e.number for e in events if isinstance(e, TrialFinished)})
    started = FamilyStarted(model="toy", max_trials=25, timeout_s=None, n_resumed=study.n_resumed)
    assert replace(events[0], best_score=None) == started
    assert (events[0].best_score is None) == (study.n_resumed == 0)


@pytest.mark.parametrize("lost", [{3}, {0}, {5, 6, 9}, {24}])
def test_trials_that_ended_out_of_order_are_not_run_again(lost, toy, make_job, facts, tmp_path):
    job = make_job(toy())
    wanted = run(job, journal_dir=tmp_path)
    [path] = tmp_path.glob("toy-*/journal.jsonl")
    lines = path.read_text().splitlines()
    kept = [line for line in lines if json.loads(line).get("number") not in lost]
    path.write_text("\n".join(kept) + "\n")

    again = toy()
    study = run(replace(job, family=again), journal_dir=tmp_path)

    assert facts(study) == facts(wanted)
    assert study.n_resumed == 25 - len(lost)
    seeds = {seed for seed, _ in again.calls}
    assert len(seeds) <= 2 * len(lost)


def test_the_number_of_trials_counts_those_of_earlier_commands(toy, make_job, facts, tmp_path):
    wanted = run(make_job())
    run(make_job(max_trials=10), journal_dir=tmp_path)

    finished = run(make_job(max_trials=25), journal_dir=tmp_path)
    family = toy()
    again = run(make_job(family, max_trials=25), journal_dir=tmp_path)

    assert finished.n_resumed == 10
    assert facts(finished) == facts(wanted)
    assert again.n_resumed == 25
    assert family.calls == []
    assert again.prepared is None


def test_fewer_trials_than_the_journal_has_are_its_first_ones(make_job, facts, tmp_path):
    wanted = run(make_job(), journal_dir=tmp_path)

    study = run(make_job(max_trials=5), journal_dir=tmp_path)

    assert facts(study) == facts(wanted)[:5]


def test_no_trials_means_all_that_the_journal_holds(make_job, facts, tmp_path):
    wanted = run(make_job(max_trials=7), journal_dir=tmp_path)

    assert facts(run(make_job(max_trials=0), journal_dir=tmp_path)) == facts(wanted)
    assert run(make_job(max_trials=0, name="other"), journal_dir=tmp_path).trials == ()
    assert not list(tmp_path.glob("other-*"))


def test_score_is_the_metric_of_pooled_predictions(make_job):
    job = make_job(max_trials=3)

    study = run(job)

    trial = study.trials[1]
    y = np.concatenate([job.y[fold.valid] for fold in job.folds])
    losses = -np.log(trial.proba[np.arange(len(y)), y])
    assert trial.score == pytest.approx(losses.mean(), rel=1e-12)
    assert trial.fold_scores == pytest.approx((losses[:60].mean(), losses[60:].mean()), rel=1e-12)
    assert trial.params == {"slope": 1.0, "rounds": 20, "kind": "left"}
    assert trial.n_rounds == (20, 20)
    assert trial.curve.valid_losses[-1] == pytest.approx(trial.fold_losses[0])


def test_models_of_the_best_trials_are_kept_and_can_be_fitted_again(make_job):
    job = make_job(n_voters=2)
    study = run(job, slots=2)

    ranked = sorted((t for t in study.trials if t.state == "complete"), key=lambda t: t.score)
    assert set(study.models) == {t.number for t in ranked[:2]}
    with LocalExecutor(2) as executor:
        again = fit_folds(job, ranked[0], executor=executor, deadline=None, prepared=study.prepared)
        other = fit_folds(job, ranked[4], executor=executor, deadline=None)
    assert [f.model for f in again] == [f.model for f in study.models[ranked[0].number]]
    assert np.array_equal(np.concatenate([f.valid_proba for f in other]), ranked[4].proba)


def test_a_fit_on_all_rows_grows_its_rounds_modestly(make_job):
    job = make_job(max_trials=2)
    study = run(job)

    fitted = refit_all(job, study.trials[1], threads=1, deadline=None)

    assert fitted.n_rounds == 25  # 20 rounds on half the rows, a quarter more at most
    assert fitted.valid_proba.shape == (0, 2)


def test_refused_parameters_and_broken_predictions_fail_the_trial_alone(toy, make_job):
    family = toy(refuses=lambda p: p["rounds"] == 5, spoils=lambda p: p["rounds"] == 20)

    study = run(make_job(family, max_trials=6))

    assert [t.state for t in study.trials[:2]] == ["failed", "failed"]
    assert study.trials[0].error == "ValueError: slope 0.5 is out of range"
    assert study.trials[1].error == "predictions are not finite"
    assert [t.score for t in study.trials[:2]] == [None, None]
    assert all(t.score is not None for t in study.trials if t.state == "complete")


def test_a_family_that_refuses_everything_ends_early(toy, make_job):
    family = toy(refuses=lambda params: True)

    study = run(make_job(family, lag=4))

    assert len(study.trials) == 8 + 4 - 1  # what is in flight when the eighth is told
    assert {t.state for t in study.trials} == {"failed"}


def test_faults_that_are_not_the_trials_pass_through(toy, make_job):
    def fault(n_call):
        if n_call == 3:
            raise KeyError("a fault of ours")

    with pytest.raises(KeyError, match="a fault of ours"):
        run(make_job(toy(on_fit=fault)), slots=2)


def test_bad_trials_are_pruned_after_fold_0_and_first_ones_never(make_job):
    first = tuple({"slope": s, "rounds": 20, "kind": "none"} for s in (1.5, 1.4, 1.3, 1.6, 1.7, 1.45, -1.0))

    job = make_job(first_trials=first, max_trials=40)
    study = run(job)

    assert study.trials[6].state == "complete"
    pruned = [t for t in study.trials if t.state == "pruned"]
    assert pruned
    assert all(len(t.fold_scores) == 1 and t.proba is None and t.score is None for t in pruned)
    complete = [t for t in study.trials if t.state == "complete"]
    for trial in pruned:
        told = [t.fold_losses[0] for t in complete if t.number <= trial.number - job.lag]
        assert trial.fold_losses[0] > np.median(told)


def test_fixed_parameters_win_and_are_not_searched(make_job):
    study = run(make_job(fixed={"kind": "right", "extra": 1}, max_trials=12))

    assert all(t.params["kind"] == "right" and t.params["extra"] == 1 for t in study.trials)
    assert len({t.params["slope"] for t in study.trials}) == 12


def test_nothing_to_search_is_one_trial(make_job):
    fixed = {"slope": 1.0, "rounds": 3, "kind": "none"}

    study = run(make_job(fixed=fixed, max_trials=None), deadline=time.monotonic() + 60)

    assert [t.params for t in study.trials] == [fixed]


def test_a_search_without_an_end_is_refused(make_job):
    with pytest.raises(ValueError, match="max_trials or a deadline"):
        run(make_job(max_trials=None))


def test_two_processes_cannot_run_one_search(make_job, tmp_path):
    job = make_job()

    def run_again(event):
        run(job, journal_dir=tmp_path)

    with pytest.raises(EnvironmentRefusal, match="another process"):
        run(job, journal_dir=tmp_path, listener=run_again)


def test_fresh_starts_anew_and_keeps_the_old_one_aside(make_job, tmp_path):
    run(make_job(max_trials=4), journal_dir=tmp_path)

    study = run(make_job(max_trials=6), journal_dir=tmp_path, fresh=True)

    assert study.n_resumed == 0
    assert len(list(tmp_path.glob("toy-*-old-1"))) == 1


def test_a_journal_of_another_format_is_left_and_said(make_job, tmp_path):
    run(make_job(max_trials=4), journal_dir=tmp_path)
    [path] = tmp_path.glob("toy-*/journal.jsonl")
    path.write_text(path.read_text().replace('"format": 1', '"format": 99', 1))
    events = []

    study = run(make_job(max_trials=4), journal_dir=tmp_path, listener=events.append)

    assert study.n_resumed == 0
    [notice] = [e for e in events if isinstance(e, Notice)]
    assert "format 99" in notice.message


def test_events_carry_the_best_score_so_far(make_job):
    events = []

    study = run(make_job(max_trials=8), listener=events.append)

    ended = [e for e in events if isinstance(e, TrialFinished)]
    assert [e.n_finished for e in ended] == list(range(1, 9))
    assert ended[-1].best_score == min(t.score for t in study.trials if t.score is not None)


def test_the_key_is_about_the_question_and_not_about_how_far_to_go(make_job):
    job = make_job()
    folds = (job.folds[1], job.folds[0])

    same = [replace(job, max_trials=99), replace(job, n_voters=1)]
    others = [
        replace(job, data_key="other"),
        replace(job, seed=4),
        replace(job, lag=5),
        replace(job, folds=folds),
        replace(job, fixed={"slope": 1.0}),
        replace(job, first_trials=()),
        replace(job, space={}),
        replace(job, weights=np.ones(120)),
        replace(job, name="other"),
    ]

    assert {study_key(other) for other in same} == {study_key(job)}
    assert len({study_key(other) for other in [job, *others]}) == len(others) + 1


def test_the_key_knows_the_settings_of_a_metric(make_job):
    metrics = [resolve("fbeta_score", beta=beta, n_classes=2) for beta in (0.5, 0.5, 2.0)]

    half, again, two = (study_key(make_job(metric=metric)) for metric in metrics)

    assert half == again != two


def test_a_metric_of_decisions_is_scored_at_its_best_threshold(make_job):
    metric = resolve("fbeta_score", beta=0.5, n_classes=2)
    job = make_job(metric=metric, max_trials=3)

    trial = run(job, slots=2).trials[1]

    y = job.y[job.valid_rows]
    cuts = np.unique(trial.proba[:, 1])
    scores = [fbeta_score(y, trial.proba[:, 1] >= cut, beta=0.5) for cut in cuts]
    assert trial.score == pytest.approx(max(scores))


def test_the_folds_of_a_trial_are_predicted_as_sharply_as_each_bears_out(toy, make_job, tmp_path):
    plain = run(make_job(toy(), max_trials=3))
    job = make_job(toy(sharpness=lambda fold: (0.5, 2.0)[fold]), max_trials=3)

    study = run(job, journal_dir=tmp_path)
    resumed = run(job, journal_dir=tmp_path)

    for trial, raw, again in zip(study.trials, plain.trials, resumed.trials, strict=True):
        powers = raw.proba ** np.repeat([0.5, 2.0], 60)[:, None]
        np.testing.assert_allclose(trial.proba, powers / powers.sum(axis=1, keepdims=True), atol=1e-12)
        assert trial.score == pytest.approx(log_loss(job.y[job.valid_rows], trial.proba))
        assert trial.sharpness == again.sharpness == (0.5, 2.0)
        assert trial.mean_sharpness == 1.0
    assert replace(study.trials[0], sharpness=()).mean_sharpness == 1.0
    assert replace(study.trials[0], sharpness=(0.5, 0.125)).mean_sharpness == 0.25


@pytest.mark.parametrize("sharpness", [0.0, -1.0, math.inf, math.nan])
def test_a_family_that_says_nonsense_of_its_sharpness_has_no_trial(sharpness, toy, make_job):
    study = run(make_job(toy(sharpness=lambda fold: sharpness), max_trials=1))

    (trial,) = study.trials
    assert trial.state == "failed"
    assert str(sharpness) in trial.error
