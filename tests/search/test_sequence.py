from __future__ import annotations

import math

import optuna
import pytest

from mltrain.metrics import resolve
from mltrain.search.narrowing import make_plan
from mltrain.search.seeds import derive
from mltrain.search.sequence import Sequence
from mltrain.search.trial import Trial
from mltrain.space import Choice, Float, Int

SPACE = {
    "rate": Float(low=1e-3, high=1.0, log=True),
    "leaves": Int(low=2, high=64),
    "kind": Choice(options=("a", None, True)),
}
LAG = 3


def make_sequence(finished=None, first=({"rate": 0.1, "leaves": 31, "kind": "a"},)):
    plan = make_plan(SPACE, tuple(first), fixed={"fixed": 1})
    return Sequence("toy", plan, metric=resolve("roc_auc", n_classes=2), seed=5, lag=LAG, finished=finished or {})


def ended(proposal, *, state="complete", score=None):
    value = math.sin(proposal.params["leaves"]) if score is None else score
    score = value if state == "complete" else None
    return Trial(
        number=proposal.number,
        params=proposal.params,
        state=state,
        score=score,
        seed=0,
        fold_scores=(value,),
        fold_losses=(math.nan,),
        n_rounds=(1,),
    )


def play(n_trials, *, states=None, finished=None, **plan):
    sequence = make_sequence(finished, **plan)
    proposals = {}
    while (proposal := sequence.propose(n_trials)) is not None:
        proposals[proposal.number] = proposal
        sequence.record(ended(proposal, state=(states or {}).get(proposal.number, "complete")))
    return proposals


def test_a_trial_waits_for_the_one_that_lies_a_lag_behind():
    sequence = make_sequence()
    proposals = [sequence.propose(None) for _ in range(LAG)]

    assert [p.number for p in proposals] == [0, 1, 2]
    assert sequence.propose(None) is None
    sequence.record(ended(proposals[1]))
    sequence.record(ended(proposals[2]))
    assert sequence.propose(None) is None
    sequence.record(ended(proposals[0]))
    assert [sequence.propose(None).number for _ in range(3)] == [3, 4, 5]
    assert sequence.propose(None) is None


def test_a_cut_trial_counts_as_not_run():
    sequence = make_sequence()
    proposals = [sequence.propose(None) for _ in range(LAG)]

    sequence.record(ended(proposals[0], state="cut"))

    assert sequence.propose(None) is None


@pytest.mark.parametrize("state", ["failed", "pruned"])
def test_failed_and_pruned_trials_are_told(state):
    wanted = play(20)
    best = max(range(10), key=lambda number: math.sin(wanted[number].params["leaves"]))

    proposals = play(20, states={best: state})

    assert list(proposals) == list(range(20))
    assert all(proposals[number].params == wanted[number].params for number in range(best + LAG))
    assert any(proposals[number].params != wanted[number].params for number in range(20))


def test_a_family_is_given_up_once_a_trial_that_the_sampler_chose_has_failed_too():
    first = tuple({"rate": 0.1, "leaves": leaves, "kind": "a"} for leaves in range(2, 12))
    failed = dict.fromkeys(range(100), "failed")

    assert len(play(100, first=first, states=failed)) == 11 + LAG - 1
    assert len(play(100, first=first[:1], states=failed)) == 8 + LAG - 1
    assert len(play(100, first=first, states={**failed, 9: "complete"})) == 100


@pytest.mark.parametrize("state", ["complete", "pruned"])
def test_the_sampler_is_not_told_of_a_trial_with_parameters_that_are_not_searched(state):
    plain = ({"rate": 0.1, "leaves": 31, "kind": "a"}, {"rate": 0.2, "leaves": 8, "kind": "a"})
    beside = (plain[0], {**plain[1], "reach": 1.0})

    proposals = play(20, first=beside, states={1: state})
    failed = play(20, first=plain, states={1: "failed"})

    assert proposals[1].params == {**beside[1], "fixed": 1}
    assert all(proposals[number].params == failed[number].params for number in range(2, 20))


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")  # multivariate, before Optuna 5
def test_parameters_are_those_of_a_sampler_that_knows_exactly_the_told_trials():
    proposals = play(24)
    distributions = {
        "rate": optuna.distributions.FloatDistribution(1e-3, 1.0, log=True),
        "leaves": optuna.distributions.IntDistribution(2, 64),
        "kind": optuna.distributions.CategoricalDistribution(("a", None, True)),
    }

    for number in (12, 23):
        sampler = optuna.samplers.TPESampler(
            seed=derive(5, "toy", "sampler", number), multivariate=True, constant_liar=True, n_startup_trials=10
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for earlier in range(number):
            known = {name: proposals[earlier].params[name] for name in distributions}
            is_told = earlier <= number - LAG
            study.add_trial(
                optuna.trial.create_trial(
                    state=optuna.trial.TrialState.COMPLETE if is_told else optuna.trial.TrialState.RUNNING,
                    value=math.sin(known["leaves"]) if is_told else None,
                    params=known,
                    distributions=distributions,
                )
            )
        assert study.ask(distributions).params | {"fixed": 1} == proposals[number].params


@pytest.mark.parametrize("known", [range(5), range(20), [0, 1, 2, 4, 6, 7], [3, 11]])
def test_known_trials_are_passed_over_and_change_nothing(known):
    wanted = play(20)

    proposals = play(20, finished={number: ended(wanted[number]) for number in known})

    assert {n: p.params for n, p in proposals.items()} == {n: p.params for n, p in wanted.items() if n not in known}


def test_the_bar_comes_from_told_trials_alone():
    sequence = make_sequence()
    bars = {}
    while (proposal := sequence.propose(30)) is not None:
        bars[proposal.number] = proposal.bar
        sequence.record(ended(proposal, score=0.5 + proposal.number / 100))

    assert all(bars[number] is None for number in range(LAG + 4))
    # at number 7 trials 0 to 4 are told: median .52, quartiles .51 and .53
    assert bars[7].worst_score == pytest.approx(0.50)
    assert bars[7].worst_loss == math.inf
