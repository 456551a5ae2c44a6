from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum, StrEnum
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain.console.document import document, jsonable
from mltrain.errors import ConfigError, EnvironmentRefusal


class Kind(StrEnum):
    NUMERIC = "numeric"


class Side(Enum):
    LEFT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    metrics: Mapping[str, Interval]
    path: Path
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    passed: bool

    @property
    def exit_code(self) -> int:
        return 0 if self.passed else 4


def test_a_result_becomes_the_documented_envelope() -> None:
    result = Result(
        metrics=MappingProxyType({"roc_auc": Interval(value=0.9, low=0.8, high=math.nan)}), path=Path("a/b")
    )

    assert json.loads(document("evaluate", result)) == {
        "schema": 1,
        "command": "evaluate",
        "status": "ok",
        "data": {"metrics": {"roc_auc": {"value": 0.9, "low": 0.8, "high": None}}, "path": "a/b"},
        "errors": [],
    }


@pytest.mark.parametrize(("passed", "status"), [(True, "ok"), (False, "refused")])
def test_a_verdict_that_says_no_is_refused_but_no_error(passed: bool, status: str) -> None:
    read = json.loads(document("register", Verdict(passed=passed)))

    assert read["status"] == status
    assert read["data"] == {"passed": passed}
    assert read["errors"] == []


def test_an_error_says_code_message_where_and_hint() -> None:
    error = ConfigError("unknown key 'größe'", where="mltrain.yaml:3 train.größe", hint="remove it")

    read = json.loads(document("train", error))

    assert read["status"] == "error"
    assert read["data"] is None
    assert read["errors"] == [
        {
            "code": "config_error",
            "message": "unknown key 'größe'",
            "where": "mltrain.yaml:3 train.größe",
            "hint": "remove it",
        }
    ]


def test_codes_of_errors_are_their_class_names() -> None:
    assert json.loads(document("x", EnvironmentRefusal("no")))["errors"][0]["code"] == "environment_refusal"
    assert json.loads(document("x", KeyError("a")))["errors"][0]["code"] == "internal_error"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Kind.NUMERIC, "numeric"),
        (Side.LEFT, 1),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (timedelta(minutes=1), 60.0),
        (np.float64(np.inf), None),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([[1.5, np.nan]]), [[1.5, None]]),
        (("a", frozenset({1})), ["a", [1]]),
        ({True: 1, 2: 2, None: 3, "é": 4}, {"true": 1, "2": 2, "null": 3, "é": 4}),
    ],
)
def test_values_as_json(value: object, plain: object) -> None:
    assert jsonable(value) == plain


def test_what_has_no_json_form_is_told() -> None:
    with pytest.raises(TypeError, match="no JSON form of a object"):
        jsonable(object())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_every_nested_value_is_strict_json(value: object) -> None:
    text = document("x", Verdict(passed=True)) and json.dumps(jsonable(value), allow_nan=False)

    assert json.loads(text) == jsonable(value)
