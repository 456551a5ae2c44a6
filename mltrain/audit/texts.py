"""Text that is something else: numbers written as text, columns of mixed types, one level spelt in several ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from mltrain.audit.subject import Subject
from mltrain.data import ColumnKind, Trait
from mltrain.data.moments import DATE, MOMENT
from mltrain.data.nearest import listed
from mltrain.data.splits import Finding
from mltrain.data.text import CODE, NUMBER, is_text
from mltrain.data.writings import DECIMAL_COMMA, DECORATED, OTHER_DATE

MOSTLY = 0.9
SOME = 0.05
MANY_NUMBERS = 20
OTHERWISE = {"numbers_as_text", "dates_as_text"}


def check_texts(subject: Subject) -> Iterator[Finding]:
    """Look at every column of text that training may see, by its different values."""
    kinds = {
        c.name: c.kind
        for c in subject.schema.columns
        if c.kind in (ColumnKind.CATEGORY, ColumnKind.NUMERIC) or c.trait in (Trait.DISTINCT, Trait.WRITTEN_OTHERWISE)
    }
    stored = {c.name for c in subject.schema.columns if c.trait is Trait.NUMBERS_AS_TEXT}
    for name, kind in kinds.items():
        counts = _level_counts(subject, name)
        if counts is None:
            continue
        if kind is ColumnKind.NUMERIC:
            yield from _stored_numbers(name, counts, is_inferred=name in stored)
        elif kind is ColumnKind.ID:
            yield from (found for found in _category(name, counts) if found.check in OTHERWISE)
        else:
            yield from _category(name, counts)
            yield from _spellings(name, counts)


def _level_counts(subject: Subject, name: str) -> Mapping[str | None, int] | None:
    """Return how often each text occurs, blanks as None; None for a column that is no text."""
    counts: Counter[str | None] = Counter()
    for split in subject.development:
        column = subject.tables[split].column(name)
        if not is_text(column.type):
            return None
        for item in pc.value_counts(column.cast(pa.string())).to_pylist():
            counts[item["values"]] += item["counts"]
    return counts


def _stored_numbers(name: str, counts: Mapping[str | None, int], *, is_inferred: bool) -> Iterator[Finding]:
    """Report numbers that came as text and are read as numbers; nothing need be done, but one line makes it certain."""
    if not is_inferred:
        return
    n_blank = sum(n for text, n in counts.items() if text is None or not text.strip())
    blanks = f" ({n_blank:,} blank ones as missing)" if n_blank else ""
    yield Finding(
        check="numbers_as_text",
        severity="info",
        message=f"{name}: numbers stored as text are read as numbers{blanks}",
        columns=(name,),
        count=sum(counts.values()),
        advice=f"to make it certain: data.columns: {{{name}: numeric}}; if it is a code: {{{name}: category}}",
    )


def _category(name: str, counts: Mapping[str | None, int]) -> Iterator[Finding]:
    """Report a category whose levels are numbers, all or mostly, plain or with units."""
    words = {text.strip(): n for text, n in counts.items() if text is not None and text.strip()}
    n_rows = sum(words.values())
    plain = _matching(words, NUMBER) - _matching(words, CODE)
    share = sum(words[word] for word in plain) / max(n_rows, 1)
    others = sorted(words.keys() - plain, key=lambda word: -words[word])
    if plain and not others:
        yield Finding(
            check="numbers_as_text",
            severity="info",
            message=f"{name}: {len(plain)} different numbers stored as text are read as a category",
            columns=(name,),
            count=n_rows,
            advice=f"if they are amounts: data.columns: {{{name}: numeric}}",
        )
    elif share >= MOSTLY and len(plain) > MANY_NUMBERS:
        yield Finding(
            check="numbers_as_text",
            severity="warning",
            message=f"{name}: {share:.1%} of the texts are numbers; the others: {listed(others)}",
            columns=(name,),
            count=n_rows,
            advice=f"leave the others empty in the source (CSV: data.options.null_values), then "
            f"data.columns: {{{name}: numeric}}",
            values={"share": round(share, 6)},
        )
    elif otherwise := _written_otherwise(name, words, plain):
        yield otherwise
    elif mixed := _mixed(words, plain):
        yield Finding(
            check="mixed_types",
            severity="warning",
            message=f"{name}: {mixed}",
            columns=(name,),
            count=n_rows,
            advice="two columns may have become one: take them apart in the source",
        )


def _written_otherwise(name: str, words: Mapping[str, int], plain: set[str]) -> Finding | None:
    """Report numbers with units, separators or a decimal comma, and dates that are not ISO 8601."""
    decorated, with_comma, dates = (_matching(words, p) for p in (DECORATED, DECIMAL_COMMA, OTHER_DATE))
    if len(words) <= MANY_NUMBERS:
        return None
    if (decorated or with_comma) and _share(words, plain | decorated | with_comma) >= MOSTLY:
        has_comma = _share(words, with_comma) > _share(words, decorated)
        return Finding(
            check="numbers_as_text",
            severity="warning",
            message=f"{name}: numbers written with {'a decimal comma' if has_comma else 'units or separators'}, "
            f"such as {_commonest(words, with_comma if has_comma else decorated)!r}, are read as text",
            columns=(name,),
            count=sum(words.values()),
            advice=("CSV: data.options.decimal_point: ','; else " if has_comma else "")
            + f"write plain numbers in the source, then data.columns: {{{name}: numeric}}",
        )
    if _share(words, dates) >= MOSTLY:
        return Finding(
            check="dates_as_text",
            severity="warning",
            message=f"{name}: dates that are not ISO 8601, such as {_commonest(words, dates)!r}, are read as text",
            columns=(name,),
            count=sum(words.values()),
            advice=f"write them as 2021-05-17 in the source, then data.columns: {{{name}: date}}",
        )
    return None


def _mixed(words: Mapping[str, int], plain: set[str]) -> str | None:
    """Say which types a column mixes: numbers or moments, many of them, beside other text."""
    n_rows = sum(words.values())
    moments = _matching(words, rf"{DATE}|{MOMENT}")
    for what, found in (("numbers", plain), ("dates", moments)):
        share = sum(words[word] for word in found) / max(n_rows, 1)
        if len(found) > MANY_NUMBERS and share >= SOME:
            return f"{what} in {share:.1%} of the rows, other text such as {next(w for w in words if w not in found)!r}"
    return None


def _spellings(name: str, counts: Mapping[str | None, int]) -> Iterator[Finding]:
    """Report levels that differ in case or in the white space around them alone."""
    folded: dict[str, list[str]] = {}
    for text in counts:
        if text is not None and text.strip():
            folded.setdefault(" ".join(text.casefold().split()), []).append(text)
    several = [sorted(texts, key=lambda text: -counts[text]) for texts in folded.values() if len(texts) > 1]
    if several:
        yield Finding(
            check="spelling",
            severity="info",
            message=f"{name}: levels that differ in case or spaces alone: "
            + "; ".join(" = ".join(repr(text) for text in texts) for texts in several[:5]),
            columns=(name,),
            count=sum(counts[text] for texts in several for text in texts[1:]),
            advice="write them alike in the source",
        )


def _matching(words: Mapping[str, int], pattern: str) -> set[str]:
    """Return the texts that match a pattern."""
    texts = pa.array(list(words), pa.string())
    found: set[str] = set(texts.filter(pc.match_substring_regex(texts, pattern)).to_pylist())
    return found


def _share(words: Mapping[str, int], found: set[str]) -> float:
    """Return the share of rows whose text is one of those found."""
    return sum(words[word] for word in found) / max(sum(words.values()), 1)


def _commonest(words: Mapping[str, int], found: set[str]) -> str:
    """Return the text that most rows have; of several the first."""
    return max((word for word in words if word in found), key=lambda word: words[word])
