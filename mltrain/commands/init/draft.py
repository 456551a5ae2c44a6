"""The text of a new config file: short, commented, and the same schema when it is read again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mltrain.config.reading import read_value
from mltrain.data import FEATURE_KINDS, Column, ColumnKind, Label, Target, Trait
from mltrain.data.columns import FROM_CONFIG

_MOST_LISTED = 12
_BARE = re.compile(r"[\w./][\w./:-]*")
_BOOLEAN_ELSEWHERE = {"y", "n", "yes", "no", "on", "off"}  # in YAML 1.1, which many editors still speak


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What a new config file is to say.

    Attributes
    ----------
    counts : tuple of int
        Rows of each class, in the order of ``target.classes``.
    groups, times : tuple of str
        Columns that a split may respect, likeliest first.
    test_file : str, optional
        A file that may be the test split.
    settings : mapping of str to object
        What else the user said of the data.
    """

    source: str
    target: Target
    counts: tuple[int, ...]
    columns: tuple[Column, ...]
    project: str
    groups: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    test_file: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def write_draft(draft: Draft) -> str:
    """Return the YAML text."""
    n_columns = len(draft.columns)
    lines = [
        f"# Written by `mltrain init` from {sum(draft.counts):,} labelled rows and {n_columns:,} columns.",
        "# All keys and their defaults: `mltrain config show`.",
        "data:",
        *_data_lines(draft),
        *_column_lines(draft.columns),
        "",
        *_split_lines(draft),
        "",
        *_train_lines(draft),
    ]
    return "\n".join(lines) + "\n"


def scalar(value: Label) -> str:
    """Return a value as YAML that reads back as itself.

    Examples
    --------
    >>> scalar("yes"), scalar("true"), scalar("a: b"), scalar(2), scalar(True)
    ('"yes"', '"true"', '"a: b"', '2', 'true')
    """
    if not isinstance(value, str):
        return json.dumps(value)
    is_plain = _BARE.fullmatch(value) is not None and value.lower() not in _BOOLEAN_ELSEWHERE
    if is_plain and read_value(value, origin="value") == value:
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())


def _data_lines(draft: Draft) -> list[str]:
    """Return the source, the target and the positive class."""
    lines = [f"  source: {scalar(draft.source)}"]
    lines += [f"  {key}: {_flow(value)}" for key, value in draft.settings.items()]
    lines += [f"  target: {scalar(draft.target.name)}{_classes(draft)}"]
    if draft.target.positive is not None:
        share = draft.counts[1] / sum(draft.counts)
        other = scalar(draft.target.classes[0])
        lines.append(
            f"  positive_class: {scalar(draft.target.positive)}  # {share:.1%} of the rows; the other class is {other}"
        )
    if draft.test_file:
        lines.append(f"  # test_source: {scalar(draft.test_file)}  # uncomment when this file is the test split")
    return lines


def _flow(value: object) -> str:
    """Return a setting on one line; texts inside lists and mappings stand in quotes, which no text can break."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key if key.isidentifier() else json.dumps(key)}: {_quoted(v)}" for key, v in value.items())
        return f"{{{inner}}}"
    return scalar(value) if isinstance(value, str) else _quoted(value)


def _quoted(value: object) -> str:
    """Return a value inside another as JSON, which is YAML."""
    return json.dumps(value, ensure_ascii=False)


def _classes(draft: Draft) -> str:
    """Return a comment that names the classes of a target that has more than two."""
    if draft.target.n_classes == 2:
        return ""
    labels = [scalar(label) for label in draft.target.classes[:_MOST_LISTED]]
    more = ", …" * (draft.target.n_classes > _MOST_LISTED)
    return f"  # {draft.target.n_classes} classes: {', '.join(labels)}{more}"


def _column_lines(columns: Sequence[Column]) -> list[str]:
    """Return the columns whose kinds deserve a look; all others speak for themselves."""
    # Numbers in a form that is not read are no ids to write down: `split` is to find them as long as they stay so.
    ids = [c for c in columns if c.kind is ColumnKind.ID and c.trait is not Trait.WRITTEN_OTHERWISE]
    dropped = [column for column in columns if column.kind is ColumnKind.DROPPED]
    special = [
        column
        for column in columns
        if column.kind in FEATURE_KINDS
        and (column.kind is ColumnKind.DATE or column.trait is Trait.NUMBERS_AS_TEXT or column.reason == FROM_CONFIG)
    ]
    return [
        *_listed("id_columns", ids, comment="never learnt from, carried along by predict"),
        *_listed("drop", dropped, comment="not used"),
        *_mapped("columns", special, comment="kinds: numeric, boolean, category, date, id, dropped"),
    ]


def _listed(key: str, columns: Sequence[Column], *, comment: str) -> list[str]:
    """Return a list of columns, each with the reason of its kind."""
    lines = [f"    - {scalar(column.name)}  # {_reason(column)}" for column in _shown(columns)]
    return [f"  {key}:  # {comment}{_more(columns)}", *lines] if lines else []


def _mapped(key: str, columns: Sequence[Column], *, comment: str) -> list[str]:
    """Return the kinds of columns, each with its reason."""
    lines = [f"    {scalar(column.name)}: {column.kind.value}  # {_reason(column)}" for column in _shown(columns)]
    return [f"  {key}:  # {comment}{_more(columns)}", *lines] if lines else []


def _shown(columns: Sequence[Column]) -> list[Column]:
    """Return the columns to list: the first few, and all that the user named, for those are not inferred again."""
    return [column for at, column in enumerate(columns) if at < _MOST_LISTED or column.reason == FROM_CONFIG]


def _reason(column: Column) -> str:
    """Return why a column has its kind."""
    return "as --set says" if column.reason == FROM_CONFIG else column.reason


def _more(columns: Sequence[Column]) -> str:
    """Return how many columns are inferred and not listed."""
    n_more = len(columns) - len(_shown(columns))
    return f"; {n_more:,} more are inferred each time" if n_more > 0 else ""


def _split_lines(draft: Draft) -> list[str]:
    """Return the split, commented out, with what the columns suggest."""
    if not draft.groups and not draft.times:
        return ["# split:", "#   kind: stratified  # or random, group, time, group_time, hash; 60 / 20 / 20 by default"]
    lines = [
        "# split:  # stratified by default; uncomment when rows that share a group, or a time, resemble each other"
    ]
    if draft.groups:
        lines.append("#   kind: group  # a group never sits on two sides")
        lines.append(f"#   group_column: {scalar(draft.groups[0])}")
    if draft.times:
        aside = "# or: " * bool(draft.groups)
        lines.append(f"#   {aside}kind: time  # train on the past, test on the future")
        lines.append(f"#   {aside}time_column: {scalar(draft.times[0])}")
    return lines


def _train_lines(draft: Draft) -> list[str]:
    """Return the keys of training that most people change."""
    is_binary = draft.target.n_classes == 2
    metric = "roc_auc" if is_binary else "log_loss"
    choices = "average_precision, f1, log_loss …" if is_binary else "accuracy, balanced_accuracy, f1 …"
    return [
        "train:",
        f"  project_name: {scalar(draft.project)}",
        f"  # comparison_metric: {metric}  # or {choices}",
        "  # max_search_iters: 100  # trials per model",
        "  # model_opt_timeout_secs: 180  # seconds per model; `mltrain train --budget 10m` bounds the whole",
        "  # experiment_tracker: comet_ml  # works offline without COMET_API_KEY; or local, mlflow",
        f"  # deployment_score_thresh: {'0.8' if is_binary else '0.5'}  # what the test score must reach",
    ]
