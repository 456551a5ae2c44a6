"""A model card as Markdown that GitHub shows well."""

from __future__ import annotations

import math

from mltrain.evaluation import Interval
from mltrain.report.markdown import bullets, code, image, number, section, table, text
from mltrain.report.record import Card, CardGate

GATE = "Deployment gate: "


def render_card(card: Card) -> str:
    """Return the card as Markdown."""
    parts = (
        f"# Model card: {text(card.model)}\n",
        _summary(card),
        section("Metrics on the test split", _metrics(card)),
        section("Decisions", _decisions(card)),
        section("Challenger and champion", _comparison(card)),
        section("Data", _data(card)),
        section("Audit of the data", _audit(card)),
        section("Test rows against training", _drift(card)),
        section("Model", _model(card)),
        section("Features", _features(card)),
        section("Figures", "\n\n".join(image(path) for path in card.figures)),
        section("Limitations", bullets([text(one) for one in (*_inherent_limits(card), *card.limitations)])),
        section("Provenance", _provenance(card)),
    )
    return "\n".join(part for part in parts if part)


def _summary(card: Card) -> str:
    """Say in three lines what the model is for and whether it may be deployed."""
    labels = ", ".join(code(label) for label in card.classes)
    positive = f"; the positive class is {code(card.classes[1])}" if len(card.classes) == 2 else ""
    return bullets(
        [
            f"Predicts {code(card.target)} ({labels}{positive})",
            render_gate(card.gate),
            f"Run {code(card.run_id)}, evaluated {text(card.created)}",
        ]
    )


def render_gate(gate: CardGate) -> str:
    """Say in one line whether the model may be deployed."""
    if gate.undefined is not None:
        verdict = f"**not passed**: test {code(gate.metric)} is undefined, for {text(gate.undefined)}"
    elif gate.threshold is None:
        verdict = f"no deployment threshold is configured; test {code(gate.metric)} is {number(gate.value)}"
    else:
        verdict = (
            f"**{'passed' if gate.passed else 'not passed'}**: test {code(gate.metric)} is "
            f"{number(gate.value)}, the threshold {number(gate.threshold)}"
        )
    return f"{GATE}{verdict}"


def _metrics(card: Card) -> str:
    """Tabulate scores with intervals."""
    level = f"{card.confidence:.0%}"
    rows = [[code(name), number(one.value), _ends(one)] for name, one in card.metrics.items()]
    chosen = f"Chosen by {code(card.metric)} on validation rows: {number(card.validation_score)}."
    drawn = f"Intervals: {level} percentile bootstrap over test rows, at most {card.n_bootstrap:,} resamples."
    return f"{table(['Metric', 'Value', f'{level} interval'], rows)}\n\n{chosen} {drawn}"


def _ends(interval: Interval) -> str:
    """Return the ends of an interval."""
    if math.isnan(interval.low):
        return "not defined"
    return f"{number(interval.low)} to {number(interval.high)}"


def _decisions(card: Card) -> str:
    """Show the confusion matrix and what decides."""
    rows = [
        [f"true {code(label)}", *(f"{count:,}" for count in counts)]
        for label, counts in zip(card.classes, card.confusion, strict=True)
    ]
    if card.threshold is None:
        rule = "The most probable class is decided for."
    else:
        rule = f"{code(card.classes[1])} is decided for from a probability of {number(card.threshold)} on."
    return f"{rule}\n\n{table(['', *(f'decided {code(label)}' for label in card.classes)], rows)}"


def _comparison(card: Card) -> str:
    """Say how the model stands against the champion on the same rows."""
    found = card.comparison
    if found is None:
        return ""
    rows = f"{found.n_rows:,} test rows" if found.n_rows else "test rows"
    return (
        f"On the same {rows}, {code(found.metric)}: this model {number(found.challenger)}, the reigning champion "
        f"{number(found.champion)}. Difference, above 0 is better: {number(found.difference)} "
        f"({card.confidence:.0%} interval {number(found.low)} to {number(found.high)}, paired bootstrap)."
    )


