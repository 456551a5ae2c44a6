"""The voting candidate: whose models vote, how its score is come by, and what a prediction may cost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from mltrain import ensemble, plugins
from mltrain.calibration import sharpen
from mltrain.candidate import Candidate, Recipe, best_trials, keep
from mltrain.config import PreprocessingSection, SplitSection, TrainSection
from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.data.conforming import conform
from mltrain.development import develop, encoded_view, first_repeat
from mltrain.ensemble import begin_vote, end_vote
from mltrain.ensemble.voters import Searched, find_voters, kinds_of, without_data
from mltrain.final_fit import fit_finally, start_refit
from mltrain.metrics import resolve
from mltrain.models import Objective
from mltrain.preprocessing import encode
from mltrain.record.parts import parts_of
from mltrain.search import Ends, LocalExecutor, SearchJob, contenders, refit_all, search
from mltrain.space import Params
from mltrain.voting import VOTERS_PER_FAMILY, vote

SCHEMA = Schema(
    columns=tuple(Column(name=n, kind=ColumnKind.NUMERIC, arrow_type="double") for n in ("a", "b")),
    target=Target(name="y", classes=("no", "yes")),
)
RECIPE = Recipe(schema=SCHEMA, metric=resolve("roc_auc", n_classes=2), final_fit="bag", calibration="none", seed=1)
FIXED: dict[str, Params] = {"logistic_regression": {}, "lgbm": {"num_iterations": 10}}


def keep_ensemble(
    searched: Sequence[Searched], *, recipe: Recipe, executor: LocalExecutor, deadline: float | None
) -> Candidate:
    return end_vote(begin_vote(searched, recipe=recipe, executor=executor, deadline=deadline))


def _table(n: int, *, seed: int) -> pa.Table:
    """One column matters in steps, the other in a line: trees and the linear model complete each other."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, n))
    y = 2 * (np.abs(a) > 0.7) + b + random.normal(size=n) > 1
    return pa.table({"a": a, "b": b, "y": np.where(y, "yes", "no")})


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    with LocalExecutor(2) as opened:
        yield opened


@pytest.fixture(scope="module")
def searched(executor: LocalExecutor) -> tuple[Searched, ...]:
    rows = develop(
        _table(240, seed=0),
        _table(80, seed=1),
        schema=SCHEMA,
        settings=TrainSection(n_folds=3),
        split=SplitSection(),
        seed=1,
    )
    found = []
    for name, fixed in FIXED.items():
        family = plugins.load("models", name)
        encoded = encoded_view(rows, family.view, PreprocessingSection())
        shape = encoded.view.describe(n_classes=2)
        job = SearchJob(
            name=name,
            family=family,
            view=encoded.view,
            y=rows.y,
            folds=rows.folds,
            objective=Objective(n_classes=2),
            metric=RECIPE.metric,
            space=family.space(shape),
            first_trials=tuple(family.first_trials(shape)),
            fixed=fixed,
            seed=1,
            max_trials=4,
            data_key="rows",
        )
        (study,) = search((job,), executor=executor, journal_dir=None, ends=Ends(deadline=None))
        (best,) = best_trials(study, RECIPE.metric)
        final = fit_finally(study, job, best, executor=executor, deadline=None)
        kept = keep(study, job, trial=best, final=final, encoder=encoded.encoder, recipe=RECIPE)
        found.append(Searched(job=job, study=study, encoder=encoded.encoder, kept=kept))
    return tuple(found)


@pytest.fixture(scope="module")
def kept(searched: tuple[Searched, ...], executor: LocalExecutor) -> Candidate:
    return keep_ensemble(searched, recipe=RECIPE, executor=executor, deadline=None)


def test_the_contenders_of_each_family_share_the_vote(kept: Candidate, searched: tuple[Searched, ...]) -> None:
    assert kept.weights is not None
    may_vote = {one.study.name: contenders(one.study.trials, one.job) for one in searched}

    assert sum(kept.weights.values()) == pytest.approx(1, abs=1e-5)
    assert set(kept.weights) <= {f"{name}#{trial.number}" for name, trials in may_vote.items() for trial in trials}
    assert len(may_vote["lgbm"]) == VOTERS_PER_FAMILY
    assert sum(member.weight for member in kept.model.members) == pytest.approx(1)


