"""What ``split.json`` holds, and the rows of a split with their hash checked.

Which splits a caller may open is not decided here: commands ask for train, validation and calibration,
`holdout` for test.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mltrain import files
from mltrain.config import Config
from mltrain.config.overrides import option_text
from mltrain.data import Schema
from mltrain.data.locations import SourceFile
from mltrain.data.records import schema_from_dict, schema_to_dict
from mltrain.data.text import is_text
from mltrain.errors import DataError
from mltrain.redaction import MASK, redacted

FORMAT = 1
AGAIN = "run `mltrain split`"
_ANEW = "run `mltrain split` again"
SEVERITIES = ("severe", "warning", "info")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing the audit saw.

    Attributes
    ----------
    check : str
        Name of the check, such as ``missing``.
    severity : {"info", "warning", "severe"}
    columns : tuple of str
        Columns concerned, if any.
    count : int, optional
        Rows (or columns) concerned.
    advice : str
        What to do; empty when nothing need be done.
    rows : mapping of str to tuple of int
        The first rows concerned, counted from 1, by split.
    values : mapping of str to float
        What was measured, by name.
    """

    check: str
    severity: str
    message: str
    columns: tuple[str, ...] = ()
    count: int | None = None
    advice: str = ""
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPart:
    """One split: number of rows, fingerprint of their values, hash of the file, rows of each class by its text."""

    rows: int
    fingerprint: str
    sha256: str
    classes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRecord:
    """The record of a split.

    Attributes
    ----------
    created : str
        ISO 8601, UTC.
    source : tuple of SourceFile
        Files the rows came from; empty for sources that are no files.
    config : mapping
        The config's data and split sections, as written then.
    fingerprint : str
        sha256 over the fingerprints of train and validation: what models of this split have learnt from.
    positive_reason : str
        How the positive class was chosen; empty for more than two classes.
    """

    created: str
    source: tuple[SourceFile, ...]
    seed: int
    config: Mapping[str, Any]
    schema: Schema
    splits: Mapping[str, SplitPart]
    audit: tuple[Finding, ...]
    fingerprint: str
    positive_reason: str = ""
    n_unlabelled: int = 0
    n_kept_out: int = 0


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings by their severity, those of one severity in their order."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def config_of(config: Config) -> dict[str, Any]:
    """Return the part of the config that a split depends on, besides the seed; secrets are masked."""
    return redacted({"data": config.data.model_dump(mode="json"), "split": config.split.model_dump(mode="json")})


def record_to_dict(record: SplitRecord) -> dict[str, Any]:
    """Return a record as plain values, for JSON."""
    return {
        "format": FORMAT,
        "created": record.created,
        "source": [asdict(file) for file in record.source],
        "seed": record.seed,
        "config": dict(record.config),
        "schema": schema_to_dict(record.schema),
        "splits": {name: asdict(part) for name, part in record.splits.items()},
        "audit": [asdict(finding) for finding in record.audit],
        "fingerprint": record.fingerprint,
        "positive_reason": record.positive_reason,
        "n_unlabelled": record.n_unlabelled,
        "n_kept_out": record.n_kept_out,
    }


def read_split_record(path: Path) -> SplitRecord:
    """Return the record that the last split wrote.

    Raises
    ------
    mltrain.errors.DataError
        There is none, or it is damaged.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise DataError(f"split record of format {found['format']}, not {FORMAT}", where=str(path), hint=AGAIN)
        return SplitRecord(
            created=found["created"],
            source=tuple(SourceFile(**file) for file in found["source"]),
            seed=found["seed"],
            config=found["config"],
            schema=schema_from_dict(found["schema"]),
            splits={name: SplitPart(**part) for name, part in found["splits"].items()},
            audit=tuple(_finding(item) for item in found["audit"]),
            fingerprint=found["fingerprint"],
            positive_reason=found["positive_reason"],
            n_unlabelled=found["n_unlabelled"],
            n_kept_out=found["n_kept_out"],
        )
    except FileNotFoundError as error:
        raise DataError("there is no split yet", where=str(path), hint=AGAIN) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"the split record is damaged: {error}", where=str(path), hint=AGAIN) from error


def _finding(item: Mapping[str, Any]) -> Finding:
    """Return one finding of the audit; records of older versions name no rows and no values."""
    rows = {split: tuple(numbers) for split, numbers in item.get("rows", {}).items()}
    return Finding(**{**item, "columns": tuple(item["columns"]), "rows": rows})


def current_split_record(path: Path, config: Config) -> SplitRecord:
    """Return the record of a split that was made with this config.

    Raises
    ------
    mltrain.errors.DataError
        There is none, it is damaged, or the config's data or split section or seed has changed since.
    """
    record = read_split_record(path)
    changed = changed_keys(record, config)
    if changed:
        raise DataError(
            f"the split was made with another {', '.join(changed)}",
            where=str(path),
            hint=_again_or_as_then(record, changed),
        )
    return record


def _again_or_as_then(record: SplitRecord, changed: Sequence[str]) -> str:
    """Return what to do about a config that is another than that of the split."""
    try:
        options = [option_text(key, _value_of(record, key)) for key in changed]
    except KeyError:  # the record is older than the key
        return _ANEW
    if any(MASK in option for option in options):  # what is masked cannot be repeated
        return _ANEW
    return f"{_ANEW}, or repeat the options of that split: {' '.join(options)}"


def _value_of(record: SplitRecord, key: str) -> Any:
    """Return the value that a key had when the split was made."""
    section, _, name = key.partition(".")
    return record.config[section][name] if name else record.seed


def changed_keys(record: SplitRecord, config: Config) -> Sequence[str]:
    """Return the key paths of the config whose values are not those the split was made with."""
    changed = [] if record.seed == config.seed else ["seed"]
    for section, now in config_of(config).items():
        then = record.config.get(section, {})
        changed += [f"{section}.{key}" for key in now if key not in then or then[key] != now[key]]
    return changed


def read_rows(path: Path, *, expected_sha256: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the rows of one split file, text dictionary-encoded.

    Parameters
    ----------
    columns : sequence of str, optional
        Read these alone, in this order; by default all.

    Raises
    ------
    mltrain.errors.DataError
        The file is missing, or is not the one that the split wrote.
    """
    try:
        found = files.sha256(path)
    except FileNotFoundError as error:
        raise DataError("a split file is missing", where=str(path), hint=AGAIN) from error
    if found != expected_sha256:
        raise DataError("a split file was changed after the split", where=str(path), hint=_ANEW)
    return read_columns(path, columns)


def read_columns(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the rows of a split file that the caller knows to be unchanged, text dictionary-encoded.

    Parameters
    ----------
    columns : sequence of str, optional
        Read these alone, in this order; by default all.
    """
    texts = [field.name for field in pq.read_schema(path) if is_text(field.type)]
    with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False) as reader:
        rows = reader.read(columns=None if columns is None else list(columns))
    # Arrow keeps what decoding freed, on large files more than the rows take.
    pa.default_memory_pool().release_unused()
    return rows if columns is None else rows.select(list(columns))
