"""Paths of everything on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltrain.errors import UsageError
from mltrain.workspace import Workspace, checked_id

WORKSPACE = Workspace(root=Path("/w"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (WORKSPACE.split("test"), "data/test.parquet"),
        (WORKSPACE.split_record, "data/split.json"),
        (WORKSPACE.run("lgbm-20260101T000000000000"), "runs/lgbm-20260101T000000000000"),
        (WORKSPACE.evaluation("a"), "runs/a/evaluation"),
        (WORKSPACE.ledger, "runs/ledger.jsonl"),
        (WORKSPACE.studies, "runs/studies"),
        (WORKSPACE.experiment_keys, "runs/experiment_keys.csv"),
        (WORKSPACE.registry, "registry"),
        (WORKSPACE.tracker("comet_ml"), "runs/.trackers/comet_ml"),
        (WORKSPACE.crash_logs, "runs/crash"),
        (WORKSPACE.log, "runs/mltrain.log"),
    ],
)
def test_paths_are_those_of_the_architecture_page(path: Path, expected: str) -> None:
    assert path == Path("/w") / expected


@pytest.mark.parametrize("text", ["", ".", "..", "../x", "a/b", "a\\b", "/etc", "läufe", "a b", "a\n", "~"])
def test_an_id_that_could_leave_its_folder_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not usable"):
        checked_id(text)


def test_an_unknown_split_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="unknown split 'dev'"):
        WORKSPACE.split("dev")
