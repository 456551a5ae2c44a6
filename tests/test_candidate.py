"""What is kept of a search: final fit, calibration and threshold, from rows the model did not learn from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from mltrain import plugins
from mltrain.calibration import calibrate, choose_calibrator
from mltrain.candidate import (
    CalibrationSplit,
    Candidate,
    HeldOut,
    Recipe,
    affordable_trial,
    best_trials,
    choose,
    decision_threshold,
    decisions,
    fit_again_s,
    held_out_rows,
    keep,
    validated_parts,
)
from mltrain.config import PreprocessingSection, SplitSection, TrainSection
from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.data.conforming import conform
from mltrain.development import develop, encoded_view
from mltrain.final_fit import fit_finally, refit_seconds, start_refit
from mltrain.metrics import resolve
from mltrain.models import Objective
from mltrain.preprocessing import Encoder
from mltrain.search import Curve, Ends, LocalExecutor, SearchJob, Study, Trial, as_scored, search
from mltrain.space import Float

COLUMNS = tuple(Column(name=n, kind=ColumnKind.NUMERIC, arrow_type="double") for n in ("a", "b"))
NO_TIME = "no time was left to refit on all rows"


@dataclass(frozen=True, kw_only=True)
class Found:
    """A search that ended, and what keeping one of its trials needs."""

    job: SearchJob
    study: Study
    encoder: Encoder
    recipe: Recipe
    executor: LocalExecutor

    def keep(self, *, deadline: float | None = None, study: Study | None = None, **recipe: Any) -> Candidate:
        study, settings = study or self.study, replace(self.recipe, **recipe)
        trial = affordable_trial(study, settings, executor=self.executor, deadline=deadline)
        assert trial is not None
        refit = None
        if settings.final_fit == "refit":
            refit = start_refit(study, self.job, trial, executor=self.executor, deadline=deadline)
        final = fit_finally(study, self.job, trial, executor=self.executor, deadline=deadline, refit=refit)
        return keep(study, self.job, trial=trial, final=final, encoder=self.encoder, recipe=settings)

    def ranked(self, **recipe: Any) -> tuple[Trial, ...]:
        return best_trials(self.study, replace(self.recipe, **recipe).metric, n=10)


def _table(n: int, *, seed: int, n_classes: int = 2) -> pa.Table:
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, n))
    codes = np.digitize(a + 0.5 * b + random.normal(size=n), [0.5] if n_classes == 2 else [-0.6, 0.6])
    return pa.table({"a": a, "b": b, "y": np.array(["no", "yes", "zz"])[codes]})


def _search(
    executor: LocalExecutor, *, metric: str = "roc_auc", validation: str = "kfold", n_classes: int = 2
) -> Found:
    schema = Schema(columns=COLUMNS, target=Target(name="y", classes=("no", "yes", "zz")[:n_classes]))
    rows = develop(
        _table(240, seed=0, n_classes=n_classes),
        _table(80, seed=1, n_classes=n_classes),
        schema=schema,
        settings=TrainSection(validation=validation, n_folds=3),
        split=SplitSection(),
        seed=1,
    )
    family = plugins.load("models", "logistic_regression")
    encoded = encoded_view(rows, family.view, PreprocessingSection())
    recipe = Recipe(
        schema=schema, metric=resolve(metric, n_classes=n_classes), final_fit="bag", calibration="sigmoid", seed=1
    )
    job = SearchJob(
        name="logistic_regression",
        family=family,
        view=encoded.view,
        y=rows.y,
        folds=rows.folds,
        objective=Objective(n_classes=n_classes),
        metric=recipe.metric,
        space={"C": Float(low=1e-4, high=10.0, log=True)},
        first_trials=({"C": 1e-4}, {"C": 0.01}, {"C": 1.0}),
        fixed={},
        seed=1,
        max_trials=3,
        data_key="rows",
        n_voters=3,
        sharpens=recipe.sharpens,
    )
    (study,) = search((job,), executor=executor, journal_dir=None, ends=Ends(deadline=None))
    return Found(job=job, study=study, encoder=encoded.encoder, recipe=recipe, executor=executor)


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    with LocalExecutor(2) as opened:
        yield opened


@pytest.fixture(scope="module")
def found(executor: LocalExecutor) -> Found:
    return _search(executor)


@pytest.fixture(scope="module")
def holdout(executor: LocalExecutor) -> Found:
    return _search(executor, validation="holdout")


def test_the_score_is_that_of_the_raw_held_out_predictions_less_what_picking_flatters(found: Found) -> None:
    kept = found.keep()
    (best, *_) = found.ranked()

    assert kept.trial == best
    assert best.proba is not None
    y = found.job.y[np.concatenate([fold.valid for fold in found.job.folds])]
    np.testing.assert_array_equal(kept.held_out.y, found.job.y)  # each row once
    assert best.score == pytest.approx(roc_auc_score(y, best.proba[:, 1]))
    assert best.score - 0.01 < kept.validation_score <= best.score  # less what picking it flatters


def test_under_log_loss_the_score_is_that_of_predictions_as_sure_as_they_may_be(executor: LocalExecutor) -> None:
    found = _search(executor, metric="log_loss")

    kept = found.keep()

    assert kept.trial is not None
    assert kept.trial.proba is not None
    y = found.job.y[found.job.valid_rows]
    shy = next(trial for trial in found.study.trials if trial.number == 1)  # C = 0.01: right, and hardly sure of it
    assert shy.proba is not None
    assert shy.score == pytest.approx(log_loss(y, as_scored(found.job, shy.proba)[:, 1]))
    assert shy.score < log_loss(y, shy.proba[:, 1]) - 0.001
    assert kept.trial.score <= kept.validation_score < kept.trial.score + 0.01
    assert not replace(found.recipe, calibration="none").sharpens
    assert not replace(found.recipe, metric=resolve("roc_auc", n_classes=2)).sharpens


def test_held_out_predictions_are_calibrated_as_the_model_is(found: Found) -> None:
    kept = found.keep()
    assert kept.trial is not None
    assert kept.trial.proba is not None
    once = held_out_rows(found.job, kept.trial.proba)
    raw = once.proba

    wanted = choose_calibrator(raw, once.y, method="sigmoid", seed=1, parts=once.parts)

    assert kept.model.calibrator == wanted
    assert wanted is not None
    np.testing.assert_array_equal(kept.held_out.proba, calibrate(wanted, raw))
    np.testing.assert_allclose(kept.held_out.proba.sum(axis=1), 1)
    assert log_loss(kept.held_out.y, kept.held_out.proba) <= log_loss(kept.held_out.y, raw) + 1e-9


def test_without_calibration_they_are_as_they_were(found: Found) -> None:
    kept = found.keep(calibration="none")

    assert kept.model.calibrator is None
    assert kept.trial is not None
    assert kept.trial.proba is not None
    np.testing.assert_array_equal(kept.held_out.proba, held_out_rows(found.job, kept.trial.proba).proba)


def test_one_class_among_the_held_out_rows_calibrates_nothing(found: Found) -> None:
    one = HeldOut(y=np.zeros(4, dtype=np.int64), proba=np.full((4, 2), 0.5))

    assert choose(one, found.recipe) is None


def test_a_calibration_split_calibrates_and_is_all_that_does(found: Found) -> None:
    table = _table(120, seed=9)
    y = (np.array(table["y"].to_pylist()) == "yes").astype(np.int64)
    rows = conform(table, found.recipe.schema, origin="test")
    recipe = {"calibration_split": CalibrationSplit(table=rows, y=y), "metric": resolve("f1", n_classes=2)}

    kept = found.keep(**recipe)

    raw = kept.model.raw_proba(rows)
    assert kept.model.calibrator == choose_calibrator(raw, y, method="sigmoid", seed=1)
    np.testing.assert_array_equal(kept.held_out.y, y)
    np.testing.assert_allclose(kept.held_out.proba, kept.model.proba(table))
    assert kept.model.threshold == decision_threshold(y, kept.held_out.proba, metric=recipe["metric"])


def test_no_threshold_is_better_for_a_metric_of_decisions(found: Found) -> None:
    kept = found.keep(metric=resolve("f1", n_classes=2))

    positive = kept.held_out.proba[:, 1]
    best = max(f1_score(kept.held_out.y, positive >= t) for t in np.unique(positive))
    assert f1_score(kept.held_out.y, decisions(kept)) == pytest.approx(best)
    assert kept.model.threshold is not None
    np.testing.assert_array_equal(decisions(kept), positive >= kept.model.threshold)


def test_metrics_of_probabilities_and_three_classes_have_no_threshold(found: Found, executor: LocalExecutor) -> None:
    assert found.keep().model.threshold is None

    three = _search(executor, metric="f1", n_classes=3).keep()

    assert three.model.threshold is None
    np.testing.assert_array_equal(decisions(three), three.held_out.proba.argmax(axis=1))
    np.testing.assert_allclose(three.held_out.proba.sum(axis=1), 1)


def test_a_bag_is_the_average_of_the_fold_models_of_the_first_repeat(found: Found) -> None:
    kept = found.keep(calibration="none")

    assert (kept.final_fit, kept.notes) == ("bag", ())
    assert kept.trial is not None
    fitted = found.study.models[kept.trial.number]
    first_repeat = fitted[:3]
    votes = [found.job.family.predict_proba(f.model, found.job.view.X) for f in first_repeat]
    np.testing.assert_allclose(kept.model.proba(_development()), np.mean(votes, axis=0))


def _development() -> pa.Table:
    return pa.concat_tables([_table(240, seed=0), _table(80, seed=1)])


def test_after_a_resume_the_same_fold_models_are_fitted_again(found: Found) -> None:
    resumed = replace(found.study, models={}, prepared=None)

    again = found.keep(study=resumed)

    np.testing.assert_allclose(again.model.proba(_development()), found.keep().model.proba(_development()), rtol=1e-9)


def test_after_a_resume_models_that_the_clock_cut_short_are_scored_as_they_are(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    best, *_, worst = found.ranked()
    stubs = tuple(replace(fitted, stopped="deadline") for fitted in found.study.models[worst.number])
    monkeypatch.setattr("mltrain.final_fit.fit_folds", lambda *_, **__: stubs)

    kept = found.keep(study=replace(found.study, models={}))

    assert kept.trial is not None
    assert (kept.trial.number, kept.trial.state) == (best.number, "cut")
    assert kept.validation_score == worst.score
    assert (kept.trial.fold_scores, kept.trial.fold_losses) == (worst.fold_scores, worst.fold_losses)
    assert kept.held_out.proba.shape == (len(found.job.y), 2)
    assert any("cut its best trial short when it was fitted again" in note for note in kept.notes)


def test_after_a_resume_a_trial_is_kept_that_there_is_time_for(found: Found) -> None:
    best, second, third = found.ranked()
    slow = {best.number: 1e4, second.number: 1e-3, third.number: 1e-3}
    trials = tuple(replace(t, seconds=slow[t.number]) for t in found.study.trials)
    soon = time.monotonic() + 30

    def kept(*at_hand: Trial, deadline: float | None = soon) -> int:
        models = {t.number: found.study.models[t.number] for t in at_hand}
        trial = found.keep(study=replace(found.study, trials=trials, models=models), deadline=deadline).trial
        assert trial is not None
        return trial.number

    assert kept() == second.number
    assert kept(best, second) == best.number
    assert kept(third) == second.number
    assert kept(third, deadline=time.monotonic() - 1) == third.number
    assert kept(deadline=None) == best.number
    assert kept(deadline=time.monotonic() - 1) == second.number  # none can: one that the clock cuts the least short


def test_the_score_is_that_of_the_trial_that_is_kept(found: Found) -> None:
    *_, third = found.ranked()
    trials = tuple(replace(trial, seconds=1e4) for trial in found.study.trials)
    resumed = replace(found.study, trials=trials, models={third.number: found.study.models[third.number]})

    kept = found.keep(study=resumed, deadline=time.monotonic() + 30)

    assert kept.trial is not None
    assert kept.trial.number == third.number
    assert kept.validation_score == third.score


def test_after_a_resume_refits_have_the_threads_of_their_study(
    holdout: Found, executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refit_all(*_: Any, threads: int, **__: Any) -> SimpleNamespace:
        return SimpleNamespace(threads=threads, stopped="done")

    monkeypatch.setattr("mltrain.final_fit.refit_all", refit_all)
    narrow, *others = holdout.study.trials
    study = replace(holdout.study, trials=(narrow, *(replace(other, threads=64) for other in others)))

    refit = start_refit(study, holdout.job, narrow, executor=executor, deadline=None).result()

    assert vars(refit)["threads"] == executor.n_cores


def test_a_refit_learns_from_all_rows(holdout: Found) -> None:
    kept = holdout.keep(final_fit="refit", calibration="none")

    assert kept.final_fit == "refit"
    assert kept.notes == ()
    (member,) = kept.model.members
    assert member.weight == 1.0
    fold = holdout.keep(calibration="none").model
    gap = np.abs(kept.model.proba(_development()) - fold.proba(_development())).max()
    assert 0 < gap < 0.1  # another model, of a third more rows


@pytest.mark.parametrize(("name", "final_fit", "n_members"), [("found", "bag", 3), ("holdout", "fold", 1)])
@pytest.mark.parametrize("seconds", [1e4, 0.0])
def test_without_time_to_refit_the_models_of_the_search_stay(
    request: pytest.FixtureRequest, name: str, final_fit: str, n_members: int, seconds: float
) -> None:
    found: Found = request.getfixturevalue(name)
    slow = replace(found.study, trials=tuple(replace(t, seconds=seconds) for t in found.study.trials))
    deadline = time.monotonic() + (30 if seconds else -1)

    kept = found.keep(study=slow, deadline=deadline, final_fit="refit")

    assert kept.final_fit == final_fit
    assert kept.notes == (NO_TIME,)
    assert len(kept.model.members) == n_members
    assert sum(member.weight for member in kept.model.members) == pytest.approx(1)


def test_a_holdout_has_no_parts_and_folds_number_their_rows(found: Found, holdout: Found) -> None:
    assert validated_parts(holdout.job) is None
    parts = validated_parts(found.job)
    assert parts is not None
    assert np.bincount(parts).tolist() == [2 * len(fold.valid) for fold in found.job.folds[:3]]


def test_where_no_trial_can_be_fitted_again_in_time_the_cheapest_is_kept(found: Found) -> None:
    best, second, third = found.ranked()
    seconds = {best.number: 300.0, second.number: 30.0, third.number: 200.0}
    trials = tuple(replace(t, seconds=seconds.get(t.number, 100.0)) for t in found.study.trials)
    resumed = replace(found.study, trials=trials, models={})

    def kept(left_s: float) -> int:
        deadline = time.monotonic() + left_s
        trial = affordable_trial(resumed, found.recipe, executor=found.executor, deadline=deadline)
        assert trial is not None
        return trial.number

    assert kept(1_000.0) == best.number
    assert kept(1.0) == second.number
    at_hand = replace(resumed, models={third.number: found.study.models[third.number]})
    trial = affordable_trial(at_hand, found.recipe, executor=found.executor, deadline=time.monotonic())
    assert trial is not None
    assert trial.number == third.number
    assert fit_again_s(at_hand, trial, n_cores=2) == 0


def test_nothing_is_kept_of_a_study_without_a_score(found: Found) -> None:
    failed = tuple(replace(t, state="failed", score=None, proba=None) for t in found.study.trials)
    pruned = tuple(replace(t, state="pruned") for t in found.study.trials)
    for trials in (failed, pruned, ()):
        empty = replace(found.study, trials=trials, models={})
        assert affordable_trial(empty, found.recipe, executor=found.executor, deadline=None) is None


def test_a_trial_that_was_cut_stands_where_its_score_puts_it(found: Found) -> None:
    best, second, third = found.ranked()
    cut = tuple(replace(t, state="cut") if t.number == best.number else t for t in found.study.trials)

    ranked = best_trials(replace(found.study, trials=cut), found.recipe.metric, n=3)

    assert [t.number for t in ranked] == [best.number, second.number, third.number]


def test_the_forecast_of_a_refit_is_proportional_to_its_rows(found: Found, holdout: Found) -> None:
    trial = replace(found.ranked()[0], seconds=10.0, curve=Curve())

    # Two times three folds train on two thirds each: four times the rows of one fit on all; the holdout on 240 of 320.
    assert refit_seconds(found.job, trial) == pytest.approx(1.1 * 10 / 4)
    assert refit_seconds(holdout.job, trial) == pytest.approx(1.1 * 10 * 320 / 240)


def test_a_refit_does_not_wait_for_a_better_round_as_its_folds_did(found: Found) -> None:
    waited = Curve(loss_rounds=(1, 200), train_losses=(0.5, 0.4), valid_losses=(0.5, 0.4))
    trial = replace(found.ranked()[0], seconds=10.0, curve=Curve())
    n_folds = len(trial.n_rounds)

    late = replace(trial, n_rounds=(100,) * n_folds, curve=waited)
    at_the_end = replace(trial, n_rounds=(200,) * n_folds, curve=waited)

    grown = (3 / 2) ** 0.5  # a fold has two thirds of the rows
    assert refit_seconds(found.job, late) == pytest.approx(
        refit_seconds(found.job, trial) * 100 * grown / 200, rel=0.01
    )
    assert refit_seconds(found.job, at_the_end) == pytest.approx(refit_seconds(found.job, trial) * grown, rel=0.01)


def test_each_row_is_held_out_once_with_the_mean_of_its_repeats(found: Found) -> None:
    trial = found.ranked()[0]
    assert trial.proba is not None

    held_out = held_out_rows(found.job, trial.proba)

    by_hand = [trial.proba[found.job.valid_rows == row].mean(axis=0) for row in range(320)]
    np.testing.assert_allclose(held_out.proba, by_hand)
    np.testing.assert_array_equal(held_out.y, found.job.y)
    assert held_out.parts is not None
    assert all(row in found.job.folds[part].valid for row, part in enumerate(held_out.parts))
