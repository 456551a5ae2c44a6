from __future__ import annotations

from pathlib import Path

import pytest

from mltrain.console.crash import crash_report, write_crash_log


def _fault() -> ValueError:
    try:
        raise ValueError("boom")
    except ValueError as error:
        return error


def test_a_crash_log_has_the_traceback_versions_and_command_line(tmp_path: Path) -> None:
    path = write_crash_log(_fault(), ["train", "--model", "lgbm"], tmp_path / "runs" / "crash")

    assert path is not None
    assert path.parent == tmp_path / "runs" / "crash"
    text = path.read_text("utf-8")
    assert "command line: mltrain train --model lgbm" in text
    assert "Python 3." in text
    assert "in _fault" in text
    assert text.rstrip().endswith("ValueError: boom")


def test_where_the_folder_cannot_be_made_another_place_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").write_text("a file")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    path = write_crash_log(_fault(), [], tmp_path / "runs" / "crash")

    assert path is not None
    assert path.parent == tmp_path


def test_secrets_of_the_environment_are_masked_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_API_KEY", "qwertyuiop")

    report = crash_report(ValueError("server said qwertyuiop is wrong"), ["train", "qwertyuiop"])

    assert "qwertyuiop" not in report
    assert "server said *** is wrong" in report