def test_the_score_is_that_of_the_held_out_rows_and_beats_the_families(
    kept: Candidate, searched: tuple[Searched, ...]
) -> None:
    # The score is that of single repeats, as those of the families are; their mean predicts better.
    mean_score = roc_auc_score(kept.held_out.y, kept.held_out.proba[:, 1])
    assert mean_score - 0.01 < kept.validation_score < mean_score
    assert kept.validation_score > max(one.kept.validation_score for one in searched)
    assert kept.cross_fitted_score == kept.validation_score


def test_a_vote_that_counts_as_its_best_member_says_what_it_scored_itself(
    searched: tuple[Searched, ...], executor: LocalExecutor
) -> None:
    lucky = [replace(one, kept=replace(one.kept, validation_score=0.999)) for one in searched]

    voted = keep_ensemble(lucky, recipe=RECIPE, executor=executor, deadline=None)

    assert voted.validation_score == np.nextafter(0.999, np.inf)
    assert voted.cross_fitted_score is not None
    assert 0.8 < voted.cross_fitted_score < 0.99


def test_a_prediction_is_the_weighted_mean_of_the_voters_sharpened_models_of_the_first_repeat(
    kept: Candidate, searched: tuple[Searched, ...]
) -> None:
    conformed = conform(_table(50, seed=2), SCHEMA, origin="rows")
    assert kept.weights is not None
    assert kept.sharpness is not None

    wanted = np.zeros((50, 2))
    for one in searched:
        X = encode(one.encoder, conformed).X
        n_models = len(first_repeat(one.job.folds))
        assert n_models == 3
        for label, weight in kept.weights.items():
            name, _, number = label.partition("#")
            if name == one.study.name:
                fitted = one.study.models[int(number)][:n_models]
                probas = [(one.job.family.predict_proba(f.model, X), f.sharpness) for f in fitted]
                wanted += weight * np.mean([sharpen(p, s * kept.sharpness[label]) for p, s in probas], axis=0)

    # Weights are written down with six digits.
    np.testing.assert_allclose(kept.model.raw_proba(conformed), wanted, atol=1e-5)


def test_models_on_all_rows_take_the_place_of_fold_models_where_rows_are_few(
    kept: Candidate, searched: tuple[Searched, ...], executor: LocalExecutor
) -> None:
    refitted = keep_ensemble(searched, recipe=replace(RECIPE, refits_voters=True), executor=executor, deadline=None)

    assert refitted.member_models == kept.member_models
    assert refitted.member_refits is not None
    assert kept.weights is not None
    assert kept.sharpness is not None
    conformed = conform(_table(50, seed=2), SCHEMA, origin="rows")
    wanted = np.zeros((50, 2))
    for one in searched:
        X, job = encode(one.encoder, conformed).X, one.job
        for label, weight in kept.weights.items():
            name, _, number = label.partition("#")
            if name == one.study.name:
                (trial,) = [trial for trial in one.study.trials if trial.number == int(number)]
                # The linear model knows no seed: a second one would be the same.
                n_refits = refitted.member_refits[label]
                assert n_refits == (1 if name == "logistic_regression" else 3)
                refits = [refit_all(job, trial, threads=1, deadline=None, repeat=i) for i in range(n_refits)]
                models = [(refit.model, trial.mean_sharpness) for refit in refits]
                models += [(f.model, f.sharpness) for f in one.study.models[int(number)][n_refits:3]]
                probas = [(job.family.predict_proba(model, X), s) for model, s in models]
                wanted += weight * np.mean([sharpen(p, s * kept.sharpness[label]) for p, s in probas], axis=0)
    np.testing.assert_allclose(refitted.model.raw_proba(conformed), wanted, atol=1e-5)


def test_models_on_all_rows_of_one_trial_differ_by_their_seeds(searched: tuple[Searched, ...]) -> None:
    (job, study) = next((one.job, one.study) for one in searched if one.study.name == "lgbm")
    X = job.view.X

    probas = [
        job.family.predict_proba(refit_all(job, study.trials[0], threads=1, deadline=None, repeat=i).model, X)
        for i in (0, 1, 1)
    ]

    assert np.abs(probas[0] - probas[1]).max() > 1e-3
    np.testing.assert_array_equal(probas[1], probas[2])


