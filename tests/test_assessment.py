"""The record of an evaluation on disk."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from mltrain.assessment import FILE, Assessment, Circumstances, read_assessment, write_assessment
from mltrain.comparison import Comparison
from mltrain.errors import DataError
from mltrain.evaluation import Interval
from mltrain.verdict import Gate, describe_gate

CIRCUMSTANCES = Circumstances(
    run_id="lgbm-1", manifest="m", test_fingerprint="t", settings="s", champion_version="3", champion_run_id="other"
)
ASSESSMENT = Assessment(
    circumstances=CIRCUMSTANCES,
    evaluated_at="2026-01-01T00:00:00+00:00",
    model="lgbm",
    session="session-1",
    source="tracker",
    metric="roc_auc",
    validation_score=0.1 + 0.2,
    metrics={"roc_auc": Interval(value=0.8, low=0.75, high=0.85)},
    gate=Gate(passed=False, metric="roc_auc", value=0.8, threshold=0.9),
    threshold=0.37,
    classes=("nein", "ja ✓"),
    confusion=((5, 1), (2, 3)),
    n_rows=11,
    openings=2,
    compared_with_champion=Comparison(
        metric="roc_auc", challenger=0.8, champion=0.7, difference=0.1, low=0.05, high=0.15, n_bootstrap=100
    ),
    figures=("figures/roc.png",),
    report=("model_card.md",),
    notes=("a note",),
)


def test_a_record_comes_back_equal(tmp_path: Path) -> None:
    write_assessment(tmp_path, ASSESSMENT)

    assert read_assessment(tmp_path) == ASSESSMENT


def test_an_undefined_score_comes_back_as_nan(tmp_path: Path) -> None:
    nan = Interval(value=math.nan, low=math.nan, high=math.nan)
    write_assessment(tmp_path, replace(ASSESSMENT, metrics={"roc_auc": nan}))

    read = read_assessment(tmp_path)

    assert read is not None
    assert math.isnan(read.metrics["roc_auc"].value)
    assert "NaN" not in (tmp_path / FILE).read_text()


@pytest.mark.parametrize("threshold", [None, 0.9])
def test_a_gate_without_a_score_comes_back_shut(tmp_path: Path, threshold: float | None) -> None:
    """Older versions took such a gate for open, and wrote no reason."""
    gate = Gate(passed=True, metric="roc_auc", value=math.nan, threshold=threshold)
    write_assessment(tmp_path, replace(ASSESSMENT, gate=gate))

    read = read_assessment(tmp_path)

    assert read is not None
    assert not read.gate.passed
    assert math.isnan(read.gate.value)
    assert describe_gate(read.gate).startswith("test roc_auc is undefined")


def test_no_record_is_none(tmp_path: Path) -> None:
    assert read_assessment(tmp_path) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}', '{"format": 1, "circumstances": {}}'])
def test_a_malformed_record_names_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)

    with pytest.raises(DataError, match="malformed evaluation") as caught:
        read_assessment(tmp_path)

    assert caught.value.where == str(tmp_path / FILE)


@pytest.mark.parametrize(
    ("changes", "serves"),
    [
        ({}, True),
        ({"run_id": "lgbm-2"}, False),
        ({"manifest": "x"}, False),
        ({"test_fingerprint": "x"}, False),
        ({"settings": "x"}, False),
        ({"champion_version": "4", "champion_run_id": "another"}, False),
        ({"champion_version": "4", "champion_run_id": "lgbm-1"}, True),
        ({"champion_version": None, "champion_run_id": None}, False),
    ],
)
def test_an_evaluation_serves_while_nothing_it_depends_on_has_changed(changes: dict[str, str], serves: bool) -> None:
    assert CIRCUMSTANCES.serves(replace(CIRCUMSTANCES, **changes)) is serves
