from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from mltrain.comparison import Comparison
from mltrain.data.splits import Finding
from mltrain.drift import ColumnDrift
from mltrain.evaluation import Interval
from mltrain.report import Card, CardGate, CardMember, CardSplit, write_card

CARD = Card(
    run_id="lgbm-20260101T000000000000",
    model="lgbm",
    created="2026-01-01T00:00:00+00:00",
    source="data/bank|2024.parquet",
    target="kündigt",
    classes=("no", "sí | quizás"),
    splits=(
        CardSplit(name="train", n_rows=600, fingerprint="a" * 64, class_counts=(450, 150)),
        CardSplit(name="test", n_rows=200, fingerprint="b" * 64, class_counts=(150, 50)),
    ),
    metrics={
        "roc_auc": Interval(value=0.81234, low=0.75, high=0.87),
        "average_precision": Interval(value=float("nan"), low=float("nan"), high=float("nan")),
    },
    confidence=0.95,
    n_bootstrap=1000,
    metric="roc_auc",
    validation_score=0.8,
    confusion=((140, 10), (20, 30)),
    gate=CardGate(passed=True, metric="roc_auc", value=0.81234, threshold=0.7),
    openings=2,
    members=(CardMember(family="lgbm", weight=1.0),),
    threshold=0.31,
    calibration="sigmoid",
    comparison=Comparison(
        metric="roc_auc", challenger=0.81, champion=0.8, difference=0.01, low=-0.01, high=0.03, n_bootstrap=1000
    ),
    features=("age", "größe"),
    importances={"größe": 0.12, "age": 0.01},
    figures=("figures/roc.png", "figures/my plot.png"),
    params={"learning_rate": 0.1, "max_depth": None},
    versions={"lightgbm": "4.7.0"},
    provenance={"git commit": "abc123"},
    limitations=("Rows before 2020 are missing.",),
    audit=(
        Finding(check="leak", severity="severe", message="größe | tells", columns=("größe",), advice="drop it"),
        Finding(check="missing", severity="info", message="age 3.0%", rows={"test": (1, 7)}, values={"age": 0.03}),
    ),
    unseen={"größe": 3},
    drift=(
        ColumnDrift(name="größe", psi=0.31, by_chance=0.02, verdict="much", missing_before=0.1, missing_now=0.4),
        ColumnDrift(name="age", psi=0.01, by_chance=0.02, verdict="stable", missing_before=0.0, missing_now=0.0),
    ),
)


@pytest.fixture
def written(tmp_path):
    markdown, document = write_card(tmp_path, CARD)
    return markdown.read_text(encoding="utf-8"), json.loads(document.read_text(encoding="utf-8"))


def test_files_have_their_names(tmp_path):
    assert [path.name for path in write_card(tmp_path, CARD)] == ["model_card.md", "model_card.json"]


@pytest.mark.parametrize(
    "line",
    [
        "# Model card: lgbm",
        "- Deployment gate: **passed**: test `roc_auc` is 0.8123, the threshold 0.7000",
        "| `roc_auc` | 0.8123 | 0.7500 to 0.8700 |",
        "| `average_precision` | not defined | not defined |",
        "| true `sí \\| quizás` | 20 | 30 |",
        "`sí | quizás` is decided for from a probability of 0.3100 on.",
        "| train | 600 | 75.0% / 25.0% | `aaaaaaaaaaaa` |",
        "The test split has been opened 2 times.",
        "| `lgbm` | 1.0000 |",
        "Calibration: sigmoid.",
        "| `größe` | 0.1200 |",
        "Columns used (2): `age`, `größe`",
        "![roc](figures/roc.png)",
        "![my plot](figures/my%20plot.png)",
        "| `learning_rate` | `0.1` |",
        "- Rows before 2020 are missing.",
        "| severe | `leak` | größe \\| tells | drop it |",
        "| `größe` | 0.3100 | much | 10.0% to 40.0% | 0 / 0 |",
        "Levels that the model does not know: `größe` in 3 rows.",
        "- The test split has been opened 2 times: scores chosen by it are optimistic.",
        "| git commit | `abc123` |",
    ],
)
def test_markdown_shows(written, line):
    assert line in written[0].splitlines()


def test_tables_have_as_many_cells_in_every_row(written):
    rows = [line for line in written[0].splitlines() if line.startswith("|")]

    widths = [line.replace("\\|", "").count("|") for line in rows]
    starts = [place for place, line in enumerate(rows) if line.startswith("| ---")]
    for start, end in zip(starts, [*(one - 1 for one in starts[1:]), len(rows)], strict=True):
        assert len(set(widths[start - 1 : end])) == 1


def test_json_holds_every_field(written):
    document = written[1]

    assert set(document) == {"format", *(one.name for one in fields(Card))}
    assert document["metrics"]["roc_auc"] == {"value": 0.81234, "low": 0.75, "high": 0.87}
    assert document["classes"] == ["no", "sí | quizás"]
    assert document["splits"][1]["class_counts"] == [150, 50]


def test_json_has_null_for_what_is_not_a_number(written):
    assert written[1]["metrics"]["average_precision"] == {"value": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        (
            CardGate(passed=False, metric="log_loss", value=0.5, threshold=0.4),
            "- Deployment gate: **not passed**: test `log_loss` is 0.5000, the threshold 0.4000",
        ),
        (
            CardGate(passed=True, metric="log_loss", value=0.5, threshold=None),
            "- Deployment gate: no deployment threshold is configured; test `log_loss` is 0.5000",
        ),
    ],
)
def test_gate_is_said_in_words(tmp_path, gate, line):
    markdown, _ = write_card(tmp_path, replace(CARD, gate=gate))

    assert line in markdown.read_text(encoding="utf-8").splitlines()


def test_sections_without_content_are_left_out(tmp_path):
    bare = replace(CARD, comparison=None, figures=(), importances={}, params={}, features=(), threshold=None)

    text = write_card(tmp_path, bare)[0].read_text(encoding="utf-8")

    assert "Figures" not in text
    assert "Challenger" not in text
    assert "The most probable class is decided for." in text