def test_without_time_for_models_on_all_rows_those_of_the_folds_vote(
    kept: Candidate, searched: tuple[Searched, ...], executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = {"deadline": time.monotonic()}
    monkeypatch.setattr(ensemble, "start_refit", lambda *args, **kwargs: start_refit(*args, **kwargs | over))

    late = keep_ensemble(searched, recipe=replace(RECIPE, refits_voters=True), executor=executor, deadline=None)

    assert set((late.member_refits or {}).values()) == {0}
    rows = _table(50, seed=2)
    np.testing.assert_array_equal(late.model.proba(rows), kept.model.proba(rows))


def test_a_refit_that_fails_is_noted_and_its_fold_models_vote(
    kept: Candidate, searched: tuple[Searched, ...], executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: Any, **kwargs: Any) -> Any:
        return executor.submit(_no_memory)

    monkeypatch.setattr(ensemble, "start_refit", failing)

    noted = keep_ensemble(searched, recipe=replace(RECIPE, refits_voters=True), executor=executor, deadline=None)

    wanted = {f"{label}: the refit on all rows failed: RuntimeError: out of memory" for label in kept.weights or {}}
    assert (set(noted.notes), len(noted.notes)) == (wanted, len(wanted))
    rows = _table(50, seed=2)
    np.testing.assert_array_equal(noted.model.proba(rows), kept.model.proba(rows))


def test_models_that_the_clock_cut_short_after_a_resume_do_not_vote(
    searched: tuple[Searched, ...], executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = {"deadline": time.monotonic()}
    monkeypatch.setattr(ensemble, "fit_finally", lambda *args, **kwargs: fit_finally(*args, **kwargs | over))
    resumed = [replace(one, study=replace(one.study, models={})) for one in searched]

    late = keep_ensemble(resumed, recipe=RECIPE, executor=executor, deadline=None)

    # What each family kept was fitted before the clock ran out.
    assert set(late.weights or {}) <= {f"{one.study.name}#{_number(one.kept)}" for one in searched}
    assert sum((late.weights or {}).values()) == pytest.approx(1, abs=1e-5)
    assert {member.family for member in late.model.members} <= {one.study.name for one in searched}


def test_after_a_resume_a_dear_voter_does_not_bar_cheap_ones(searched: tuple[Searched, ...]) -> None:
    one = next(one for one in searched if one.study.name == "lgbm")
    dear, *cheap = [trial.number for trial in contenders(one.study.trials, one.job)]
    # Core-seconds of a hundred seconds on two cores, of which half may be spent here.
    seconds = {dear: 200.0} | dict.fromkeys(cheap, 20.0)
    trials = tuple(replace(t, seconds=seconds.get(t.number, 0.0), threads=2) for t in one.study.trials)
    kept = replace(one.kept, trial=trials[-1])
    resumed = replace(one, study=replace(one.study, trials=trials, models={}), kept=kept)

    voters = find_voters([resumed], RECIPE.metric, n_cores=2, deadline=time.monotonic() + 100)

    assert {voter.trial.number for voter in voters if not voter.is_at_hand} == {*cheap} - {trials[-1].number}


def test_models_that_are_cut_cost_one_more_vote_and_no_more_fits(
    searched: tuple[Searched, ...], executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, votes = [], []

    def cutting(study: Any, job: Any, trial: Any, **options: Any) -> Any:
        fitted.append(trial.number)
        return fit_finally(study, job, trial, **options | {"deadline": time.monotonic()})

    monkeypatch.setattr(ensemble, "fit_finally", cutting)
    monkeypatch.setattr(ensemble, "vote", lambda *args, **options: votes.append(1) or vote(*args, **options))
    resumed = [replace(one, study=replace(one.study, models={})) for one in searched]
    first = {
        voter.trial.number
        for voter in find_voters(resumed, RECIPE.metric, n_cores=2, deadline=None)
        if not voter.is_at_hand
    }

    keep_ensemble(resumed, recipe=RECIPE, executor=executor, deadline=None)

    assert len(votes) == 2
    assert 0 < len(fitted) <= len(first)


def test_what_a_family_keeps_votes_whatever_its_rank(searched: tuple[Searched, ...], executor: LocalExecutor) -> None:
    one = next(one for one in searched if one.study.name == "lgbm")
    (*_, last) = best_trials(one.study, RECIPE.metric, n=10)
    assert last not in contenders(one.study.trials, one.job)
    final = fit_finally(one.study, one.job, last, executor=executor, deadline=None)
    kept = keep(one.study, one.job, trial=last, final=final, encoder=one.encoder, recipe=RECIPE)

    voters = find_voters([replace(one, kept=kept)], RECIPE.metric, n_cores=2, deadline=None)

    assert last.number in {voter.trial.number for voter in voters if voter.is_at_hand}


@pytest.mark.parametrize("n_short", [0, 1])
def test_a_fit_that_is_cut_after_its_best_round_is_the_same(n_short: int, searched: tuple[Searched, ...]) -> None:
    one = next(one for one in searched if one.study.name == "lgbm")
    trial = best_trials(one.study, RECIPE.metric)[0]
    fitted = [replace(f, stopped="deadline") for f in one.study.models[trial.number]]
    short = [replace(f, n_rounds=f.n_rounds - (1 if i < n_short else 0)) for i, f in enumerate(fitted)]
    study = replace(one.study, models={trial.number: tuple(short)})

    for state in ("complete", "cut"):
        was = replace(trial, state=state)
        final = fit_finally(study, one.job, was, executor=None, deadline=None)  # type: ignore[arg-type] # none is fitted
        assert (final.cut is None) == (n_short == 0)


def test_a_family_whose_own_models_were_cut_short_votes_with_what_these_say(
    searched: tuple[Searched, ...], executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried = []
    for one in searched:
        trial, study = one.kept.trial, replace(one.study, models={})
        assert trial is not None
        final = fit_finally(study, one.job, trial, executor=executor, deadline=time.monotonic())
        assert final.cut is not None
        cut = keep(study, one.job, trial=trial, final=final, encoder=one.encoder, recipe=RECIPE)
        # Nothing else is there to vote.
        study = replace(study, trials=tuple(t if t is trial else replace(t, proba=None) for t in study.trials))
        hurried.append(replace(one, study=study, kept=cut))
    monkeypatch.setattr(ensemble, "fit_finally", _no_memory)  # what is there is not fitted a third time

    voted = keep_ensemble(hurried, recipe=RECIPE, executor=executor, deadline=None)

    assert set(voted.weights or {}) <= {f"{one.study.name}#{_number(one.kept)}" for one in hurried}
    kept = {f"{one.study.name}#{_number(one.kept)}": one.kept.trial for one in hurried}
    assert all(part.trial is kept[part.label] for part in parts_of(voted, "ensemble", searched=hurried))
    best = max(one.kept.validation_score for one in hurried)
    assert voted.validation_score >= best
    assert voted.validation_score < max(one.kept.validation_score for one in searched)


def _number(kept: Candidate) -> int:
    assert kept.trial is not None
    return kept.trial.number


def _no_memory() -> None:
    raise RuntimeError("out of memory")


def test_predictions_do_not_depend_on_the_number_of_threads(kept: Candidate) -> None:
    rows = _table(100, seed=3)

    alone = kept.model.proba(rows, threads=1)

    for threads in (2, 3, 8):
        np.testing.assert_array_equal(kept.model.proba(rows, threads=threads), alone)


def test_voters_whose_trees_cost_too_much_leave(
    searched: tuple[Searched, ...], executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensemble, "MOST_PREDICTION_S", 1e-9)

    thrifty = keep_ensemble(searched, recipe=RECIPE, executor=executor, deadline=None)

    assert thrifty.weights is not None
    assert list(thrifty.weights.values()) == [1.0]


def test_a_family_without_data_holds_on_to_none_of_it(
    searched: tuple[Searched, ...], executor: LocalExecutor, kept: Candidate
) -> None:
    light = tuple(without_data(one) for one in searched)

    assert all(one.job.view.n_samples == 0 for one in light)
    assert all(getattr(one.job.view.X, "base", None) is None for one in light)
    for one in light:
        with_predictions = [trial for trial in one.study.trials if trial.proba is not None]
        assert len(with_predictions) == len(contenders(one.study.trials, one.job)) < len(one.study.trials)
    again = keep_ensemble(light, recipe=RECIPE, executor=executor, deadline=None)
    assert again.weights == kept.weights


def test_each_variant_of_a_family_is_a_kind_of_its_own() -> None:
    def voter(name: str, kind: str) -> SimpleNamespace:
        job = SimpleNamespace(family=SimpleNamespace(variant=lambda params: params["kind"]))
        searched = SimpleNamespace(study=SimpleNamespace(name=name), job=job)
        return SimpleNamespace(searched=searched, trial=SimpleNamespace(params={"kind": kind}))

    voters = [voter("a", "bent"), voter("b", "bent"), voter("a", "near"), voter("a", "bent"), voter("a", "near")]

    assert kinds_of(voters) == (0, 1, 2, 0, 2)  # type: ignore[arg-type] # what a voter is known by
