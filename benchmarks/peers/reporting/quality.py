"""Scores on the test rows: a table per metric, ranks and win rates."""

from __future__ import annotations

from benchmarks.peers.judging import GREATER_IS_BETTER, METRICS
from benchmarks.peers.reporting.markdown import percent, section, table, titles, with_error
from benchmarks.peers.results import Results, score_of
from benchmarks.peers.standing import MeanError, Verdict, compare, mean_error, ranks, tally

OURS = "mltrain"
TITLES = {"roc_auc": "ROC AUC", "log_loss": "log loss", "accuracy": "accuracy", "brier": "Brier score"}


def metric_table(results: Results, metric: str, budget_s: float) -> str:
    """Return mean scores with standard errors, the best mean of a row in bold."""
    contestants = results.contestants(budget_s)
    rows = []
    for name in results.sets:
        means = [mean_error(_scores(results, name, contestant, metric, budget_s)) for contestant in contestants]
        if any(means):
            n_splits = len({line["split"] for c in contestants for line in results.of(c, budget_s, name)})
            rows.append([name, *_row(means, n_splits, greater_is_better=GREATER_IS_BETTER[metric])])
    arrow = "higher is better" if GREATER_IS_BETTER[metric] else "lower is better"
    title = f"{TITLES[metric]}, {budget_s:g} s ({arrow})"
    note = "Mean and standard error over splits; *n* of them where a contestant failed on others or has not run yet."
    return section(title, note, table(["data", *titles(contestants)], rows))


def metric_tables(results: Results, budget_s: float) -> list[str]:
    """Return the tables of all metrics."""
    return [metric_table(results, metric, budget_s) for metric in METRICS]


def rank_table(results: Results, budget_s: float) -> str:
    """Return mean ranks on the metric that was asked for; failures rank last."""
    contestants = results.contestants(budget_s)
    found = _all_ranks(results, budget_s)
    mean_ranks = {c: mean_error([r[c] for r in found]) for c in contestants}
    placed = sorted(contestants, key=lambda c: rank.mean if (rank := mean_ranks[c]) else 0.0)
    rows = [
        [*titles([c]), with_error(mean_ranks[c], 2), str(sum(r[c] == min(r.values()) for r in found))] for c in placed
    ]
    note = f"ROC AUC for two classes, log loss for more; {len(found)} set-splits where all of them ran; 1 is best."
    return section(f"Mean rank, {budget_s:g} s", note, table(["contestant", "mean rank", "firsts"], rows))


def win_table(results: Results, ours_s: float, theirs_s: float) -> str:
    """Return how often mltrain under one budget is better than or equal to each peer under another."""
    rows = []
    for peer in results.contestants(theirs_s):
        if peer == OURS:
            continue
        splits = tally(_split_verdicts(results, peer, ours_s, theirs_s))
        sets = tally(_set_verdicts(results, peer, ours_s, theirs_s))
        counts = [str(splits.wins), str(splits.ties), str(splits.losses)]
        rows.append(
            [*titles([peer]), percent(splits.share_not_worse), *counts, percent(sets.share_not_worse), str(sets.n)]
        )
    head = ["peer", "better or equal", "won", "equal", "lost", "by set means", "sets"]
    note = "Per set and split, on ROC AUC for two classes and log loss for more; within 1e-4 is equal; who fails loses."
    title = f"mltrain in {ours_s:g} s against peers in {theirs_s:g} s"
    return section(title, note, table(head, rows))


def _row(means: list[MeanError | None], n_splits: int, *, greater_is_better: bool) -> list[str]:
    values = [m.mean for m in means if m is not None]
    best = max(values) if greater_is_better else min(values)
    cells = []
    for found in means:
        text = with_error(found)
        if found is not None:
            text = f"**{text}**" if found.mean == best else text
            text += f" (*{found.n}*)" if found.n < n_splits else ""
        cells.append(text)
    return cells


def _scores(results: Results, name: str, contestant: str, metric: str, budget_s: float) -> list[float]:
    found = (score_of(line, metric) for line in results.of(contestant, budget_s, name))
    return [score for score in found if score is not None]


def _all_ranks(results: Results, budget_s: float) -> list[dict[str, float]]:
    """Return the ranks of each set and split on which everybody has a line."""
    contestants = results.contestants(budget_s)
    found = []
    for name in results.sets:
        metric = results.main_metric(name)
        for split in results.splits(name):
            lines = {c: results.line(name, split, c, budget_s) for c in contestants}
            if all(line is not None for line in lines.values()):
                scores = {c: score_of(line, metric) for c, line in lines.items()}
                found.append(ranks(scores, greater_is_better=GREATER_IS_BETTER[metric]))
    return found


def _split_verdicts(results: Results, peer: str, ours_s: float, theirs_s: float) -> list[Verdict]:
    verdicts: list[Verdict] = []
    for name in results.sets:
        metric = results.main_metric(name)
        for split in results.splits(name):
            ours, theirs = results.line(name, split, OURS, ours_s), results.line(name, split, peer, theirs_s)
            if ours is not None and theirs is not None:
                better = GREATER_IS_BETTER[metric]
                verdicts.append(compare(score_of(ours, metric), score_of(theirs, metric), greater_is_better=better))
    return verdicts


def _set_verdicts(results: Results, peer: str, ours_s: float, theirs_s: float) -> list[Verdict]:
    """Compare mean scores over the splits that both finished; a set that one of them never finished is lost to it."""
    verdicts: list[Verdict] = []
    for name in results.sets:
        metric = results.main_metric(name)
        pairs = [
            (results.line(name, split, OURS, ours_s), results.line(name, split, peer, theirs_s))
            for split in results.splits(name)
        ]
        run = [(score_of(a, metric), score_of(b, metric)) for a, b in pairs if a is not None and b is not None]
        if run:
            both = [(a, b) for a, b in run if a is not None and b is not None]
            ours = mean_error([a for a, _ in both] or [a for a, _ in run if a is not None])
            theirs = mean_error([b for _, b in both] or [b for _, b in run if b is not None])
            verdicts.append(
                compare(
                    ours.mean if ours else None,
                    theirs.mean if theirs else None,
                    greater_is_better=GREATER_IS_BETTER[metric],
                )
            )
    return verdicts
