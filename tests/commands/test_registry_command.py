"""`registry`: list, show, roll back, verify."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from mltrain.commands.evaluate import evaluate
from mltrain.commands.register import register
from mltrain.commands.registry import ls, rollback, show, verify
from mltrain.errors import NoRunError
from mltrain.workspace import Workspace


@pytest.fixture
def twice(evaluated: Workspace, churn: Any) -> Workspace:
    """Two versions, the second one champion."""
    config = churn(registry={"margin": 1.0})
    register(config, evaluated)
    evaluate(config, evaluated, run=next(evaluated.runs.glob("lgbm-*")).name)
    register(config, evaluated)
    return evaluated


def test_versions_are_listed_newest_first_with_aliases_and_history(twice: Workspace, churn: Any) -> None:
    found = ls(churn(), twice)

    assert [(v.version, v.aliases, v.model) for v in found.versions] == [
        ("2", ("champion",), "lgbm"),
        ("1", (), "logistic_regression"),
    ]
    assert [(m.action, m.version, m.previous) for m in found.history] == [("promote", "2", "1"), ("promote", "1", None)]


def test_a_version_is_shown_by_alias_or_number(twice: Workspace, churn: Any) -> None:
    assert show(churn(), twice).version == "2"
    found = show(churn(), twice, version="1")
    assert (found.model, found.families, found.classes) == (
        "logistic_regression", ("logistic_regression",), ("no", "yes"),
    )  # fmt: skip


def test_a_rollback_gives_the_alias_back(twice: Workspace, churn: Any) -> None:
    found = rollback(churn(), twice)

    assert (found.version, found.previous) == ("1", "2")
    assert show(churn(), twice).version == "1"
    with pytest.raises(NoRunError, match="no champion to go back to"):
        rollback(churn(), twice)


def test_intact_files_verify_and_a_changed_one_is_a_verdict(twice: Workspace, churn: Any) -> None:
    assert verify(churn(), twice).exit_code == 0
    path = twice.registry / "churn" / "1" / "model_card.md"
    path.chmod(0o644)
    path.write_text("better than it was")

    found = verify(churn(), twice)

    assert {check.version: check.problem for check in found.checks} == {
        "1": "document changed: model_card.md",
        "2": None,
    }
    assert found.exit_code == 4


def test_a_changed_file_is_put_back_by_the_command_that_is_told(
    twice: Workspace, churn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(twice.root)
    manifest = twice.registry / "churn" / "1" / "model" / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text("{}")

    advice = verify(churn(), twice).checks[0].advice

    assert advice is not None
    told, _, command = advice.partition(": ")
    assert told == "its run holds what was registered; put it back with"
    subprocess.run(command, shell=True, check=True)
    assert verify(churn(), twice).exit_code == 0


def test_without_the_model_of_the_run_the_way_back_is_another_version(twice: Workspace, churn: Any) -> None:
    run_id = show(churn(), twice, version="1").run_id
    for model in (twice.run(run_id) / "model", twice.registry / "churn" / "1" / "model"):
        (model / "manifest.json").chmod(0o644)
        (model / "manifest.json").write_text("{}")

    assert "mltrain registry rollback" in str(verify(churn(), twice).checks[0].advice)


def test_an_empty_registry_is_empty(tmp_path: Path, churn: Any) -> None:
    assert ls(churn(), Workspace(root=tmp_path)).versions == ()
    with pytest.raises(NoRunError, match="no version or alias 'champion'") as caught:
        show(churn(), Workspace(root=tmp_path))
    assert caught.value.hint == "mltrain register"
