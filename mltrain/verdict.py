"""What was decided about a model, and why: the deployment gate and the promotion. Pure rules over numbers."""

from __future__ import annotations

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
    """

    passed: bool
    metric: str
    value: float
    threshold: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Promotion:
    """Whether a challenger may become champion, and why."""

    allowed: bool
    reason: str


def check_gate(metric: Metric, value: float, *, threshold: float | None) -> Gate:
    """Hold a test score against the deployment threshold in the metric's own direction; equal passes."""
    if threshold is None:
        passed = True
    elif metric.greater_is_better:
        passed = value >= threshold
    else:
        passed = value <= threshold
    return Gate(passed=passed, metric=metric.name, value=value, threshold=threshold)


def describe_gate(gate: Gate) -> str:
    """Say in one phrase what the gate found."""
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
    if incomparable is not None:
        return _without_comparison(champion, incomparable, is_refused=requires_comparison)
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


def _without_comparison(champion: str, incomparable: str, *, is_refused: bool) -> Promotion:
    """Refuse a challenger that cannot be compared fairly, unless it was asked to do without."""
    reason = f"not compared with champion version {champion}: {incomparable}"
    if not is_refused:
        return Promotion(allowed=True, reason=f"{reason}; registry.require_comparison is false")
    return Promotion(allowed=False, reason=f"{reason}; {_WAYS_OUT}")
