from __future__ import annotations

import numpy as np
import pytest

from mltrain.search.journal import Journal
from mltrain.search.open_study import OpenStudy
from mltrain.search.trial import Trial

PARAMS = {"slope": 1.0, "rounds": 20, "kind": "none"}


def opened(job, trials):
    known = {trial.number: trial for trial in trials}
    return OpenStudy(job, Journal(folder=None, trials=known, name="toy", key="", versions={}))


def complete(number, seconds):
    return Trial(number=number, params=PARAMS, state="complete", score=0.5, seed=0, seconds=seconds)


def given_up(number, seconds):
    return Trial(number=number, params=PARAMS, state="pruned", seed=0, seconds=seconds)


def failed(number, seconds):
    return Trial(number=number, params=PARAMS, state="failed", seed=0, seconds=seconds)


@pytest.mark.parametrize(
    ("trials", "share"),
    [
        ([], 1.0),
        ([given_up(0, 1.0)], 1.0),  # nothing tells what it would have taken
        ([complete(0, 4.0), complete(1, 4.0)], 1.0),
        ([complete(0, 4.0), given_up(1, 1.0)], 5 / 8),
        ([complete(0, 4.0), given_up(1, 1.0), failed(2, 0.0)], 5 / 8),
        ([complete(0, 4.0), complete(1, 4.0), given_up(2, 0.0), given_up(3, 0.0)], 1 / 2),
    ],
)
def test_trials_that_are_given_up_take_a_part_of_their_forecast(make_job, trials, share):
    study = opened(make_job(), trials)

    assert study.share_run == pytest.approx(share)
    if any(trial.state == "complete" for trial in trials):
        assert np.isclose(study.forecast_s(study.peek()), 4.0)  # a trial that may begin has time to end
