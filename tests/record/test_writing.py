"""What a run leaves on disk, read back."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import confusion_matrix

from mltrain.candidate import Candidate, HeldOut
from mltrain.data import Schema, Target
from mltrain.metrics import resolve
from mltrain.model import Model
from mltrain.provenance import GitState, Provenance
from mltrain.record import RunFacts, confusion, write_run
from mltrain.search import Study, Trial

pytestmark = pytest.mark.filterwarnings("ignore:Signature.*longdouble:UserWarning")

FACTS = RunFacts(
    run_id="lgbm-1",
    session="session-1",
    model="lgbm",
    created="2026-01-01T00:00:00+00:00",
    seconds=1.5,
    config={"seed": 3, "data": {"source": "größe.csv"}},
    data={"fingerprint": "f"},
    validation={"kind": "kfold", "n_folds": 2},
    provenance=Provenance(versions={"mltrain": "1"}, platform="Linux", git=GitState(commit="c", dirty=True)),
)
TRIALS = (
    Trial(
        number=0,
        params={"num_leaves": 31, "learning_rate": 0.1},
        state="complete",
        score=0.75,
        fold_scores=(0.5, math.nan),
        n_rounds=(10, 12),
        seed=1,
        seconds=2.0,
        notes=("a note", "another"),
    ),
    Trial(number=1, params={"num_leaves": 7, "extra": 'ü, "x"'}, state="failed", seed=2, error="ValueError: no"),
    Trial(number=3, params={}, state="cut", seed=3),
)
STUDY = Study(name="lgbm", key="k", trials=TRIALS, models={}, n_resumed=1, seconds=2.0)


def _candidate(**changes: Any) -> Candidate:
    model = Model(
        Schema(columns=(), target=Target(name="y", classes=("b", "a"))), {}, members=(), threshold=0.4, name="lgbm"
    )
    positive = np.array([0.1, 0.39, 0.4, 0.9, 0.45])
    proba = np.column_stack([1 - positive, positive])
    kept = Candidate(
        model=model,
        validation_score=0.75,
        held_out=HeldOut(y=np.array([0, 1, 1, 1, 0]), proba=proba),
        final_fit="bag",
        trial=TRIALS[0],
        notes=("a note",),
    )
    return replace(kept, **changes)


def _write(directory: Path, candidate: Candidate | None = None, *, study: Study | None = STUDY) -> dict[str, Any]:
    write_run(directory, FACTS, candidate=candidate or _candidate(), study=study, metric=resolve("f1", n_classes=2))
    text = (directory / "run.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    return found


def test_the_record_says_what_was_kept_and_why(tmp_path: Path) -> None:
    record = _write(tmp_path)

    for name in ("run_id", "session", "model", "created", "seconds"):
        assert record[name] == getattr(FACTS, name)
    assert record["format"] == 2
    assert record["metric"] == {"name": "f1", "greater_is_better": True}
    assert (record["validation_score"], record["decision_threshold"]) == (0.75, 0.4)
    assert record["cross_fitted_score"] is None
    assert (record["final_fit"], record["calibration"]) == ("bag", None)
    assert (record["n_trials"], record["n_trials_resumed"]) == (3, 1)
    assert record["notes"] == ["a note"]
    assert record["config"] == FACTS.config
    assert record["provenance"]["git"] == {"commit": "c", "dirty": True, "branch": None, "remote": None}


def test_what_is_not_a_number_is_null(tmp_path: Path) -> None:
    best = _write(tmp_path)["best_trial"]

    assert best["fold_scores"] == [0.5, None]
    assert best["params"] == {"num_leaves": 31, "learning_rate": 0.1}
    assert best["n_rounds"] == [10, 12]


def test_hashes_are_those_of_all_files_but_the_ones_that_grow(tmp_path: Path) -> None:
    (tmp_path / "model" / "members").mkdir(parents=True)
    (tmp_path / "model" / "members" / "000.bin").write_bytes(b"\x00trees")
    (tmp_path / "tracking.jsonl").write_text("{}\n")
    (tmp_path / "sync.json").write_text("{}")

    artefacts = _write(tmp_path)["artefacts"]

    assert set(artefacts) == {
        "model/members/000.bin", "trials.parquet", "study_lgbm.csv", "confusion_matrix.json"
    }  # fmt: skip
    for name, sha256 in artefacts.items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == sha256


def test_a_second_writing_does_not_list_the_record_itself(tmp_path: Path) -> None:
    assert _write(tmp_path) == _write(tmp_path)


def test_trials_read_back_from_parquet(tmp_path: Path) -> None:
    _write(tmp_path)

    rows = pq.read_table(tmp_path / "trials.parquet").to_pylist()

    assert [(r["number"], r["state"], r["score"]) for r in rows] == [
        (0, "complete", 0.75), (1, "failed", None), (3, "cut", None)
    ]  # fmt: skip
    assert [json.loads(r["params"]) for r in rows] == [dict(t.params) for t in TRIALS]
    assert math.isnan(rows[0]["fold_scores"][1])
    assert rows[0]["notes"] == ["a note", "another"]
    assert rows[1]["error"] == "ValueError: no"


def test_the_spreadsheet_has_a_column_for_every_parameter(tmp_path: Path) -> None:
    _write(tmp_path)

    with (tmp_path / "study_lgbm.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [r["param_num_leaves"] for r in rows] == ["31", "7", ""]
    assert [r["param_learning_rate"] for r in rows] == ["0.1", "", ""]
    assert [r["param_extra"] for r in rows] == ["", 'ü, "x"', ""]
    assert [r["score"] for r in rows] == ["0.75", "", ""]
    assert "params" not in rows[0]


def test_trials_that_all_failed_are_written_too(tmp_path: Path) -> None:
    study = replace(STUDY, trials=(TRIALS[2],))

    _write(tmp_path, _candidate(trial=None), study=study)

    assert pq.read_table(tmp_path / "trials.parquet").num_rows == 1


def test_an_ensemble_has_weights_and_no_trials(tmp_path: Path) -> None:
    weights = {"lgbm#0": 0.75, "xgboost#4": 0.25}

    record = _write(tmp_path, _candidate(trial=None, weights=weights, final_fit="vote"), study=None)

    assert record["weights"] == weights
    assert (record["best_trial"], record["n_trials"], record["n_trials_resumed"]) == (None, None, None)
    assert {p.name for p in tmp_path.iterdir()} == {"confusion_matrix.json", "run.json"}


def test_the_confusion_counts_the_decisions_on_held_out_rows() -> None:
    kept = _candidate()

    found = confusion(kept)

    wanted = confusion_matrix(kept.held_out.y, [0, 0, 1, 1, 1])  # threshold 0.4, itself included
    assert found["matrix"] == wanted.tolist() == [[1, 1], [1, 2]]
    assert found["labels"] == ["b", "a"]


def test_classes_that_were_never_decided_have_a_column() -> None:
    target = Target(name="y", classes=(1, 2, 3))
    model = Model(Schema(columns=(), target=target), {}, members=())
    proba = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])

    found = confusion(_candidate(model=model, held_out=HeldOut(y=np.array([0, 0]), proba=proba)))

    assert found["matrix"] == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert found["labels"] == ["1", "2", "3"]


def test_the_records_of_a_real_session_hold(trained: Any) -> None:
    records = sorted(trained.runs.glob("*/run.json"))

    assert len(records) == 3
    for path in records:
        record = json.loads(path.read_text())
        assert record["run_id"] == path.parent.name
        assert record["model"] == record["run_id"].rpartition("-")[0]
        listed = {
            p.relative_to(path.parent).as_posix()
            for p in path.parent.rglob("*")
            if p.is_file() and p.name not in ("run.json", "tracking.jsonl", "sync.json")
        }
        assert set(record["artefacts"]) == listed
        for name, sha256 in record["artefacts"].items():
            assert hashlib.sha256((path.parent / name).read_bytes()).hexdigest() == sha256
