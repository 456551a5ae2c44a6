"""What an error says of itself where no command line prints it."""

from __future__ import annotations

import pickle
import traceback

from mltrain.errors import ConfigError


def test_a_traceback_ends_with_place_and_hint() -> None:
    error = ConfigError("no metric is called 'aucc'", where="train.comparison_metric", hint="did you mean 'roc_auc'?")

    assert traceback.format_exception_only(error) == [
        "mltrain.errors.ConfigError: no metric is called 'aucc'\n",
        "where: train.comparison_metric\n",
        "hint: did you mean 'roc_auc'?\n",
    ]
    assert traceback.format_exception_only(ConfigError("nothing else")) == [
        "mltrain.errors.ConfigError: nothing else\n"
    ]


def test_an_error_that_passes_a_process_says_the_same_once() -> None:
    error = ConfigError("wrong", where="here", hint="mend it")

    again = pickle.loads(pickle.dumps(error))

    assert traceback.format_exception_only(again) == traceback.format_exception_only(error)
