"""What is odd about a split: seen before a model is trained on it, at the cost of seconds.

Findings only inform; whether they stop anything is decided by the command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltrain.data import ColumnKind, Schema
from mltrain.data.nearest import listed
from mltrain.data.splits import Finding
from mltrain.data.target import count_classes, label_text
from mltrain.data.text import decoded, filled, group_codes, is_missing, is_text

__all__ = ["Finding", "audit_split"]

Positions = NDArray[np.intp]
MOSTLY = 0.5
RARE = 0.01
FEW_ROWS = 10
MANY_KEPT_OUT = 0.2
MIX = np.uint64(0x9E3779B97F4A7C15)


def audit_split(
    table: pa.Table,
    schema: Schema,
    *,
    y: NDArray[np.int64],
    splits: Mapping[str, Positions],
) -> tuple[Finding, ...]:
    """Return the findings, the severe ones first.

    Parameters
    ----------
    table : pyarrow.Table of n_samples rows, all columns
    y : ndarray of shape (n_samples,)
        Class codes.
    splits : mapping of str to ndarray of int
        Positions of the rows of each split.
    """
    development = np.sort(np.concatenate([rows for name, rows in splits.items() if name != "test"]))
    seen = table.take(pa.array(development))
    findings = [
        *_classes(schema, y),
        *_few_rows(schema, y, splits),
        *_missing(seen, schema),
        *_columns_of(schema, "constant", ("all values are the same", "all values are missing", "all values are blank")),
        *_columns_of(schema, "id_like", ("named like an id", "all values differ", "almost all values differ")),
        *_columns_of(schema, "numbers_as_text", ("numbers stored as text",)),
        *_duplicates(table, schema, splits),
        *_groups(table, schema, splits),
        *_kept_out(len(y), splits),
    ]
    order = {"severe": 0, "warning": 1, "info": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.severity]))


def _classes(schema: Schema, y: NDArray[np.int64]) -> list[Finding]:
    """Report the classes and their shares; a rare one deserves a warning."""
    shares = {label: n / len(y) for label, n in count_classes(schema.target, y).items()}
    rarest = sorted(shares.items(), key=lambda item: item[1])
    text = ", ".join(f"{label} {share:.1%}" for label, share in rarest[:10])
    more = f" and {len(rarest) - 10} commoner ones" if len(rarest) > 10 else ""
    rare = [label for label, share in rarest if share < RARE]
    return [
        Finding(
            check="classes",
            severity="warning" if rare else "info",
            message=f"{schema.target.n_classes} classes: {text}{more}",
            columns=(schema.target.name,),
            count=len(rare) or None,
            advice=f"{listed(rare)} under {RARE:.0%}: compare by average_precision or log_loss" if rare else "",
        )
    ]


def _few_rows(schema: Schema, y: NDArray[np.int64], splits: Mapping[str, Positions]) -> list[Finding]:
    """Report classes with too few rows in a split for its scores to mean much."""
    findings = []
    for name, rows in splits.items():
        counts = np.bincount(y[rows], minlength=schema.target.n_classes)
        few = [
            (label_text(schema.target.classes[code]), int(counts[code])) for code in np.flatnonzero(counts < FEW_ROWS)
        ]
        if few:
            none = any(n == 0 for _, n in few)
            text = ", ".join(f"{label!r} {n}" for label, n in few[:10])
            findings.append(
                Finding(
                    check="few_rows",
                    severity="severe" if none else "warning",
                    message=f"split {name!r} has few rows of a class: {text}",
                    columns=(schema.target.name,),
                    count=len(few),
                    advice=f"at least {FEW_ROWS} are needed: raise the share of {name}, add rows or join classes",
                )
            )
    return findings


def _missing(seen: pa.Table, schema: Schema) -> list[Finding]:
    """Report features with missing values, those that are mostly missing apart."""
    shares = {}
    for feature in schema.features:
        column = seen.column(feature.name)
        values = filled(column) if is_text(column.type) and feature.kind is not ColumnKind.CATEGORY else column
        shares[feature.name] = float(is_missing(values).mean())
    mostly = {name: share for name, share in shares.items() if share > MOSTLY}
    some = {name: share for name, share in shares.items() if 0 < share <= MOSTLY}
    findings = []
    for found, severity, how, advice in (
        (mostly, "warning", "mostly missing", "find out why, or list them in data.drop"),
        (some, "info", "missing values", ""),
    ):
        if found:
            ranked = sorted(found.items(), key=lambda item: -item[1])
            text = ", ".join(f"{name} {share:.1%}" for name, share in ranked[:10])
            findings.append(
                Finding(
                    check="missing",
                    severity=severity,
                    message=f"{how}: {text}",
                    columns=tuple(name for name, _ in ranked),
                    count=len(ranked),
                    advice=advice,
                )
            )
    return findings


def _columns_of(schema: Schema, check: str, reasons: Sequence[str]) -> list[Finding]:
    """Report columns whose kind was inferred for one of ``reasons``."""
    names = tuple(column.name for column in schema.columns if column.reason.startswith(tuple(reasons)))
    if not names:
        return []
    what = {
        "constant": ("warning", "columns without information are left out", "list them in data.drop"),
        "id_like": (
            "info",
            "columns that look like ids are not learnt from",
            "if one is a feature, name it in data.columns",
        ),
        "numbers_as_text": (
            "info",
            "numbers stored as text are read as numbers",
            "if one is a code, make it a category",
        ),
    }
    severity, message, advice = what[check]
    return [
        Finding(
            check=check,
            severity=severity,
            message=f"{message}: {listed(names)}",
            columns=names,
            count=len(names),
            advice=advice,
        )
    ]


def _duplicates(table: pa.Table, schema: Schema, splits: Mapping[str, Positions]) -> list[Finding]:
    """Report rows whose features and label also occur in the training rows."""
    hashes = _row_hashes(table, [*(feature.name for feature in schema.features), schema.target.name])
    train = hashes[splits["train"]]
    counts = {name: int(np.isin(hashes[rows], train).sum()) for name, rows in splits.items() if name != "train"}
    found = {name: n for name, n in counts.items() if n}
    if not found:
        return []
    text = ", ".join(f"{n} of {len(splits[name])} in {name}" for name, n in found.items())
    return [
        Finding(
            check="duplicates",
            severity="warning",
            message=f"rows that also stand in train, features and label alike: {text}",
            count=sum(found.values()),
            advice="if they are the same case, remove them or split by split.group_column",
        )
    ]


def _row_hashes(table: pa.Table, names: Sequence[str]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of some columns of each row, shape (n_samples,)."""
    hashes = np.zeros(table.num_rows, dtype=np.uint64)
    for name in names:
        codes = decoded(table.column(name)).dictionary_encode(null_encoding="encode").combine_chunks()
        indices = codes.indices if isinstance(codes, pa.DictionaryArray) else codes.chunk(0).indices
        hashes = (hashes ^ indices.to_numpy().astype(np.uint64)) * MIX
        hashes ^= hashes >> np.uint64(29)
    return hashes


