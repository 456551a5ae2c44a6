"""Writes docs/reference/*.md from the code; with ``--check`` only says which pages drifted (exit code 1)."""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from mltrain import errors, plugins
from mltrain.cli import app
from mltrain.config.names import FAMILIES, METRICS, TRACKERS
from mltrain.config.rendering import to_values
from mltrain.config.schema import json_schema
from mltrain.config.sections import Config
from mltrain.data.options import NoOptions
from mltrain.metrics import BUILT_IN, Metric, resolve
from mltrain.models import Shape
from mltrain.space import Choice, Dimension

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
GENERATED = "<!-- Written by docs/generate.py: change the code, then run `make docs`. -->"
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "": "value",
}
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<", "minItems": "items ≥"}
CORE_FAMILIES = ("logistic_regression", "random_forest", "lgbm", "xgboost")
ROWS_OF_RANGES = (1_000, 200_000)
SHARED = ("config", "set_", "json_", "verbose", "quiet", "debug")
GROUPS = {
    "models": "Model families, for `train.supported_models`, `models.<name>` and `--model`.",
    "trackers": "Experiment trackers, for `train.experiment_tracker`.",
    "sources": "Data sources, for `data.format`; by default the one that accepts `data.source`.",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check all pages and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 when a page drifted")
    is_check = parser.parse_args(argv).check
    drifted = [name for name, text in pages().items() if read(REFERENCE / name) != text]
    for name in drifted:
        if is_check:
            print(f"docs/reference/{name} differs from the code; run `make docs`", file=sys.stderr)
        else:
            REFERENCE.mkdir(parents=True, exist_ok=True)
            (REFERENCE / name).write_text(pages()[name], encoding="utf-8")
            print(f"wrote docs/reference/{name}")
    return int(is_check and bool(drifted))


def pages() -> Mapping[str, str]:
    """Return the text of every page by file name."""
    return {
        "config.md": page("Config", config_lines()),
        "commands.md": page("Commands", command_lines()),
        "plugins.md": page("Plug-ins and metrics", plugin_lines()),
        "models.md": page("Models", model_lines()),
        "exit-codes.md": page("Exit codes", exit_code_lines()),
    }


def page(title: str, lines: Iterable[str]) -> str:
    """Return a whole page."""
    return "\n".join([GENERATED, "", f"# {title}", "", *lines]).rstrip() + "\n"


def read(path: Path) -> str | None:
    """Return the text of a page, None when there is none."""
    return path.read_text(encoding="utf-8") if path.exists() else None


def config_lines() -> Iterator[str]:
    """Yield what every key means, section by section."""
    schema = json_schema()
    sections = schema["$defs"]
    defaults = to_values(Config())
    yield "One YAML 1.2 file, by default `mltrain.yaml`; `--set section.key=value` overrides one key. Only"
    yield "`data.source` and `data.target` have no default. `mltrain config schema` prints the JSON Schema for editors."
    yield from ("", "| key | type | default | meaning |", "|---|---|---|---|")
    yield key_row("seed", schema["properties"]["seed"], default=defaults["seed"])
    for name, entry in schema["properties"].items():
        if "$ref" in entry:
            yield from section_lines(name, sections[reference(entry)], defaults=defaults[name])
            if name == "data":
                yield from asof_lines(sections)
    family = sections["ModelSection"]
    defaults_of_family: dict[str, Any] = {key: {} for key in family["properties"]}
    yield from section_lines("models.<name>", family, defaults=defaults_of_family)
    dimension = sections["DimensionEntry"]
    no_default = {key: entry.get("default") for key, entry in dimension["properties"].items()}
    key = "models.<name>.search_space.<parameter>"
    yield from section_lines(key, dimension, defaults=no_default)


def asof_lines(sections: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the keys of a join mean; those without a default say so."""
    for name, section in (("data.asof", "AsofSection"), ("data.asof.tables[]", "DatedTable")):
        found = sections[section]
        yield from section_lines(name, found, defaults={k: e.get("default") for k, e in found["properties"].items()})


def section_lines(name: str, section: Mapping[str, Any], *, defaults: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of one section."""
    yield from ("", f"## `{name}`", "", one_line(section["description"]), "")
    yield from ("| key | type | default | meaning |", "|---|---|---|---|")
    for key, entry in section["properties"].items():
        yield key_row(key, entry, default=defaults[key])


def key_row(key: str, entry: Mapping[str, Any], *, default: Any) -> str:
    """Return the table row of one key."""
    shown = "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"
    return row(f"`{key}`", type_text(entry), shown, one_line(entry["description"]))


def type_text(entry: Mapping[str, Any]) -> str:
    """Return what a key takes, in words."""
    if "anyOf" in entry:
        words = [type_text(each) for each in entry["anyOf"]]
        return " or ".join(word for word in dict.fromkeys(words) if not is_implied(word, words))
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    if entry.get("type") == "array":
        items = entry.get("items") or entry["prefixItems"][0]
        return f"[low, high], each {type_text(items)}" if "prefixItems" in entry else f"list: {type_text(items)}"
    if entry.get("type") == "object":
        values = entry.get("additionalProperties")
        return f"name: {type_text(values)}" if isinstance(values, Mapping) else "name: value"
    if "$ref" in entry:
        return "a range, see below" if reference(entry) == "DimensionEntry" else "keys with values, see below"
    limits = " and ".join(f"{sign} {entry[word]:.10g}" for word, sign in LIMITS.items() if word in entry)
    return " ".join(part for part in (entry.get("format") or TYPES[entry.get("type", "")], limits) if part)


def is_implied(word: str, words: Sequence[str]) -> bool:
    """Say whether one of several types goes without saying."""
    return word in ("null", "date-time") or (word == "whole number" and "number" in words)


def reference(entry: Mapping[str, Any]) -> str:
    """Return the name of the definition that an entry refers to."""
    return str(entry["$ref"]).rpartition("/")[2]


def command_lines() -> Iterator[str]:
    """Yield every command with its arguments and options."""
    program: Any = typer.main.get_command(app)
    yield one_line(program.help)
    yield from ("", "Every command takes:", "", "| option | meaning |", "|---|---|")
    yield from (option_row(each) for each in program.commands["split"].params if each.name in SHARED)
    for words, command in leaves(program, ()):
        own = [each for each in command.params if each.name not in (*SHARED, "context")]
        arguments = [each for each in own if each.param_type_name == "argument"]
        options = [each for each in own if each.param_type_name == "option"]
        usage = " ".join(["mltrain", *words, *(argument_text(each) for each in arguments)])
        yield from ("", f"## `{usage}`", "", one_line(command.help or ""))
        if own:
            yield from ("", "| option | meaning |", "|---|---|")
            yield from (row(f"`{label(each)}`", one_line(each.help or "")) for each in arguments)
            yield from (option_row(each) for each in options)


def leaves(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command below a group with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, (*words, name))
        else:
            yield (*words, name), command


def option_row(option: Any) -> str:
    """Return the table row of one option."""
    takes = f" {option.metavar}" if option.metavar else ""
    names = ", ".join(f"`{name}{takes}`" for name in sorted(option.opts, key=len))
    is_shown = isinstance(option.default, str | int | float | Path) and option.default not in (False, 0, "")
    default = f" Default: `{option.default}`." if is_shown else ""
    return row(names, one_line(option.help or "") + default)


def argument_text(argument: Any) -> str:
    """Return an argument as a usage line shows it."""
    shown = label(argument)
    return shown if argument.required or shown.startswith("[") else f"[{shown}]"


def label(argument: Any) -> str:
    """Return the name that an argument is shown by."""
    return str(argument.metavar or argument.name.upper())


def plugin_lines() -> Iterator[str]:
    """Yield the shipped plug-ins of every group and the metrics."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield "A plug-in is one entry point of a group `mltrain.<group>`, ours and third parties' alike;"
    yield "`mltrain plugins` lists what is installed."
    for group, text in GROUPS.items():
        yield from ("", f"## {group.capitalize()}", "", f"{text} Entry points of `mltrain.{group}`.", "")
        yield from ("| name | also accepted | what it is |", "|---|---|---|")
        for name, value in sorted(project["entry-points"][f"mltrain.{group}"].items()):
            yield row(f"`{name}`", synonyms(name, {**FAMILIES, **TRACKERS}), module_summary(value))
    yield from option_lines(project["entry-points"]["mltrain.sources"])
    yield from ("", "## Metrics", "")
    yield "For `train.comparison_metric`; others are entry points of `mltrain.metrics` or any scikit-learn scorer name."
    yield "A metric that needs a threshold is scored at the best one on the same held-out predictions."
    yield from ("", "| name | also accepted | scored on | better | classes |", "|---|---|---|---|---|")
    yield from (metric_row(name) for name in BUILT_IN)


def option_lines(sources: Mapping[str, str]) -> Iterator[str]:
    """Yield the settings of the shipped data sources; their modules load without the extras that they need."""
    yield from ("", "### Settings of data sources", "", "Keys of `data.options`.", "")
    yield from ("| source | key | default | what it does |", "|---|---|---|---|")
    for name, value in sorted(sources.items()):
        module, _, attribute = value.partition(":")
        source = getattr(importlib.import_module(module), attribute)
        fields = getattr(source, "options", NoOptions).model_fields
        for key, field in fields.items():
            default = json.dumps(field.get_default(call_default_factory=True), ensure_ascii=False, default=str)
            shown = "required" if field.is_required() else f"`{default}`"
            yield row(f"`{name}`", f"`{key}`", shown, one_line(field.description))


def model_lines() -> Iterator[str]:
    """Yield what of each family without an extra is searched, and what it takes."""
    yield "What each model family searches by default, and every name that `models.<name>.params` and"
    yield "`models.<name>.search_space` may hold. Ranges depend on the data; they are given for two classes, 20 numeric"
    yield "columns and two numbers of training rows. [CatBoost](../how-to/catboost.md) is an extra with its own page;"
    yield "an example of a config is [search-space.yml](../../configs/search-space.yml)."
    for name in CORE_FAMILIES:
        family = plugins.load("models", name)
        few, many = (family.space(Shape(n_samples=n, n_features=20, n_classes=2)) for n in ROWS_OF_RANGES)
        yield from ("", f"## `{name}`", "")
        yield from (row("searched", *(f"{n:,} rows" for n in ROWS_OF_RANGES)), "|---|---|---|")
        for key in {**few, **many}:
            yield row(f"`{key}`", *(range_text(space[key]) if key in space else "" for space in (few, many)))
        yield from ("", "Taken: " + ", ".join(f"`{each}`" for each in sorted(family.parameters)) + ".")


def range_text(dimension: Dimension) -> str:
    """Return what a parameter may be, in words."""
    if isinstance(dimension, Choice):
        return ", ".join(f"`{json.dumps(option)}`" for option in dimension.options)
    return f"{dimension.low:g} to {dimension.high:g}{', by orders of magnitude' if dimension.log else ''}"


def metric_row(name: str) -> str:
    """Return the table row of one metric."""
    metric: Metric = resolve(name, n_classes=2)
    return row(
        f"`{name}`",
        synonyms(name, METRICS),
        "probabilities" if metric.needs == "proba" else "decisions",
        "higher" if metric.greater_is_better else "lower",
        "two or more" if metric.multiclass else "two",
    )


def synonyms(name: str, known: Mapping[str, str]) -> str:
    """Return the other names of something."""
    return ", ".join(f"`{other}`" for other, meant in known.items() if meant == name)


def module_summary(value: str) -> str:
    """Return the first line of a module's docstring, read without importing it (an extra may be missing)."""
    stem = ROOT.joinpath(*value.partition(":")[0].split("."))
    file = stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return one_line(text.partition("\n")[0])


def exit_code_lines() -> Iterator[str]:
    """Yield the exit codes and the errors behind them."""
    verdict = "A verdict said no: deployment threshold not met, promotion refused, run not reproduced; nothing broke"
    meanings = [(0, "Done", ""), (4, verdict, "")]
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, errors.MltrainError):
            meaning = (
                "A fault of ours; a crash log is written" if error is errors.MltrainError else one_line(error.__doc__)
            )
            meanings.append((error.exit_code, meaning.rstrip("."), f"`{error.__name__}`"))
    yield "The exit code of every command, and the error of `mltrain.errors` that the Python API raises."
    yield from ("", "| code | meaning | error |", "|---|---|---|")
    yield from (row(str(code), meaning, error) for code, meaning, error in sorted(meanings, key=lambda each: each[0]))


def one_line(text: str | None) -> str:
    """Return the first paragraph of a text on one line."""
    return " ".join((text or "").strip().partition("\n\n")[0].replace("``", "`").split())


def row(*cells: str) -> str:
    """Return a table row; a bar inside a cell is escaped."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
