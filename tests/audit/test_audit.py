from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from mltrain.audit import audit_split
from mltrain.data import Schema
from mltrain.data.columns import infer_columns
from mltrain.data.splits import Finding
from mltrain.data.target import make_target

N = 200
SPLITS = {"train": np.arange(120), "validation": np.arange(120, 160), "test": np.arange(160, 200)}
LABELS = ["a", "b"] * (N // 2)


def findings_of(
    columns: Mapping[str, object],
    *,
    labels: list[str] = LABELS,
    group: str | None = None,
    splits: Mapping[str, np.ndarray] = SPLITS,
) -> dict[str, Finding]:
    table = pa.table({"feature": np.arange(N) / 7, **columns, "y": labels})
    target = make_target(table["y"], "y")
    roles = infer_columns(table, target="y", overrides={}, group=group)
    schema = Schema(columns=roles, target=target, group=group)
    n_kept_out = N - sum(len(rows) for rows in splits.values())
    tables = {name: table.take(pa.array(rows)) for name, rows in splits.items()}
    found = audit_split(tables, schema, n_kept_out=n_kept_out)
    return {finding.check: finding for finding in reversed(found)}


def test_clean_rows_leave_nothing_but_the_classes() -> None:
    found = findings_of({})

    assert list(found) == ["classes"]
    assert found["classes"].severity == "info"
    assert found["classes"].message == "2 classes: a 50.0%, b 50.0%"


def test_rare_class_is_a_warning() -> None:
    found = findings_of({}, labels=["a"] * (N - 1) + ["b"])

    assert found["classes"].severity == "warning"
    assert found["classes"].message == "2 classes: b 0.5%, a 99.5%"
    assert (
        found["classes"].advice
        == "1 under 1%: average_precision and log_loss notice rare classes, accuracy hardly does"
    )


def test_class_absent_from_a_split_is_severe() -> None:
    labels = ["a", "b"] * 60 + ["a"] * 40 + ["a", "b", "b", "b"] * 10

    found = findings_of({}, labels=labels)

    assert found["few_rows"].severity == "severe"
    assert found["few_rows"].message == "split 'validation' has few rows of a class: 'b' 0"


def test_missing_values_are_listed_and_warned_of_when_they_are_most() -> None:
    some = [None if i % 10 == 0 else i / 3 for i in range(N)]
    blank_numbers = ["" if i % 4 else f"{i}.5" for i in range(N)]

    found = findings_of({"some": some, "blank": blank_numbers})

    assert found["missing"].severity == "warning"
    assert found["missing"].columns == ("blank",)
    assert found["missing"].message == "mostly missing: blank 75.0%"


def test_missing_is_judged_on_rows_that_training_may_see() -> None:
    found = findings_of({"x": [None if i >= 160 else i / 3 for i in range(N)]})

    assert "missing" not in found


def test_columns_without_use_are_named() -> None:
    found = findings_of(
        {"same": [1] * N, "none": pa.nulls(N), "row_id": range(N), "text": [f"{i}.5" for i in range(N)]}
    )

    assert found["constant"].columns == ("same", "none")
    assert found["constant"].severity == "warning"
    assert found["id_like"].columns == ("row_id",)
    assert found["numbers_as_text"].columns == ("text",)


def test_rows_that_also_stand_in_train_are_counted_by_split() -> None:
    numbers = np.arange(N)
    numbers[120:123] = numbers[0:3]
    numbers[160] = 5
    texts = [f"käse {i % 3}" if i % 5 else None for i in numbers]
    labels = [LABELS[i] for i in numbers]
    table = {"feature": numbers / 7, "t": texts, "n": numbers, "row_id": np.arange(N)}

    found = findings_of(table, labels=labels)

    assert found["duplicates"].severity == "warning"
    assert found["duplicates"].count == 4
    assert "3 of 40 in validation, 1 of 40 in test" in found["duplicates"].message


def test_the_same_features_with_another_label_are_no_duplicate() -> None:
    numbers = np.arange(N)
    numbers[121] = numbers[0]

    found = findings_of({"feature": numbers / 7})

    assert "duplicates" not in found


def test_groups_on_two_sides_are_severe() -> None:
    groups = [f"g{i}" if i != 199 else "g0" for i in range(N)]

    found = findings_of({"g": groups}, group="g")

    assert found["groups"].severity == "severe"
    assert found["groups"].count == 1


def test_rows_in_no_split_are_counted() -> None:
    found = findings_of({}, splits={**SPLITS, "test": np.arange(160, 190)})

    assert (found["kept_out"].severity, found["kept_out"].count) == ("info", 10)


def test_rows_without_a_group_are_told() -> None:
    found = findings_of({"g": [None if i % 2 else f"g{i}" for i in range(N)]}, group="g")

    assert found["groups"].severity == "info"
    assert found["groups"].count == N // 2
