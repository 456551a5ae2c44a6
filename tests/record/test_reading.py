"""The record of a run, read back; records that are damaged or too old are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mltrain import artifact
from mltrain.errors import DataError, NoRunError
from mltrain.record import read_run

pytestmark = pytest.mark.filterwarnings("ignore:Signature.*longdouble:UserWarning")


@pytest.fixture
def directory(trained: Any) -> Path:
    return next(trained.runs.glob("logistic_regression-*"))


def _change(directory: Path, change: Any) -> None:
    path = directory / "run.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def test_the_record_names_the_model_that_was_saved(directory: Path) -> None:
    record = read_run(directory)
    model = artifact.load_model(directory / "model", expected_manifest_sha256=record.manifest)

    assert record.run_id == directory.name
    assert (record.model, record.is_vote) == ("logistic_regression", False)
    assert record.calibrator == model.calibrator
    assert record.threshold == model.threshold
    assert record.parts[0].trial.score is not None
    assert record.parts[0].trial.score >= record.validation_score  # less what picking it flatters
    assert set(record.data) == {"train", "validation", "test"}
    assert {"mltrain", "python", "lightgbm"} <= set(record.versions)


def test_a_run_that_is_not_there(trained: Any) -> None:
    with pytest.raises(NoRunError, match="no run 'lgbm-0'"):
        read_run(trained.run("lgbm-0"))


def test_a_run_that_left_nothing_but_its_folder(directory: Path) -> None:
    (directory / "run.json").unlink()

    with pytest.raises(NoRunError, match=f"run '{directory.name}' gave no model"):
        read_run(directory)


def test_a_record_from_before_parts_were_written(directory: Path) -> None:
    _change(directory, lambda record: record.pop("parts"))

    with pytest.raises(DataError, match="does not say which trials its model is made of"):
        read_run(directory)


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(format=99),
        lambda record: record.pop("config"),
        lambda record: record.update(parts=[{"family": "lgbm"}]),
        lambda record: record.update(calibrator={"method": "magic"}),
        lambda record: record.update(data=None),
    ],
    ids=["format", "config", "parts", "calibrator", "data"],
)
def test_a_damaged_record_is_refused(directory: Path, change: Any) -> None:
    _change(directory, change)

    with pytest.raises(DataError, match="the record of the run is damaged") as refused:
        read_run(directory)

    assert str(directory) in str(refused.value.where)


def test_a_torn_record_is_refused(directory: Path) -> None:
    path = directory / "run.json"
    path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(DataError, match="damaged"):
        read_run(directory)
