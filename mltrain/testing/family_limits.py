# ruff: noqa: D102 - tests are named by behaviour
"""The part of the contract of a model family that is about what ends a fit."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from mltrain.models import Fitted, Fold, Limits, ModelFamily, Objective, Proba
from mltrain.space import Params
from mltrain.testing.family_data import Rows, make_folds, shape_of

_SLOWEST_STOP_S = 2.0


class FamilyLimitsContract:
    """Tests that `mltrain.testing.model_family.ModelFamilyContract` inherits, with its fixtures."""

    def test_a_past_deadline_ends_the_fit_with_a_model(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)
        began = time.monotonic()

        fitted = fit_first(family, prepared, rows, max_rounds=None, deadline=began)

        assert time.monotonic() - began < _SLOWEST_STOP_S
        assert fitted.stopped == "deadline"
        assert_distributions(fitted.valid_proba, fitted.valid_proba.shape)

    def test_a_fit_in_a_hurry_ends_with_a_model(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)
        began = time.monotonic()

        fitted = fit_first(family, prepared, rows, max_rounds=None, hurry=lambda: True)

        assert time.monotonic() - began < _SLOWEST_STOP_S
        assert fitted.stopped == "deadline"
        assert_distributions(fitted.valid_proba, fitted.valid_proba.shape)

    @pytest.mark.parametrize("n_rounds", [1, 10, 23])
    def test_a_fit_cut_short_is_made_again_from_the_rounds_it_kept(
        self, family: ModelFamily, rows: Rows, n_rounds: int
    ) -> None:
        prepared, _ = prepare(family, rows)
        asked = itertools.count(1)

        cut = fit_first(family, prepared, rows, max_rounds=None, hurry=lambda: next(asked) >= n_rounds)
        again = fit_first(family, prepared, rows, max_rounds=cut.n_rounds)

        assert again.n_rounds == cut.n_rounds
        assert again.sharpness == cut.sharpness
        np.testing.assert_array_equal(again.valid_proba, cut.valid_proba)

    def test_a_callback_can_stop_the_fit(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)
        seen: list[tuple[int, float]] = []

        def stop(round_: int, loss: float) -> bool:
            seen.append((round_, loss))
            return True

        fitted = fit_first(family, prepared, rows, on_round=stop)

        assert fitted.stopped == "pruned"
        assert len(seen) == 1
        assert seen[0][0] >= 1
        assert np.isfinite(seen[0][1])

    def test_the_callback_sees_the_log_loss(self, family: ModelFamily, rows: Rows) -> None:
        prepared, folds = prepare(family, rows)

        fitted = fit_first(family, prepared, rows, max_rounds=8)

        powers = fitted.valid_proba**fitted.sharpness
        proba = powers / powers.sum(axis=1, keepdims=True)
        own = proba[np.arange(folds[0].valid.size), rows.y[folds[0].valid]]
        nearest = min(abs(loss - float(-np.log(own).mean())) for loss in fitted.valid_losses)
        # A family may look at some rounds only, so the last one may be a little off.
        assert nearest < 0.05

    def test_a_final_fit_has_no_validation_rows(self, family: ModelFamily, rows: Rows) -> None:
        whole = Fold(train=np.arange(rows.y.size), valid=np.arange(0))
        prepared, _ = prepare(family, rows, folds=[whole])

        def refuse(round_: int, loss: float) -> bool:
            raise AssertionError(f"called in round {round_} with {loss}")

        fitted = fit_first(family, prepared, rows, max_rounds=7, on_round=refuse)

        assert fitted.valid_proba.shape == (0, rows.n_classes)
        assert 1 <= fitted.n_rounds <= 7


def prepare(
    family: ModelFamily,
    rows: Rows,
    *,
    folds: Sequence[Fold] | None = None,
    weights: Any = None,
    threads: int = 1,
) -> tuple[Any, Sequence[Fold]]:
    """Return what a family makes of the rows for its fits, and the folds."""
    folds = make_folds(rows) if folds is None else folds
    objective = Objective(n_classes=rows.n_classes)
    prepared = family.prepare(rows.view, rows.y, weights=weights, folds=folds, objective=objective, threads=threads)
    return prepared, folds


def fit_first(
    family: ModelFamily, prepared: Any, rows: Rows, *, fold: int = 0, max_rounds: int | None = 20, **limits: Any
) -> Fitted:
    """Fit the first of the family's first trials."""
    params: Params = family.first_trials(shape_of(rows))[0]
    return family.fit(prepared, fold, params=params, limits=Limits(seed=5, max_rounds=max_rounds, **limits))


def assert_distributions(proba: Proba, shape: tuple[int, ...]) -> None:
    """Fail unless each row is a distribution over the classes."""
    assert proba.shape == shape
    assert proba.dtype == np.float64
    assert proba.min() >= 0
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, atol=1e-9)
