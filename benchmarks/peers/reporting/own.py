"""What the benchmark says about mltrain alone: longer budgets, the ensemble, and its validation scores."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from statistics import mean

from benchmarks.peers.journal import Line
from benchmarks.peers.judging import GREATER_IS_BETTER
from benchmarks.peers.reporting.markdown import section, signed, table, with_error
from benchmarks.peers.reporting.quality import OURS, TITLES
from benchmarks.peers.results import Results, score_of
from benchmarks.peers.standing import MeanError, mean_error

ENSEMBLE = "ensemble"


def budget_table(results: Results) -> str:
    """Return mltrain's scores under each budget and how far they fall from one to the next."""
    budgets = [b for b in results.budgets if results.of(OURS, b)]
    rows = [row for name in results.sets if (row := _budget_row(results, name, budgets))]
    head = ["data", "metric", *[f"{b:g} s" for b in budgets], "worst step", "falls by more than 1 standard error"]
    note = (
        "The worst step is the smallest mean gain from one budget to the next, splits paired, with its own standard "
        "error; a fall is set against the standard error of the shorter budget's score (and of the paired difference)."
    )
    return section("mltrain: a longer budget", note, table(head, rows))


def ensemble_table(results: Results, budget_s: float) -> str:
    """Return what the ensemble gains on test over single models."""
    chosen = _per_set(results, budget_s, lambda line: _gain(line, by="validation"))
    oracle = _per_set(results, budget_s, lambda line: _gain(line, by="test"))
    rows = [
        [name, signed(mean_error(chosen[name])), signed(mean_error(oracle[name])), _loses(chosen[name])]
        for name in chosen
    ]
    rows += _averages(results, chosen, oracle)
    head = ["data", "over the best single by validation", "over the best single on test", "loses by more than 1 s.e."]
    note = (
        "Gain on the test rows, positive where the ensemble is better, on the metric that was compared. The second "
        "column's rival is chosen with knowledge of the test labels: nobody could have picked it."
    )
    return section(f"mltrain: ensemble against single models, {budget_s:g} s", note, table(head, rows))


def validation_table(results: Results, budget_s: float) -> str:
    """Return how far validation scores are above or below test scores."""
    models = sorted({c["model"] for line in _ours(results, budget_s) for c in line["details"]["candidates"]})
    rows = []
    for name in results.sets:
        lines = [line for line in _ours(results, budget_s) if line["set"] == name]
        if lines:
            champions = mean_error([_optimism(line["details"]["candidates"][0]) for line in lines])
            rows.append([name, signed(champions), *[signed(_model_optimism(lines, model)) for model in models]])
    note = (
        "Validation score minus test score in the direction of the metric: positive is optimistic, negative says that "
        "the model that is kept is better than the scores it was chosen by."
    )
    return section(
        f"mltrain: validation against test, {budget_s:g} s", note, table(["data", "champion", *models], rows)
    )


def _budget_row(results: Results, name: str, budgets: list[float]) -> list[str]:
    metric = results.main_metric(name)
    sign = 1 if GREATER_IS_BETTER[metric] else -1
    scores = {
        b: {line["split"]: s for line in results.of(OURS, b, name) if (s := score_of(line, metric)) is not None}
        for b in budgets
    }
    if not any(scores.values()):
        return []
    means = {b: mean_error(list(found.values())) for b, found in scores.items()}
    steps: list[tuple[MeanError, MeanError]] = []
    for short, long in pairwise(budgets):
        gains = [sign * (scores[long][s] - scores[short][s]) for s in scores[short] if s in scores[long]]
        gain, before = mean_error(gains), means[short]
        # One split has no standard error to fall by.
        if gain is not None and before is not None and len(gains) > 1:
            steps.append((gain, before))
    worst = min(steps, key=lambda step: step[0].mean)[0] if steps else None
    falls = any(gain.mean < -before.error for gain, before in steps)
    falls_paired = any(gain.mean < -gain.error for gain, _ in steps)
    verdict = f"{_yes(falls)} (paired: {_yes(falls_paired)})" if steps else "-"
    return [name, TITLES[metric], *[with_error(means[b]) for b in budgets], signed(worst), verdict]


def _ours(results: Results, budget_s: float) -> list[Line]:
    return [line for line in results.of(OURS, budget_s) if line["status"] == "ok"]


def _per_set(results: Results, budget_s: float, value: Callable[[Line], float | None]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for name in results.sets:
        values = [v for line in _ours(results, budget_s) if line["set"] == name and (v := value(line)) is not None]
        if values:
            found[name] = values
    return found


def _gain(line: Line, *, by: str) -> float | None:
    """Return the ensemble's gain on test over the single model that is best on validation or on test."""
    candidates = line["details"]["candidates"]
    singles = [c for c in candidates if c["model"] != ENSEMBLE]
    votes = [c for c in candidates if c["model"] == ENSEMBLE]
    if not votes or not singles:
        return None
    metric = line["details"]["metric"]
    sign = 1 if GREATER_IS_BETTER[metric] else -1
    best = max(singles, key=lambda c: sign * (c["validation_score"] if by == "validation" else c["test"][metric]))
    return float(sign * (votes[0]["test"][metric] - best["test"][metric]))


def _averages(results: Results, *columns: dict[str, list[float]]) -> list[list[str]]:
    """Return the mean over sets for each metric: gains of different metrics do not add up."""
    rows = []
    for metric, title in TITLES.items():
        names = [name for name in columns[0] if results.main_metric(name) == metric]
        if names:
            means = [mean_error([mean(found[name]) for name in names]) for found in columns]
            rows.append([f"all by {title}", *[signed(value) for value in means], ""])
    return rows


def _optimism(candidate: Line) -> float:
    sign = 1 if GREATER_IS_BETTER[candidate["metric"]] else -1
    return float(sign * (candidate["validation_score"] - candidate["test"][candidate["metric"]]))


def _model_optimism(lines: list[Line], model: str) -> MeanError | None:
    return mean_error([_optimism(c) for line in lines for c in line["details"]["candidates"] if c["model"] == model])


def _loses(gains: list[float]) -> str:
    gain = mean_error(gains)
    return "-" if gain is None or gain.n == 1 else _yes(gain.mean < -gain.error)


def _yes(answer: object) -> str:
    return "yes" if answer else "no"
