"""The whole picture of `reproduce`, as a pipe gets it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mltrain.commands.reproduce import Differences, RebuiltPart, ReproduceResult
from mltrain.console.render import render

PART = RebuiltPart(
    trial="lgbm#3", weight=0.75, final_fit="bag", state="cut", recorded_score=0.91237, score=0.91237,
    fold_difference=0.0, n_rounds=(5, 6), seconds=75.2,
)  # fmt: skip
RESULT = ReproduceResult(
    run_id="ensemble-2", model="ensemble", metric="roc_auc",
    parts=(PART, replace(PART, trial="xgboost#0", weight=0.25, final_fit="refit", state="complete", seconds=0.2)),
    differences=Differences(rows=10_000, n_rows=48_842, raw=0.0, calibrated=2e-9, score=0.0, threshold=0.0),
    calibration="recorded", tolerance=1e-6, agrees=True, seconds=80.4, notes=("the clock cut its best trial short",),
    warnings=("numpy 1.26 then, 2.1 now",),
)  # fmt: skip
TEXT = """\
ensemble-2
trial       weight   final fit   state      roc_auc then      now         time
──────────────────────────────────────────────────────────────────────────────
lgbm#3       0.750   bag         cut              0.9124   0.9124   1 min 15 s
xgboost#0    0.250   refit       complete         0.9124   0.9124        0.2 s

rows compared  10,000 of 48,842
raw votes      equal
probabilities  differ by 2.0e-09 at most
scores         equal
threshold      equal
calibration    as recorded: an ensemble's is not rebuilt
time           1 min 20 s
verdict        reproduced: no difference above 1e-06
the run says: the clock cut its best trial short
warning: numpy 1.26 then, 2.1 now
"""


def test_the_picture(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")

    render(RESULT)

    assert capsys.readouterr().out == TEXT


def test_a_difference_is_said_with_the_limit_it_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    differences = replace(RESULT.differences, raw=0.25)

    render(replace(RESULT, differences=differences, agrees=False))

    shown = capsys.readouterr().out
    assert "verdict        not reproduced: a difference of 2.5e-01 is above 1e-06\n" in shown
    assert "raw votes      differ by 2.5e-01 at most\n" in shown


def test_on_a_narrow_terminal_no_state_and_no_number_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    part = replace(RESULT.parts[0], trial="logistic_regression#123", state="complete")

    render(replace(RESULT, metric="average_precision", parts=(part,)))

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == "trial weight state average_precision then now"
    assert lines[3] == "logistic_regression#123 0.750 complete 0.9124 0.9124"
