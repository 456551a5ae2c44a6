"""What was decided about a model, and why: the deployment gate and the promotion. Pure rules over numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mltrain.comparison import Comparison
from mltrain.metrics import Metric

_WAYS_OUT = (
    "train and evaluate on test rows that the champion has not seen (data.test_source, or the split that it was "
    "trained on), or register without a comparison: --set registry.require_comparison=false"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """The deployment gate.

    Attributes
    ----------
    value : float
        Score on the test split.
    threshold : float, optional
        What the score is held against; None: no deployment threshold is set, and the gate is open.
    undefined : str, optional
        Why there is no score to speak of; the gate is shut then, with and without a threshold.
    """

    passed: bool
    metric: str
    value: float
    threshold: float | None
    undefined: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Promotion:
    """Whether a challenger may become champion, and why."""

    allowed: bool
    reason: str


def check_gate(metric: Metric, value: float, *, threshold: float | None, undefined: str | None = None) -> Gate:
    """Hold a test score against the deployment threshold in the metric's own direction; equal passes.

    Parameters
    ----------
    undefined : str, optional
        Why the value is no score, where that is known; a value that is not finite never is one.
    """
    if undefined is None and not math.isfinite(value):
        undefined = "it has no value on the test rows"
    if undefined is not None:
        passed = False
    elif threshold is None:
        passed = True
    elif metric.greater_is_better:
        passed = value >= threshold
    else:
        passed = value <= threshold
    return Gate(passed=passed, metric=metric.name, value=value, threshold=threshold, undefined=undefined)


def describe_gate(gate: Gate) -> str:
    """Say in one phrase what the gate found."""
    if gate.undefined is not None:
        return f"test {gate.metric} is undefined, and the deployment gate shut: {gate.undefined}"
    if gate.threshold is None:
        return f"test {gate.metric} {gate.value:.4f}; no deployment threshold is set"
    verb = "meets" if gate.passed else "does not meet"
    return f"test {gate.metric} {gate.value:.4f} {verb} the deployment threshold {gate.threshold:g}"


def decide_promotion(
    comparison: Comparison | None,
    *,
    margin: float,
    champion: str | None,
    incomparable: str | None = None,
    requires_comparison: bool = True,
) -> Promotion:
    """Decide whether a challenger may replace the reigning champion.

    It is refused when it is worse beyond doubt: when the whole paired interval of the difference (challenger
    minus champion, direction applied) lies below ``-margin``. What may be chance does not refuse it. It is also
    refused when nobody can say, since no test rows are left that the champion was not developed on: a person decides.

    Parameters
    ----------
    comparison : Comparison, optional
        None when the two could not be scored on the same rows.
    margin : float
        Loss that is put up with, in units of the metric; not negative.
    champion : str, optional
        Version of the reigning champion; None when there is none.
    incomparable : str, optional
        Why a comparison would not be fair.
    requires_comparison : bool
        Whether that refuses the challenger.
    """
    if champion is None:
        return Promotion(allowed=True, reason="no champion reigns")
    if comparison is not None and not _is_defined(comparison):
        incomparable = (
            f"{comparison.metric} is undefined on the rows that it and champion version {champion} were scored on"
        )
    if incomparable is not None:
        return _without_comparison(incomparable, is_refused=requires_comparison)
    if comparison is None:
        return Promotion(allowed=True, reason=f"champion version {champion} cannot be compared")
    found = (
        f"than champion version {champion}: {comparison.metric} differs by {comparison.difference:+.4f}, "
        f"the interval [{comparison.low:+.4f}, {comparison.high:+.4f}]"
    )
    floor = f"below -{margin:g}, the margin" if margin else "below 0"
    if comparison.high < -margin:
        return Promotion(allowed=False, reason=f"clearly worse {found} lies wholly {floor}")
    if comparison.low > 0:
        return Promotion(allowed=True, reason=f"better {found} lies wholly above 0")
    return Promotion(allowed=True, reason=f"not clearly worse {found} does not lie wholly {floor}")


def _is_defined(comparison: Comparison) -> bool:
    """Say whether there is a difference and an interval around it."""
    return all(map(math.isfinite, (comparison.difference, comparison.low, comparison.high)))


def _without_comparison(incomparable: str, *, is_refused: bool) -> Promotion:
    """Refuse a challenger that cannot be compared fairly, unless it was asked to do without."""
    reason = f"not compared: {incomparable}"
    if not is_refused:
        return Promotion(allowed=True, reason=f"{reason}; registry.require_comparison is false")
    return Promotion(allowed=False, reason=f"{reason}; {_WAYS_OUT}")