def _kept_out(n_rows: int, splits: Mapping[str, Positions]) -> list[Finding]:
    """Report rows that are in no split, because their group belongs to an earlier time."""
    n_kept_out = n_rows - sum(len(rows) for rows in splits.values())
    if not n_kept_out:
        return []
    share = n_kept_out / n_rows
    return [
        Finding(
            check="kept_out",
            severity="warning" if share > MANY_KEPT_OUT else "info",
            message=f"{n_kept_out} rows ({share:.1%}) are in no split: their group belongs to an earlier time",
            count=n_kept_out,
            advice="split.kind time keeps them, and lets groups sit on both sides",
        )
    ]


def _groups(table: pa.Table, schema: Schema, splits: Mapping[str, Positions]) -> list[Finding]:
    """Report groups with rows in two splits."""
    if schema.group is None:
        return []
    column = table.column(schema.group)
    codes = group_codes(column)
    n_splits = np.zeros(int(codes.max()) + 1, dtype=np.int64)
    for rows in splits.values():
        n_splits[np.unique(codes[rows])] += 1
    n_shared = int((n_splits > 1).sum())
    findings = []
    if n_shared:
        findings.append(
            Finding(
                check="groups",
                severity="severe",
                message=f"{n_shared} groups have rows in more than one split",
                columns=(schema.group,),
                count=n_shared,
                advice="set split.kind to group, or group_time",
            )
        )
    n_alone = int(pc.sum(pc.is_null(column)).as_py() or 0)
    if n_alone:
        findings.append(
            Finding(
                check="groups",
                severity="info",
                message=f"{n_alone} rows without a group count as groups of their own",
                columns=(schema.group,),
                count=n_alone,
            )
        )
    return findings
