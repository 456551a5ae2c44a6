from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mltrain.metrics import resolve
from mltrain.search.fitting import make_call, prepare, run_fit
from mltrain.search.pruning import Bar, CurveWatch, is_hopeless, set_bar
from mltrain.search.trial import Trial


def make_trial(number, score, *, loss=math.nan, state="complete"):
    return Trial(
        number=number,
        params={},
        state=state,
        score=score,
        fold_scores=(score,),
        fold_losses=(loss,),
        n_rounds=(10 * (number + 1),),
        seed=0,
    )


def bar_at(loss):
    return Bar(worst_score=0.0, greater_is_better=True, worst_loss=loss)


def stopped_at(curve, bar, n_rounds=2000):
    watch = CurveWatch(bar=bar)
    return next((n for n in range(1, n_rounds + 1) if watch.is_hopeless(n, curve(n))), None)


@pytest.mark.parametrize(("name", "hopeless", "hopeful"), [("roc_auc", 0.699, 0.701), ("log_loss", 1.101, 1.099)])
def test_the_bar_is_an_interquartile_range_below_the_median(name, hopeless, hopeful):
    scores = [0.7, 0.8, 0.9, 1.0, 1.1]  # median .9, quartiles .8 and 1.0

    bar = set_bar([make_trial(n, s) for n, s in enumerate(scores)], resolve(name, n_classes=2))

    assert is_hopeless(bar, hopeless)
    assert not is_hopeless(bar, hopeful)


def test_a_curve_has_to_promise_the_median_of_the_losses():
    trials = [make_trial(n, 0.5, loss=loss) for n, loss in enumerate([0.5, 0.4, 0.3, 0.2, 0.9])]

    assert set_bar(trials, resolve("roc_auc", n_classes=2)).worst_loss == 0.4


def test_trials_that_did_not_complete_set_no_bar():
    trials = [make_trial(n, 0.5) for n in range(4)] + [make_trial(n, 0.5, state="pruned") for n in range(4, 9)]

    assert set_bar(trials, resolve("roc_auc", n_classes=2)) is None


def test_undefined_scores_are_never_hopeless():
    assert not is_hopeless(bar_at(1.0), math.nan)


def test_a_curve_that_has_flattened_above_the_bar_is_given_up():
    # It is 0.586, 0.556 and 0.533 after 8, 12 and 17 rounds: gains that shrink to 0.78 promise 0.451.
    assert stopped_at(lambda n: 0.5 + 0.2 * 0.9**n, bar_at(0.450)) == 17
    assert stopped_at(lambda n: 0.5 + 0.2 * 0.9**n, bar_at(0.452)) > 17
    assert stopped_at(lambda n: 0.5 + 0.2 * 0.9**n, bar_at(0.49)) == 36
    assert stopped_at(lambda n: 0.5 + 0.2 * 0.9**n, bar_at(0.501)) is None


def test_a_curve_that_stands_still_above_the_bar_is_given_up():
    assert stopped_at(lambda n: 0.5, bar_at(0.4)) == 17


def test_a_slow_curve_that_will_pass_the_bar_is_kept():
    assert stopped_at(lambda n: 0.3 + 0.39 * math.exp(-0.003 * n), bar_at(0.35)) is None


def test_a_curve_below_the_bar_is_kept_even_when_it_rises_again():
    assert stopped_at(lambda n: 0.35 if n == 5 else 0.9, bar_at(0.4)) is None


def test_without_losses_nothing_is_given_up():
    assert stopped_at(lambda n: 5.0, bar_at(math.inf)) is None


@pytest.mark.parametrize(("is_additive", "stopped"), [(True, "pruned"), (False, "done")])
def test_only_curves_of_what_adds_up_tell_where_a_fit_will_end(toy, make_job, is_additive, stopped):
    family = toy()
    family.is_additive = is_additive
    job, params = make_job(family), {"slope": 0.1, "rounds": 40, "kind": "left"}
    call = make_call(job, prepare(job, 1, params), fold=0, params=params, number=20, threads=1, deadline=None)

    outcome = run_fit(replace(call, bar=bar_at(0.01)))

    assert outcome.fitted.stopped == stopped
