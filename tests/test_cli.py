from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from mltrain import __version__
from mltrain.cli import app, command_name, main, with_command_first
from mltrain.console.boundary import Terminated, guarded
from mltrain.console.invocation import Invocation, command
from mltrain.console.output import reserved_stdout
from mltrain.workspace import Workspace

COMMANDS = [
    ["init"], ["split"], ["train"], ["evaluate"], ["register"], ["run"], ["predict"], ["reproduce"],
    ["plugins"], ["doctor"],
    ["runs", "ls"], ["runs", "show"], ["runs", "compare"], ["runs", "sync"],
    ["registry", "ls"], ["registry", "show"], ["registry", "rollback"], ["registry", "pull"], ["registry", "verify"],
    ["config", "check"], ["config", "show"], ["config", "schema"],
]  # fmt: skip
CONFIG = "data:\n  source: rows.csv\n  target: y\n"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")


def _code(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_that_names_the_shared_options(
    words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert _code(*words, "--help") == 0

    shown = capfd.readouterr().out
    for option in ("--config", "--set", "--json", "--verbose", "--quiet", "--debug"):
        assert option in shown


def test_the_list_above_is_complete() -> None:
    found = []
    for name, entry in get_command(app).commands.items():
        found += [[name, member] for member in entry.commands] if hasattr(entry, "commands") else [[name]]

    assert sorted(found) == sorted(COMMANDS)


def test_one_line_of_help_fits_its_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert _code("--help") == 0

    assert "..." not in capfd.readouterr().out.replace("[ARGS]...", "")


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert _code("--version") == 0

    assert capfd.readouterr().out == f"mltrain {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "no such command 'trian'"),
        (["train", "--budget", "soon"], "'soon' is no duration"),
        (["train", "--budget", "0"], "not above zero"),
        (["train", "--max-trials", "0"], "'--max-trials'"),
        (["train", "--max-trials", "many"], "'--max-trials'"),
        (["train", "--nonsense"], "--nonsense"),
        (["predict", "in.csv"], "missing argument 'OUT'"),
        (["split", "extra"], "unexpected extra argument"),
        (["split", "-q", "-v"], "-q and -v exclude each other"),
    ],
)
def test_a_wrong_command_line_ends_with_2(words: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _code(*words) == 2

    out, err = capfd.readouterr()
    assert out == ""
    assert message in err
    assert err.startswith("error: ")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "--max-trials", "0"], "invalid value for '--max-trials': must be at least 1"),
        (["train", "--max-trials", "many"], "invalid value for '--max-trials': wants a whole number"),
        (["runs", "-n", "0"], "invalid value for '--limit' / '-n': must be at least 1"),
        (["train", "--max-trials"], "option '--max-trials' wants a value"),
    ],
)
def test_options_are_refused_in_plain_words(words: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _code(*words) == 2

    assert capfd.readouterr().err.splitlines()[0] == f"error: {message}"


def test_a_wrong_command_line_is_a_document_under_json(capfd: pytest.CaptureFixture[str]) -> None:
    assert _code("train", "--budget", "soon", "--json") == 2

    read = json.loads(capfd.readouterr().out)
    assert (read["schema"], read["command"], read["status"], read["data"]) == (1, "train", "error", None)
    assert read["errors"][0]["code"] == "usage_error"
    assert read["errors"][0]["hint"] == "mltrain train --help"


@pytest.mark.parametrize("words", [["split"], ["train"], ["evaluate"], ["register"], ["run"], ["config"]])
def test_without_a_config_every_step_says_how_to_get_one(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert _code(*words) == 2

    assert "mltrain init DATA --target COL" in capfd.readouterr().err


def test_shared_options_may_stand_before_or_after_the_command(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my.yaml").write_text(CONFIG)

    for words in (["-c", "my.yaml", "--json", "config"], ["config", "check", "--json", "--config=my.yaml"]):
        assert _code(*words) == 0
        assert json.loads(capfd.readouterr().out)["data"]["path"] == "my.yaml"


@pytest.mark.parametrize(
    ("words", "moved"),
    [
        (["--json", "train"], ["train", "--json"]),
        (["-c", "a.yaml", "--set", "seed=1", "runs"], ["runs", "ls", "-c", "a.yaml", "--set", "seed=1"]),
        (["runs", "--json"], ["runs", "ls", "--json"]),
        (["runs", "--help"], ["runs", "--help"]),
        (["registry", "show", "2"], ["registry", "show", "2"]),
        (["--json"], ["--json"]),
        ([], []),
    ],
)
def test_words_are_put_in_order(words: list[str], moved: list[str]) -> None:
    assert with_command_first(words) == moved


def test_names_of_commands() -> None:
    assert command_name(["runs", "ls", "--json"]) == "runs ls"
    assert command_name(["train"]) == "train"
    assert command_name(["--json"]) == ""


def test_an_override_reaches_the_config(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mltrain.yaml").write_text(CONFIG)

    assert _code("config", "show", "--set", "train.n_folds=3", "--set", "seed=7", "--json") == 0

    values = json.loads(capfd.readouterr().out)["data"]["values"]
    assert values["train"]["n_folds"] == 3
    assert values["seed"] == 7


def test_the_schema_is_printed_ready_for_a_file(capfd: pytest.CaptureFixture[str]) -> None:
    assert _code("config", "schema") == 0

    assert "train" in json.loads(capfd.readouterr().out)["properties"]


def test_doctor_and_plugins_need_no_config_and_leave_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert _code("doctor", "--json") == 0
    checks = {check["name"]: check for check in json.loads(capfd.readouterr().out)["data"]["checks"]}
    assert checks["workspace"]["state"] == "ok"
    assert checks["numpy"]["state"] == "ok"

    assert _code("plugins") == 0
    assert "logistic_regression" in capfd.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_run_with_data_refuses_to_guess_between_two_answers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mltrain.yaml").write_text(CONFIG)

    assert _code("run", "other.csv", "--target", "y") == 2

    assert "already says what the data is" in capfd.readouterr().err


def test_a_missing_data_file_ends_with_3_and_its_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mltrain.yaml").write_text(CONFIG)

    assert _code("split", "--json") == 3

    out, err = capfd.readouterr()
    assert "rows.csv" in err
    assert json.loads(out)["errors"][0]["code"] == "data_error"


def test_a_reader_that_goes_away_ends_the_output_quietly() -> None:
    command = f"{sys.executable} -m mltrain config schema | head -c 10; exit ${{PIPESTATUS[0]}}"

    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert ended.returncode == 0
    assert ended.stderr == ""


def test_what_libraries_print_does_not_reach_stdout(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with reserved_stdout():
        print("from Python", flush=True)
        os.write(1, b"from C\n")
    print("result")

    out, err = capfd.readouterr()
    assert out.endswith("result\n")
    assert "from C" not in out
    assert "from C" in err


def test_a_terminated_process_ends_with_130(tmp_path: Path) -> None:
    (tmp_path / "mltrain.yaml").write_text(CONFIG)
    code = (
        "import os, signal\n"
        "from mltrain.console.boundary import guarded\n"
        "def wait():\n"
        "    print('ready', flush=True)\n"
        "    signal.pause()\n"
        "raise SystemExit(guarded(wait, ['train'], command='train'))\n"
    )

    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)

    assert process.returncode == 130
    assert "stopped by SIGTERM" in err


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Terminated("stopped by SIGTERM")])
def test_a_command_that_is_stopped_says_so(stop: KeyboardInterrupt, capfd: pytest.CaptureFixture[str]) -> None:
    def wait(call: Invocation) -> object:
        """Wait."""
        raise stop

    program = typer.Typer(rich_markup_mode=None)
    program.command()(command(wait))

    code = guarded(lambda: get_command(program).main([], "wait", standalone_mode=False), [], command="wait")

    assert code == 130
    assert capfd.readouterr().err.startswith(
        f"error: {str(stop) or 'interrupted'}\n  hint: what earlier commands finished"
    )


def test_the_workspace_is_the_current_folder(tmp_path: Path) -> None:
    assert Invocation(command="train").workspace == Workspace(root=tmp_path)
