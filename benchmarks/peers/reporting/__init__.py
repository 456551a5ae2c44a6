"""From the journal to the report in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from statistics import median

from benchmarks.peers.journal import Line
from benchmarks.peers.reporting.clock import cost_table, failure_list, loads, overshoot_table
from benchmarks.peers.reporting.own import budget_table, ensemble_table, validation_table
from benchmarks.peers.reporting.quality import OURS, metric_tables, rank_table, win_table
from benchmarks.peers.results import Results, gather
from benchmarks.peers.roster import BY_NAME

__all__ = ["render"]


def render(lines: Sequence[Line]) -> str:
    """Return the whole report."""
    if not lines:
        return "The journal is empty: `python -m benchmarks.peers run` fills it."
    results = gather(lines)
    shared = [b for b in results.budgets if len(results.contestants(b)) > 1]
    blocks = [_header(results), *_standings(results, shared)]
    for budget_s in shared:
        blocks += metric_tables(results, budget_s)
    blocks += [overshoot_table(results), failure_list(results)]
    for budget_s in shared:
        blocks.append(
            cost_table(results, budget_s, title="Peak memory in training, MB", field="peak_training_mb", digits=0)
        )
        blocks.append(
            cost_table(results, budget_s, title="Prediction, s per 1,000 rows", field="predict_1000_s", digits=3)
        )
    return "\n\n".join([*blocks, *_own(results)])


def _standings(results: Results, shared: list[float]) -> list[str]:
    """Return ranks and win rates under each budget that several ran, and of shorter mltrain runs against peers."""
    blocks = []
    for theirs_s in shared:
        blocks.append(rank_table(results, theirs_s))
        for ours_s in results.budgets:
            if ours_s <= theirs_s and results.of(OURS, ours_s):
                blocks.append(win_table(results, ours_s, theirs_s))
    return blocks


def _own(results: Results) -> list[str]:
    budgets = [b for b in results.budgets if results.of(OURS, b)]
    blocks = [budget_table(results)] if len(budgets) > 1 else []
    for budget_s in budgets:
        blocks += [ensemble_table(results, budget_s), validation_table(results, budget_s)]
    return blocks


def _header(results: Results) -> str:
    lines = list(results.lines.values())
    dates = sorted(line["when"][:10] for line in lines)
    span = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    seeds = sorted({line["split"] for line in lines})
    facts = [
        f"- when: {span}; {len(lines)} runs; seeds of splits and contestants: {', '.join(map(str, seeds))}",
        f"- machine: {'; '.join(sorted({line['machine'] for line in lines}))}",
        f"- cores given to each: {', '.join(sorted({str(line['cores']) for line in lines}))}; {loads(results)}",
        *_commits([line for line in lines if line["contestant"] == OURS]),
        *[f"- {BY_NAME[name].title}: {_circumstances(results, name)}" for name in results.contestants()],
        *_apart(lines),
    ]
    return "# mltrain against its peers\n\n" + "\n".join(facts)


def _commits(own: Sequence[Line]) -> list[str]:
    """Return how many runs under each budget were of which commit; a `+` says that package files differed from it."""
    counts = {
        budget_s: Counter(line["commit"] for line in own if line["budget_s"] == budget_s)
        for budget_s in sorted({line["budget_s"] for line in own})
    }
    facts = [
        f"- mltrain's commit, {budget_s:g} s: "
        + ", ".join(f"{commit} ({n} run{'s' if n > 1 else ''})" for commit, n in sorted(found.items()))
        for budget_s, found in counts.items()
    ]
    changed = sorted({f"{x['set']} {x['split']} ({x['budget_s']:g} s)" for x in own if x["commit"].endswith("+")})
    return facts + ([f"- **of a tree that was not committed**: {', '.join(changed)}"] if changed else [])


def _circumstances(results: Results, contestant: str) -> str:
    """Return versions, days and load of one contestant's runs."""
    own = [line for line in results.lines.values() if line["contestant"] == contestant]
    versions = {f"{package} {version}" for line in own for package, version in line.get("versions", {}).items()}
    days = sorted({line["when"][:10] for line in own})
    load = median(line["load"] for line in own)
    return f"{', '.join(sorted(versions)) or 'unknown'}; run {', '.join(days)}, median load {load:.1f}"


def _apart(lines: Sequence[Line]) -> list[str]:
    """Warn of set-splits whose contestants did not run on one machine within a day: theirs is no fair race."""
    races: dict[tuple[str, int], list[Line]] = {}
    for line in lines:
        races.setdefault((line["set"], line["split"]), []).append(line)
    apart = [
        f"{name} {split}"
        for (name, split), race in sorted(races.items())
        if len({line["machine"] for line in race}) > 1 or _days_between(race) > 1
    ]
    return [f"- **not side by side**, on several machines or days apart: {', '.join(apart)}"] if apart else []


def _days_between(race: Sequence[Line]) -> float:
    moments = [datetime.fromisoformat(line["when"]) for line in race]
    return (max(moments) - min(moments)).total_seconds() / 86_400
