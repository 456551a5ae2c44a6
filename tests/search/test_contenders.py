from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mltrain.metrics import LOG_LOSS
from mltrain.search import Trial, contenders, variant_of

_PROBA = np.full((1, 2), 0.5)


def _job(**family):
    return SimpleNamespace(family=SimpleNamespace(**family), metric=LOG_LOSS, n_voters=2)


def _trial(number: int, score: float | None, kind: str = "bent", **more) -> Trial:
    trial = Trial(number=number, params={"kind": kind}, state="complete", score=score, seed=1, proba=_PROBA)
    return replace(trial, **more)


def _kind(params):
    return params["kind"]


@pytest.mark.parametrize(("family", "expected"), [({}, [2, 0]), ({"variant": _kind}, [2, 0, 3, 5])])
def test_the_best_of_each_further_variant_may_vote_too(family, expected):
    trials = [
        _trial(0, 0.4),
        _trial(1, 0.5),
        _trial(2, 0.3),
        _trial(3, 0.6, "near"),
        _trial(4, 0.7, "near"),
        _trial(5, 0.9, "far"),
    ]

    assert [trial.number for trial in contenders(trials, _job(**family))] == expected


def test_who_has_no_predictions_or_was_pruned_does_not_vote():
    trials = [_trial(0, 0.1, proba=None), _trial(1, 0.2, state="pruned"), _trial(2, None), _trial(3, 0.5)]

    assert [trial.number for trial in contenders(trials, _job(variant=_kind))] == [3]


def test_all_models_of_a_family_that_says_nothing_are_of_one_sort():
    assert variant_of(_job(), {"kind": "near"}) == variant_of(_job(), {"kind": "far"})
