# ruff: noqa: D102 - tests are named by behaviour
"""The part of the contract of a model family that is about what ends a fit."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest

from mltrain.models import Fold, Limits, ModelFamily
from mltrain.testing.family_data import Rows, assert_distributions, fit_first, prepare

_SLOWEST_STOP_S = 2.0


class FamilyLimitsContract:
    """Tests that `mltrain.testing.model_family.ModelFamilyContract` inherits, with its fixtures."""

    def test_a_past_deadline_ends_the_fit_with_a_model(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)
        began = time.monotonic()

        fitted = fit_first(family, prepared, rows, limits=Limits(seed=5, deadline=began))

        assert time.monotonic() - began < _SLOWEST_STOP_S
        assert fitted.stopped == "deadline"
        assert_distributions(fitted.valid_proba, fitted.valid_proba.shape)

    def test_a_fit_in_a_hurry_ends_with_a_model(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)
        began = time.monotonic()

        fitted = fit_first(family, prepared, rows, limits=Limits(seed=5, hurry=lambda: True))

        assert time.monotonic() - began < _SLOWEST_STOP_S
        assert fitted.stopped == "deadline"
        assert_distributions(fitted.valid_proba, fitted.valid_proba.shape)

    @pytest.mark.parametrize("n_rounds", [1, 10, 23])
    def test_a_fit_cut_short_is_made_again_from_the_rounds_it_kept(
        self, family: ModelFamily, rows: Rows, n_rounds: int
    ) -> None:
        prepared, _ = prepare(family, rows)
        asked = itertools.count(1)

        limits = Limits(seed=5, hurry=lambda: next(asked) >= n_rounds)
        cut = fit_first(family, prepared, rows, limits=limits)
        again = fit_first(family, prepared, rows, limits=replace(limits, hurry=None, max_rounds=cut.n_rounds))

        assert n_rounds > 1 or cut.stopped == "deadline"
        assert again.n_rounds == cut.n_rounds
        assert again.sharpness == cut.sharpness
        np.testing.assert_array_equal(again.valid_proba, cut.valid_proba)

    def test_a_callback_can_stop_the_fit(self, family: ModelFamily, rows: Rows) -> None:
        prepared, _ = prepare(family, rows)
        seen: list[tuple[int, float]] = []

        def stop(round_: int, loss: float) -> bool:
            seen.append((round_, loss))
            return True

        fitted = fit_first(family, prepared, rows, limits=Limits(seed=5, max_rounds=20, on_round=stop))

        assert fitted.stopped == "pruned"
        assert len(seen) == 1
        assert seen[0][0] >= 1
        assert np.isfinite(seen[0][1])

    def test_the_callback_sees_the_log_loss(self, family: ModelFamily, rows: Rows) -> None:
        prepared, folds = prepare(family, rows)

        fitted = fit_first(family, prepared, rows, limits=Limits(seed=5, max_rounds=8))

        powers = fitted.valid_proba**fitted.sharpness
        proba = powers / powers.sum(axis=1, keepdims=True)
        own = proba[np.arange(folds[0].valid.size), rows.y[folds[0].valid]]
        last = int(np.argmin(np.abs(np.array(fitted.loss_rounds) - fitted.n_rounds)))
        # A family may look at some rounds only, so that the one before its best may be what there is.
        tolerance = 1e-6 if fitted.loss_rounds[last] == fitted.n_rounds else 0.05
        assert abs(fitted.valid_losses[last] + float(np.log(own).mean())) < tolerance

    def test_a_final_fit_has_no_validation_rows(self, family: ModelFamily, rows: Rows) -> None:
        whole = Fold(train=np.arange(rows.y.size), valid=np.arange(0))
        prepared, _ = prepare(family, rows, folds=[whole])

        def refuse(round_: int, loss: float) -> bool:
            raise AssertionError(f"called in round {round_} with {loss}")

        fitted = fit_first(family, prepared, rows, limits=Limits(seed=5, max_rounds=7, on_round=refuse))

        assert fitted.valid_proba.shape == (0, rows.n_classes)
        assert 1 <= fitted.n_rounds <= 7
