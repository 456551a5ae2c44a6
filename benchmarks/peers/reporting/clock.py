"""What the contestants cost: wall clock against the budget, failures, memory, and the time of a prediction."""

from __future__ import annotations

from statistics import mean, median

from benchmarks.peers.journal import Line
from benchmarks.peers.reporting.markdown import number, percent, section, table, titles
from benchmarks.peers.results import Results
from benchmarks.peers.roster import BY_NAME
from benchmarks.peers.standing import allowed_overshoot


def overshoot_table(results: Results) -> str:
    """Return by how much the wall clock of training exceeds the budget."""
    rows = []
    for contestant in results.contestants():
        for budget_s in results.budgets:
            lines = results.of(contestant, budget_s)
            if lines:
                rows.append([*titles([contestant]), f"{budget_s:g}", *_overshoot(lines, budget_s)])
    head = ["contestant", "budget s", "runs", "no model", "mean wall s", "mean over s", "max over s", "over limit"]
    head += ["max over s, fit alone", "over limit, fit alone"]
    notes = (
        "From process start until the model can predict (mltrain: until `mltrain train` has ended). Over the limit: "
        "more than 5 % of the budget or 2 s, whichever is more. Fit alone: without start, imports and reading, as the "
        "peers' own budgets count; mltrain's budget includes them. No model: failed, or ended at 3 budgets and 60 s."
    )
    return section("Wall clock", notes, table(head, rows))


def cost_table(results: Results, budget_s: float, *, title: str, field: str, digits: int) -> str:
    """Return the mean of one measured field per set and contestant."""
    contestants = results.contestants(budget_s)
    rows = []
    for name in results.sets:
        found = [
            [v for line in results.of(c, budget_s, name) if (v := line.get(field)) is not None] for c in contestants
        ]
        if any(found):
            rows.append([name, *[number(mean(values) if values else None, digits) for values in found]])
    return section(f"{title}, {budget_s:g} s", table(["data", *titles(contestants)], rows))


def failure_list(results: Results) -> str:
    """Return what the contestants that gave no model said last."""
    bad = [line for line in results.lines.values() if line["status"] != "ok"]
    rows = [
        [
            line["set"],
            str(line["split"]),
            *titles([line["contestant"]]),
            f"{line['budget_s']:g}",
            line["status"],
            _last_line(line),
        ]
        for line in bad
    ]
    body = table(["data", "split", "contestant", "budget s", "how", "last words"], rows) if rows else "None."
    return section("Runs without a model", body)


def _overshoot(lines: list[Line], budget_s: float) -> list[str]:
    trained = [line for line in lines if line["wall_s"] is not None]
    over = [line["wall_s"] - budget_s for line in trained]
    alone = [line["wall_s"] - _start_s(line) - budget_s for line in trained]
    limit = allowed_overshoot(budget_s)
    n_bad = sum(line["status"] != "ok" for line in lines)
    if not over:
        return [str(len(lines)), str(n_bad), *["-"] * 6]
    return [
        str(len(lines)),
        str(n_bad),
        number(mean(line["wall_s"] for line in trained)),
        f"{mean(over):+.1f}",
        f"{max(over):+.1f}",
        percent(mean(o > limit for o in over)),
        f"{max(alone):+.1f}",
        percent(mean(o > limit for o in alone)),
    ]


def _start_s(line: Line) -> float:
    """Return the seconds from the clock's start to the call of fit; the clock of a program has no such part."""
    return 0.0 if BY_NAME[line["contestant"]].starts_program else line["before_fit_s"] or 0.0


def _last_line(line: Line) -> str:
    words = [text for text in line["reason"].splitlines() if text.strip()]
    return words[-1][:160].replace("|", "/") if words else ""


def loads(results: Results) -> str:
    """Return how busy the machine was when runs started."""
    found = [line["load"] for line in results.lines.values()]
    cores = max(line["cores"] for line in results.lines.values())
    busy = sum(load > cores + 1 for load in found)
    return f"load at start: median {median(found):.1f}, highest {max(found):.1f}, above {cores + 1} in {busy} runs"
