from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import json
import re
from pathlib import Path

import pytest

import mltrain
from mltrain import errors, plugins
from mltrain.config import Config, ModelSection
from mltrain.metrics import BUILT_IN

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def generate():
    specification = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def read(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def test_reference_pages_say_what_the_code_says(generate, capsys):
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


def test_check_tells_of_a_page_that_drifted_and_writes_nothing(generate, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "REFERENCE", tmp_path)
    generate.main([])
    (tmp_path / "config.md").write_text("# Config\n")

    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err == "docs/reference/config.md differs from the code; run `make docs`\n"
    assert (tmp_path / "config.md").read_text() == "# Config\n"


def test_every_config_key_is_in_the_reference():
    text = read("config.md")
    sections = [(name, type(value)) for name, value in Config() if hasattr(value, "model_fields_set")]

    for name, section in [*sections, ("models.<name>", ModelSection)]:
        part = text.partition(f"## `{name}`\n")[2].partition("\n## ")[0]
        assert [key for key in section.model_fields if f"| `{key}` |" not in part] == []


@pytest.mark.parametrize("group", ["models", "trackers", "sources"])
def test_every_shipped_plugin_is_in_the_reference(group):
    ours = [plugin.name for plugin in plugins.describe(group) if plugin.distribution.startswith("mltrain ")]

    assert [name for name in ours if f"| `{name}` |" not in read("plugins.md")] == []


def test_every_metric_is_in_the_reference():
    assert [name for name in BUILT_IN if f"| `{name}` |" not in read("plugins.md")] == []


def test_every_error_is_in_the_reference():
    found = [each for each in vars(errors).values() if isinstance(each, type)]

    assert [each for each in found if f"| {each.exit_code} |" not in read("exit-codes.md")] == []
    assert [each for each in found if f"`{each.__name__}`" not in read("exit-codes.md")] == []


def test_every_command_is_in_the_reference():
    import typer

    from mltrain.cli import app

    program = typer.main.get_command(app)
    text = read("commands.md")

    assert [name for name in program.commands if f"`mltrain {name}" not in text] == []


RESULTS = {
    "tune": "mltrain.tuning:TuneResult",
    "select": "mltrain.commands.select:Selection",
    "split": "mltrain.commands.split:SplitResult",
    "train": "mltrain.commands.train:TrainResult",
    "evaluate": "mltrain.commands.evaluate:EvaluateResult",
    "register": "mltrain.commands.register:RegisterResult",
    "run": "mltrain.commands.run:RunResult",
    "predict": "mltrain.commands.predict:PredictResult",
    "reproduce": "mltrain.commands.reproduce:ReproduceResult",
}


def test_every_public_function_has_a_section_in_the_python_page():
    text = read("python.md")
    functions = set(mltrain.__all__) - {"__version__", "Workspace", "load_config", "load_model"}

    assert functions == set(RESULTS)
    assert [name for name in mltrain.__all__ if f"`{name}" not in text and name != "__version__"] == []


@pytest.mark.parametrize("function", RESULTS)
def test_every_field_of_a_result_is_in_the_python_page(function):
    module, _, name = RESULTS[function].partition(":")
    result = getattr(importlib.import_module(module), name)
    part = read("python.md").partition(f"\n## `{function}`\n")[2].partition("\n## ")[0]
    table = part.partition(f"| field of `{name}` |")[2]

    cells = "".join(line.split("|")[1] for line in table.splitlines()[2:] if line.startswith("|"))
    assert {field.name for field in dataclasses.fields(result)} == set(re.findall(r"`(\w+)`", cells))


@pytest.mark.parametrize("function", ["tune", "select"])
def test_every_argument_is_in_the_python_page(function):
    part = read("python.md").partition(f"\n## `{function}`\n")[2].partition("| field of")[0]

    cells = "".join(line.split("|")[1] for line in part.splitlines() if line.startswith("|"))
    assert set(inspect.signature(getattr(mltrain, function)).parameters) - {"X", "y"} == set(
        re.findall(r"`(\w+)`", cells)
    )


def test_every_key_of_a_run_is_in_the_page_of_local_records(trained_root):
    part = read("local-records.md").partition("/run.json`\n")[2].partition("\n## ")[0]
    keys = {key for path in trained_root.glob("runs/*/run.json") for key in json.loads(path.read_text())}

    cells = "".join(line.split("|")[1] for line in part.splitlines() if line.startswith("|"))
    assert keys == set(re.findall(r"`(\w+)`", cells))