def _data(card: Card) -> str:
    """Tabulate the splits."""
    rows = [
        [text(one.name), f"{one.n_rows:,}", _shares(one.class_counts), code(one.fingerprint[:12])]
        for one in card.splits
    ]
    order = ", ".join(code(label) for label in card.classes)
    heading = ["Split", "Rows", f"Share of {order}", "Fingerprint"]
    times = _times(card.openings)
    opened = f"The test split has been opened {times}."
    if card.other_openings:
        opened += f" Other test splits of this source have been opened {_times(card.other_openings)}."
    return f"Source: {code(card.source)}\n\n{table(heading, rows)}\n\n{opened}"


def _times(n_openings: int) -> str:
    return "once" if n_openings == 1 else f"{n_openings} times"


def _audit(card: Card) -> str:
    """Tabulate what was odd about the table and its splits, the worst first."""
    rows = [[text(one.severity), code(one.check), text(one.message), text(one.advice)] for one in card.audit]
    return table(["How bad", "Check", "Finding", "What to do"], rows)


def _drift(card: Card) -> str:
    """Tabulate the columns of the test rows that differ from training, or say that none does."""
    levels = ", ".join(f"{code(name)} in {n:,} rows" for name, n in card.unseen.items())
    unseen = f"Levels that the model does not know: {levels}." if levels else ""
    if not card.drift:
        return unseen
    moved = [one for one in card.drift if one.verdict != "stable" or one.below or one.above]
    largest = card.drift[0]
    told = (
        f"Population stability index of each column; from 0.1 on some drift, from 0.25 on much. {len(card.drift)} "
        "columns were compared, those that differ or hold values out of range are listed; the largest index is "
        f"{number(largest.psi)} ({code(largest.name)})."
    )
    rows = [
        [
            code(one.name),
            number(one.psi),
            one.verdict,
            f"{one.missing_before:.1%} to {one.missing_now:.1%}",
            f"{one.below:,} / {one.above:,}",
        ]
        for one in moved[:20]
    ]
    headings = ["Column", "PSI", "Drift", "Missing", "Below / above training"]
    return "\n\n".join(part for part in (told, table(headings, rows), unseen) if part)


def _shares(counts: tuple[int, ...]) -> str:
    """Return the shares of the classes."""
    return " / ".join(f"{count / max(sum(counts), 1):.1%}" for count in counts)


def _model(card: Card) -> str:
    """Say what the model is made of and how it was set."""
    members = table(["Member", "Weight"], [[code(one.family), number(one.weight)] for one in card.members])
    calibration = f"Calibration: {text(card.calibration or 'none')}."
    params = table(["Parameter", "Value"], [[code(name), code(value)] for name, value in card.params.items()])
    return "\n\n".join(part for part in (members, calibration, params) if part)


def _features(card: Card) -> str:
    """List the columns, the most important ones first with what they are worth."""
    rows = [[code(name), number(value)] for name, value in list(card.importances.items())[:20]]
    listed = ", ".join(code(name) for name in card.features)
    ranking = table(["Most important", "Loss of score when shuffled"], rows)
    return "\n\n".join(part for part in (ranking, f"Columns used ({len(card.features)}): {listed}") if part)


def _inherent_limits(card: Card) -> tuple[str, ...]:
    """Say what holds for every model of this kind."""
    limits = ["Trained on rows of one source: other populations and later times may score differently."]
    if card.openings > 1:
        limits.append(f"The test split has been opened {card.openings} times: scores chosen by it are optimistic.")
    if card.other_openings:
        limits.append(
            "Rows of test splits that were opened earlier may be in this one: choices made by them count too."
        )
    small = [one.name for one in card.splits if one.name == "test" and one.n_rows < 500]
    if small:
        limits.append("The test split has fewer than 500 rows: intervals are wide and small gains are noise.")
    return tuple(limits)


def _provenance(card: Card) -> str:
    """Tabulate where the model comes from."""
    rows = [[text(name), code(value)] for name, value in (*card.provenance.items(), *card.versions.items())]
    return table(["What", "Value"], rows)
