"""The deployment gate and the promotion."""

from __future__ import annotations

import pytest

from mltrain.comparison import Comparison
from mltrain.metrics import LOG_LOSS, ROC_AUC, Metric
from mltrain.verdict import check_gate, decide_promotion, describe_gate


@pytest.mark.parametrize(
    ("metric", "value", "threshold", "passed"),
    [
        (ROC_AUC, 0.70, 0.70, True),
        (ROC_AUC, 0.69, 0.70, False),
        (LOG_LOSS, 0.30, 0.30, True),
        (LOG_LOSS, 0.31, 0.30, False),
        (LOG_LOSS, 0.29, 0.30, True),
        (ROC_AUC, 0.10, None, True),
        (ROC_AUC, float("nan"), 0.70, False),
        (ROC_AUC, float("nan"), None, False),
        (LOG_LOSS, float("-inf"), 0.70, False),
    ],
)
def test_the_gate_compares_in_the_direction_of_the_metric(
    metric: Metric, value: float, threshold: float | None, passed: bool
) -> None:
    assert check_gate(metric, value, threshold=threshold).passed is passed


def test_the_gate_says_when_there_is_no_threshold() -> None:
    assert (
        describe_gate(check_gate(ROC_AUC, 0.5, threshold=None)) == "test roc_auc 0.5000; no deployment threshold is set"
    )


def test_the_gate_says_what_it_found() -> None:
    found = describe_gate(check_gate(ROC_AUC, 0.65, threshold=0.7))

    assert found == "test roc_auc 0.6500 does not meet the deployment threshold 0.7"


def test_an_undefined_score_says_why() -> None:
    gate = check_gate(ROC_AUC, float("nan"), threshold=None, undefined="the test split has no row of class yes")

    found = describe_gate(gate)

    assert found == "test roc_auc is undefined, and the deployment gate shut: the test split has no row of class yes"


def test_an_undefined_comparison_replaces_no_champion() -> None:
    nan = float("nan")

    for unknown in (_difference(nan, nan), _difference(nan, 0.1), _difference(0.1, nan)):
        found = decide_promotion(unknown, margin=0.0, champion="3")
        assert not found.allowed
        assert (
            "not compared: roc_auc is undefined on the rows that it and champion version 3 were scored on"
            in found.reason
        )


def _difference(low: float, high: float) -> Comparison:
    middle = (low + high) / 2
    return Comparison(
        metric="roc_auc", challenger=0.8 + middle, champion=0.8, difference=middle, low=low, high=high, n_bootstrap=100
    )


@pytest.mark.parametrize(
    ("low", "high", "margin", "allowed"),
    [
        (0.01, 0.03, 0.0, True),
        (-0.03, 0.01, 0.0, True),
        (-0.03, 0.0, 0.0, True),
        (-0.03, -0.01, 0.0, False),
        (-0.03, -0.01, 0.02, True),
        (-0.05, -0.03, 0.02, False),
    ],
)
def test_a_challenger_is_refused_when_the_whole_interval_is_beyond_the_margin(
    low: float, high: float, margin: float, allowed: bool
) -> None:
    assert decide_promotion(_difference(low, high), margin=margin, champion="3").allowed is allowed


@pytest.mark.parametrize(
    ("low", "high", "margin", "reason"),
    [
        (-0.0039, 0.0003, 0.0, "not clearly worse than champion version 3: roc_auc differs by -0.0018, the interval "
         "[-0.0039, +0.0003] does not lie wholly below 0"),
        (0.01, 0.03, 0.0, "better than champion version 3: roc_auc differs by +0.0200, the interval "
         "[+0.0100, +0.0300] lies wholly above 0"),
        (-0.05, -0.03, 0.02, "clearly worse than champion version 3: roc_auc differs by -0.0400, the interval "
         "[-0.0500, -0.0300] lies wholly below -0.02, the margin"),
    ],
)  # fmt: skip
def test_the_reason_states_the_rule(low: float, high: float, margin: float, reason: str) -> None:
    assert decide_promotion(_difference(low, high), margin=margin, champion="3").reason == reason


def test_without_a_champion_every_challenger_may_reign() -> None:
    promotion = decide_promotion(None, margin=0.0, champion=None)

    assert promotion.allowed
    assert promotion.reason == "no champion reigns"


def test_a_champion_that_cannot_be_compared_does_not_block() -> None:
    promotion = decide_promotion(None, margin=0.0, champion="2")

    assert promotion.allowed
    assert "version 2 cannot be compared" in promotion.reason


def test_a_champion_that_cannot_be_compared_fairly_stays_unless_a_person_says_otherwise() -> None:
    why = "champion version 2 comes from another split"

    refused = decide_promotion(None, margin=0.0, champion="2", incomparable=why)
    allowed = decide_promotion(None, margin=0.0, champion="2", incomparable=why, requires_comparison=False)
    first = decide_promotion(None, margin=0.0, champion=None, incomparable=why)

    assert (refused.allowed, allowed.allowed, first.allowed) == (False, True, True)
    assert why in refused.reason
    assert "--set registry.require_comparison=false" in refused.reason
    assert allowed.reason.endswith("registry.require_comparison is false")
