from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from mltrain.console.boundary import guarded
from mltrain.errors import (
    ConfigError,
    DataError,
    EnvironmentRefusal,
    Interrupted,
    MltrainError,
    NoRunError,
    PluginError,
    SchemaError,
    TrackerError,
    UsageError,
)


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _raising(error: BaseException) -> Callable[[], int]:
    def action() -> int:
        raise error

    return action


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UsageError, 2),
        (ConfigError, 2),
        (PluginError, 2),
        (DataError, 3),
        (SchemaError, 3),
        (NoRunError, 5),
        (EnvironmentRefusal, 6),
        (TrackerError, 6),
        (Interrupted, 130),
        (MltrainError, 1),
    ],
)
def test_every_error_has_its_documented_exit_code(kind: type[MltrainError], code: int) -> None:
    assert guarded(_raising(kind("no")), [], command="train") == code


def test_what_ends_well_returns_its_own_code() -> None:
    assert guarded(lambda: 4, [], command="evaluate") == 4
    assert guarded(lambda: None, [], command="evaluate") == 0


def test_an_error_is_one_block_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    error = ConfigError("first\nsecond", where="mltrain.yaml:7 train.n_folds", hint="write a whole number")

    guarded(_raising(error), ["train"], command="train")

    assert capfd.readouterr() == (
        "",
        "error: first\n    second\n  where: mltrain.yaml:7 train.n_folds\n  hint: write a whole number\n",
    )


def test_under_json_stdout_holds_one_document(capfd: pytest.CaptureFixture[str]) -> None:
    guarded(_raising(DataError("empty", where="a.csv")), ["split", "--json"], command="split")

    out, err = capfd.readouterr()
    assert json.loads(out)["errors"] == [{"code": "data_error", "message": "empty", "where": "a.csv", "hint": None}]
    assert err.startswith("error: empty\n")


def test_a_fault_of_ours_is_one_line_and_a_crash_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = guarded(_raising(KeyError("a\nb")), ["train"], command="train")

    first, second = capfd.readouterr().err.splitlines()
    log = Path(second.removeprefix("  crash log: "))
    assert code == 1
    assert first == r"error: a fault of mltrain: KeyError: 'a\nb'"
    assert log.parent == Path("runs/crash")
    assert "Traceback" in log.read_text("utf-8")


@pytest.mark.parametrize("address", ["postgresql://ann:hunter2@127.0.0.1/shop", "https://h/rows.parquet?sig=hunter2"])
def test_an_address_in_a_traceback_is_masked(capfd: pytest.CaptureFixture[str], address: str) -> None:
    guarded(_raising(DataError(f"cannot read {address}")), ["split", "--debug"], command="split")

    told = capfd.readouterr().err
    assert told.count("cannot read") == 2
    assert "hunter2" not in told


def test_a_traceback_is_shown_for_debug_only(capfd: pytest.CaptureFixture[str]) -> None:
    guarded(_raising(DataError("empty")), ["split"], command="split")
    assert "Traceback" not in capfd.readouterr().err

    guarded(_raising(DataError("empty")), ["split", "--debug"], command="split")
    assert "Traceback" in capfd.readouterr().err


def test_ctrl_c_ends_with_130_and_says_what_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    assert guarded(_raising(KeyboardInterrupt()), [], command="train") == 130

    assert "everything finished so far is kept" in capfd.readouterr().err


@pytest.mark.parametrize("command", ["evaluate", "split", "register", "predict", "runs sync"])
def test_after_an_interruption_no_option_is_named_that_the_command_lacks(
    command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert guarded(_raising(KeyboardInterrupt()), [command], command=command) == 130

    told = capfd.readouterr().err
    assert "--fresh" not in told
    assert "the same command begins again" in told


def test_a_request_to_terminate_unwinds_as_ctrl_c_does(capfd: pytest.CaptureFixture[str]) -> None:
    cleaned: list[bool] = []

    def action() -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            cleaned.append(True)
        return 0

    before = signal.getsignal(signal.SIGTERM)

    assert guarded(action, [], command="train") == 130
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) is before
    assert "stopped by SIGTERM" in capfd.readouterr().err


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOSPC, "No space left on device", "rows.parquet")])
def test_memory_and_disk_are_the_environment(error: Exception, capfd: pytest.CaptureFixture[str]) -> None:
    assert guarded(_raising(error), [], command="train") == 6

    assert "hint: " in capfd.readouterr().err


def test_no_secret_reaches_the_screen(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COMET_API_KEY", "qwertyuiop")

    guarded(_raising(TrackerError("key qwertyuiop was refused")), ["train", "--debug"], command="train")

    assert "key *** was refused" in capfd.readouterr().err.splitlines()[-1]


def test_on_a_terminal_an_error_is_broken_between_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    command = "/home/someone/.venv/bin/python -m pip install 'duckdb>=1.2'"

    def fail() -> None:
        raise UsageError("the search goes on where an earlier one was stopped", hint=command)

    guarded(fail, [], command="train")

    assert capsys.readouterr().err.splitlines() == [
        "error: the search goes on where an", "    earlier one was stopped", "  hint:", f"      {command}",
    ]  # fmt: skip
