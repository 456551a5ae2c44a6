"""`mltrain init`: look at the data, infer what the columns mean, write a short commented config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mltrain.commands.init.draft import Draft, write_draft
from mltrain.commands.init.findings import find_groups, find_test_file, find_times, name_project
from mltrain.commands.init.looking import Look, look_at
from mltrain.config import DataSection
from mltrain.config.loading import from_mapping, from_overrides, parse
from mltrain.config.overrides import parse_override
from mltrain.data import Column, ColumnKind, Rows, Schema, Trait
from mltrain.data.example import EXAMPLE_TARGETS, EXAMPLES
from mltrain.data.loading import infer_schema, load_table, open_rows
from mltrain.data.target import MAX_FRACTIONS, label_text
from mltrain.errors import ConfigError, UsageError
from mltrain.files import atomic_path, write_text

_INFERRED = {"source", "target", "positive_class", "columns", "id_columns", "drop"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassShare:
    """One class of the target; ``share`` is of the rows that have a label."""

    label: str
    n_rows: int
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class InitResult:
    """The config that was written and what it rests on.

    Attributes
    ----------
    path : str
        The config file.
    positive_class : str, optional
        The class to detect, of two; None for more.
    classes : tuple of ClassShare
        Two classes: negative, positive. More: sorted.
    n_rows : int
        Rows that have a label.
    columns : tuple of Column
        All columns but the target, with their kinds and why.
    written : tuple of str
        Files written.
    notes : tuple of str
        What was guessed, left out or is worth a decision.
    """

    path: str
    source: str
    target: str
    positive_class: str | None
    classes: tuple[ClassShare, ...]
    n_rows: int
    columns: tuple[Column, ...]
    written: tuple[str, ...]
    notes: tuple[str, ...]
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """Rows to look at: what the config will call them, and what the user says of them."""

    name: str
    rows: Rows
    said: DataSection
    written: tuple[str, ...] = ()


def init(
    data: str | None,
    target: str | None,
    *,
    example: str | None = None,
    path: Path = Path("mltrain.yaml"),
    force: bool = False,
    overrides: Sequence[str] = (),
) -> InitResult:
    """Write a config for a table, or for a bundled example that is written too.

    Parameters
    ----------
    data : str, optional
        What ``data.source`` is to be: a file, a folder, a glob, a URL, a database, ``example:churn``.
    target : str, optional
        The column to predict; guessed from names and values when it is obvious.
    example : str, optional
        Name of a bundled data set, written to ``example/NAME.parquet``; instead of ``data``.
    path : Path
        The config file to write.
    force : bool
        Replace an existing config file.
    overrides : sequence of str
        ``key.path=value`` each. Those of ``data`` say how the rows are read and what they mean, and are written down;
        a note names the others.

    Raises
    ------
    mltrain.errors.ConfigError
        There is a config file already, or an override is wrong.
    mltrain.errors.UsageError
        Neither or both of ``data`` and ``example``, or an unknown example.
    mltrain.errors.DataError
        The rows cannot be read or used, or the target cannot be told.
    """
    _refuse_to_overwrite(path, force=force)
    said = from_overrides(overrides).data
    source = _open(data, target, example=example, said=said)
    look = look_at(source.rows, source.said, origin=source.name)
    draft = _draft(source, look)
    text = write_draft(draft)
    _check_draft(text, look, settings=draft.settings)
    write_text(path, text)
    notes = [f"the target is guessed: {look.guess.reason}"] if look.guess else []
    unheeded = [text for text in overrides if parse_override(text).path[0] != "data"]
    notes += [f"{text} is not written down: only data.* is" for text in unheeded]
    written = (str(path), *source.written)
    return _result(path, draft, look.schema, written=written, notes=(*notes, *_notes(draft, look, source.said)))


def _refuse_to_overwrite(path: Path, *, force: bool) -> None:
    """Raise when the config file exists."""
    if path.exists() and not force:
        hint = "--force replaces it; --config NAME writes another file"
        raise ConfigError("there is a config file already", where=str(path), hint=hint)


def _open(data: str | None, target: str | None, *, example: str | None, said: DataSection) -> _Source:
    """Open a source, or an example that is written on the way."""
    data = _agreed(data, said.source, option="DATA", key="data.source")
    target = _agreed(target, said.target, option="--target", key="data.target")
    if (data is None) == (example is None):
        hint = f"mltrain init rows.csv --target COL, or --example with one of {', '.join(EXAMPLES)}"
        raise UsageError("init wants either a data source or an example", hint=hint)
    if data is not None:
        rows = open_rows(data, said.format, said.options)
        return _Source(name=data, rows=rows, said=_with(said, source=data, target=target))
    name = (example or "").removeprefix("example:")
    if name not in EXAMPLES:
        raise UsageError(
            f"no example is called {example!r}", where="--example", hint=f"there are: {', '.join(EXAMPLES)}"
        )
    table = load_table(f"example:{name}")
    path = Path("example") / f"{name}.parquet"
    with atomic_path(path) as partial:
        pq.write_table(table, partial)
    source = path.as_posix()
    said = _with(said, source=source, target=target or EXAMPLE_TARGETS[name])
    return _Source(name=source, rows=table, said=said, written=(str(path),))


def _agreed(given: str | None, said: str | None, *, option: str, key: str) -> str | None:
    """Return what the command line says in one of two places, or in both alike."""
    if given is not None and said is not None and given != said:
        raise UsageError(f"{option} is {given!r} and --set {key} is {said!r}", hint="leave one of them out")
    return said if given is None else given


def _with(said: DataSection, *, source: str, target: str | None) -> DataSection:
    """Return what is said of the data with its source and target, checked as a whole."""
    values = said.model_dump(exclude_unset=True) | {"source": source, "target": target}
    return from_mapping({"data": values}, require_data=False).data


def _draft(source: _Source, look: Look) -> Draft:
    """Return what the config file is to say."""
    weight = source.said.weight_column
    return Draft(
        source=source.name,
        target=look.schema.target,
        counts=look.counts,
        columns=tuple(column for column in look.schema.columns if column.name != weight),
        project=name_project(source.name),
        groups=find_groups(look.sample, look.schema),
        times=find_times(look.schema),
        test_file=None if source.said.test_source else find_test_file(source.name),
        settings=_settings(source.said),
    )


def _settings(section: DataSection) -> dict[str, Any]:
    """Return what a data section says besides what is written from what the rows say."""
    return section.model_dump(mode="json", exclude_unset=True, exclude=_INFERRED)


def _check_draft(text: str, look: Look, *, settings: Mapping[str, Any]) -> None:
    """Make sure that the file written reads back as what was said and inferred."""
    section = parse(text, origin="the config just written").data
    target = look.schema.target
    again = infer_schema(look.sample, target, section)
    kinds = [(column.name, column.kind) for column in look.sampled_schema.columns]
    assert [(column.name, column.kind) for column in again.columns] == kinds
    assert _settings(section) == settings
    assert section.target == target.name
    assert target.positive is None or section.positive_class == target.positive


def _notes(draft: Draft, look: Look, said: DataSection) -> Sequence[str]:
    """Return what the user should know or decide."""
    notes = []
    if look.n_unlabelled:
        notes.append(f"{look.n_unlabelled:,} rows have no label and are left out")
    if isinstance(draft.target.classes[0], int | float) and draft.target.n_classes > MAX_FRACTIONS:
        values = f"a number with {draft.target.n_classes} values, each taken for a class"
        notes.append(f"the target is {values}: if it is a quantity, cut it into classes first")
    if draft.target.positive is not None and said.positive_class is None:
        positive = label_text(draft.target.positive)
        notes.append(f"the positive class is {positive!r}, the rarer one; see data.positive_class")
    if draft.groups:
        notes.append(f"rows share values of '{draft.groups[0]}': consider split.kind group")
    if draft.times:
        notes.append(f"'{draft.times[0]}' holds dates: consider split.kind time")
    if draft.test_file:
        notes.append(f"'{draft.test_file}' lies beside the data: consider data.test_source")
    unread = [column for column in draft.columns if column.trait is Trait.WRITTEN_OTHERWISE]
    notes += [f"'{column.name}' is not learnt from: {column.reason}" for column in unread[:10]]
    dropped = [column.name for column in draft.columns if column.kind is ColumnKind.DROPPED]
    if dropped:
        notes.append(f"columns not used: {', '.join(dropped[:10])}{' …' * (len(dropped) > 10)}")
    return notes


def _result(
    path: Path, draft: Draft, schema: Schema, *, written: tuple[str, ...], notes: tuple[str, ...]
) -> InitResult:
    """Return the record of what was written."""
    n_rows = sum(draft.counts)
    labels = map(label_text, draft.target.classes)
    classes = zip(labels, draft.counts, strict=True)
    return InitResult(
        path=str(path),
        source=draft.source,
        target=draft.target.name,
        positive_class=None if draft.target.positive is None else label_text(draft.target.positive),
        classes=tuple(ClassShare(label=label, n_rows=count, share=count / n_rows) for label, count in classes),
        n_rows=n_rows,
        columns=schema.columns,
        written=written,
        notes=notes,
    )
