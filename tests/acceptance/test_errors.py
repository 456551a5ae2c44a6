"""What goes wrong, in one table: exit code, what, where, what to do; and that nothing on disk is lost by it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

N = 200
CONFIG = """\
data:
  source: rows.csv
  target: ziel
  positive_class: ja
  id_columns: [kunde]
train:
  experiment_tracker: local
  project_name: check
evaluate:
  figures: false
  n_bootstrap: 20
"""
Prepare = Callable[[Path], object]


def _rows(n: int = N) -> pa.Table:
    rng = np.random.default_rng(7)
    size, colour = rng.normal(size=n), rng.choice(["rot", "grün", "blau"], size=n)
    positive = size + (colour == "rot") + rng.normal(size=n) > 0.3
    return pa.table(
        {
            "kunde": [f"k{i}" for i in range(n)],
            "größe": size,
            "farbe": colour,
            "ziel": np.where(positive, "ja", "nein"),
        }
    )


def _with(name: str, values: object) -> pa.Table:
    """Return the rows with one column replaced or added."""
    table, column = _rows(), pa.array(values)
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, column)
    return table.append_column(name, column)


def _csv(table: pa.Table, name: str = "rows.csv") -> Prepare:
    return lambda folder: pcsv.write_csv(table, folder / name)


def _parquet(table: pa.Table, name: str) -> Prepare:
    return lambda folder: pq.write_table(table, folder / name)


def _text(name: str, text: str | bytes) -> Prepare:
    data = text if isinstance(text, bytes) else text.encode()
    return lambda folder: (folder / name).write_bytes(data)


def _config(old: str, new: str) -> Prepare:
    assert old in CONFIG
    return _text("mltrain.yaml", CONFIG.replace(old, new))


def _cut_in_half(folder: Path) -> None:
    pq.write_table(_rows(), folder / "rows.parquet")
    data = (folder / "rows.parquet").read_bytes()
    (folder / "rows.parquet").write_bytes(data[: len(data) // 2])


def _without(*names: str) -> Prepare:
    def remove(folder: Path) -> None:
        for name in names:
            shutil.rmtree(folder / name)

    return remove


def _nothing(folder: Path) -> None:
    """Leave the workspace as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A workspace made wrong, a command, and what is said of it: parts of the error's three lines."""

    prepare: Prepare
    words: Sequence[str]
    code: int
    error: str
    message: str
    where: str
    hint: str


def _usage(prepare: Prepare, message: str, where: str, *, hint: str, words: Sequence[str] = ("split",)) -> Case:
    return Case(
        prepare=prepare, words=words, code=2, error="config_error", message=message, where=where, hint=hint
    )  # fmt: skip


def _data(prepare: Prepare, message: str, where: str, *, hint: str, words: Sequence[str] = ("split",)) -> Case:
    return Case(prepare=prepare, words=words, code=3, error="data_error", message=message, where=where, hint=hint)


def _schema(prepare: Prepare, message: str, where: str, *, hint: str) -> Case:
    words = ("predict", "new.csv", "scored.csv")
    return Case(prepare=prepare, words=words, code=3, error="schema_error", message=message, where=where, hint=hint)


def _no_run(prepare: Prepare, message: str, where: str, *, hint: str, words: Sequence[str]) -> Case:
    return Case(prepare=prepare, words=words, code=5, error="no_run_error", message=message, where=where, hint=hint)


ROWS_PARQUET = ("split", "--set", "data.source=rows.parquet")
CASES = {
    "wrong config key": _usage(
        _config("  project_name:", "  max_serch_iters: 5\n  project_name:"),
        "unknown key 'max_serch_iters'",
        "mltrain.yaml:8 train.max_serch_iters",
        hint="did you mean 'max_search_iters'?",
    ),
    "wrong type in the config": _usage(
        _config("  n_bootstrap: 20", "  n_bootstrap: many"),
        "wants a whole number, got 'many'",
        "mltrain.yaml:11 evaluate.n_bootstrap",
        hint="",
    ),
    "wrong type in an override": _usage(
        _nothing,
        "wants a whole number, got 'three'",
        "--set train.n_folds",
        hint="",
        words=("train", "--set", "train.n_folds=three"),
    ),
    "missing config file": _usage(
        lambda folder: (folder / "mltrain.yaml").unlink(),
        "there is no config file",
        "mltrain.yaml",
        hint="mltrain init DATA --target COL",
    ),
    "config names a column that is not there": _data(
        _config("[kunde]", "[kunden]"), "there is no column 'kunden'", "data.id_columns", hint="did you mean 'kunde'?"
    ),
    "missing file": _data(
        lambda folder: (folder / "rows.csv").unlink(),
        "there is no file 'rows.csv'",
        "arbeit/rows.csv",
        hint="data.source",
    ),
    "missing file for init": _data(
        _nothing,
        "there is no file 'lost.parquet'",
        "arbeit/lost.parquet",
        hint="paths start at the current directory",
        words=("init", "lost.parquet", "--target", "ziel", "-c", "other.yaml"),
    ),
    "missing target column": _data(
        _config("target: ziel", "target: zeil"), "there is no column 'zeil'", "data.target", hint="'ziel'"
    ),
    "one-class target": _data(
        _csv(_with("ziel", ["ja"] * N)),
        f"all {N} rows have the same class, 'ja'",
        "rows.csv, column 'ziel'",
        hint="two classes are needed",
    ),
    "all-missing target": _data(
        _csv(_with("ziel", pa.nulls(N))),
        "all labels are missing",
        "rows.csv, column 'ziel'",
        hint="name another column in data.target",
    ),
    "file of 0 bytes": _data(_text("rows.csv", ""), "'rows.csv' is empty", "rows.csv", hint="name another source"),
    "Parquet file of 0 bytes": _data(
        _text("rows.parquet", ""), "'rows.parquet' is empty", "rows.parquet", hint="write it again", words=ROWS_PARQUET
    ),
    "CSV file with a header alone": _data(
        _text("rows.csv", "kunde,größe,farbe,ziel\n"), "there are no rows", "rows.csv", hint="name another source"
    ),
    "Parquet file without rows": _data(
        _parquet(_rows(0), "rows.parquet"), "there are no rows", "rows.parquet", hint="write it", words=ROWS_PARQUET
    ),
    "unreadable Parquet": _data(
        _text("rows.parquet", b"PAR1 nonsense PAR1"),
        "not a readable Parquet file: ",
        "rows.parquet",
        hint="write it again",
        words=ROWS_PARQUET,
    ),
    "Parquet file cut in half": _data(
        _cut_in_half, "not a readable Parquet file: ", "rows.parquet", hint="write it again", words=ROWS_PARQUET
    ),
    "CSV row with a value too many": _data(
        _text("rows.csv", "größe,ziel\n1,ja\n2,nein,3\n"),
        "not a readable CSV file: ",
        "rows.csv, row 3",
        hint="check this row, or set data.options.delimiter",
    ),
    "CSV file in another encoding": _data(
        _text("rows.csv", "größe,farbe,ziel\n1,grün,ja\n2,grün,nein\n".encode("latin-1")),
        "not a readable CSV file: ",
        "rows.csv",
        hint="set data.options.encoding, such as latin-1",
    ),
    "duplicate column names": _data(
        _text("rows.csv", "größe,ziel,größe\n1,ja,2\n2,nein,3\n"),
        "column names occur twice: 'größe'",
        "rows.csv",
        hint="rename one of each",
    ),
    "no column to learn from": _data(
        _csv(_rows().select(["kunde", "ziel"])), "no column is left to learn from", "data", hint="set data.columns"
    ),
    "training without a split": _data(
        _without("data"), "there is no split yet", "split.json", hint="mltrain split", words=("train",)
    ),
    "missing column at predict": _schema(
        _csv(_rows().drop_columns(["farbe"]), "new.csv"), "column 'farbe' missing", "new.csv", hint="kunde"
    ),
    "wrong value at predict": _schema(
        _csv(_with("größe", ["1.5"] * 3 + ["viel"] + ["2"] * (N - 4)), "new.csv"),
        "'viel' is not a number",
        "new.csv, column 'größe', row 4",
        hint="the schema says numeric",
    ),
    "missing file at predict": _data(
        _nothing, "there is no file 'new.csv'", "new.csv", hint="paths start", words=("predict", "new.csv", "out.csv")
    ),
    "unreadable Parquet at predict": _data(
        _text("new.parquet", b"PAR1 nonsense PAR1"),
        "not a readable Parquet file: ",
        "new.parquet",
        hint="write it again",
        words=("predict", "new.parquet", "out.csv"),
    ),
    "no runs to evaluate": _no_run(
        _without("runs"), "no run to evaluate (none found)", "local", hint="mltrain train", words=("evaluate",)
    ),
    "no such run": _no_run(
        _nothing,
        "no run or session 'lgbm-1' to evaluate",
        "local",
        hint="mltrain runs ls",
        words=("evaluate", "--run", "lgbm-1"),
    ),
    "no evaluation to register": _no_run(
        _without("runs"), "nothing has been evaluated yet", "runs", hint="mltrain evaluate", words=("register",)
    ),
    "no champion to predict with": _no_run(
        _without("registry"), "no model 'champion'", "", hint="mltrain register", words=("predict", "rows.csv", "o.csv")
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory, program: Any) -> Path:
    """Make a workspace with a split, a run, an evaluation and a champion."""
    folder = tmp_path_factory.mktemp("champion")
    (folder / "mltrain.yaml").write_text(CONFIG, encoding="utf-8")
    pcsv.write_csv(_rows(), folder / "rows.csv")
    ended = program(folder, "run", "--model", "logistic_regression", "--max-trials", "2", "-q")
    assert ended.code == 0, ended.err
    return folder


@pytest.fixture
def folder(champion: Path, tmp_path: Path) -> Path:
    """Copy the workspace, and put a result of an earlier prediction in it."""
    shutil.copytree(champion, tmp_path / "arbeit")
    (tmp_path / "arbeit" / "scored.csv").write_text("kept\n")
    return tmp_path / "arbeit"


def _on_disk(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".log"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _block(error: dict[str, str | None]) -> str:
    """Return what stderr must hold for an error of the document."""
    parts = (("error: ", error["message"]), ("  where: ", error["where"]), ("  hint: ", error["hint"]))
    return "".join(f"{label}{text}\n" for label, text in parts if text)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_error_says_what_where_and_what_to_do_and_loses_nothing(case: Case, folder: Path, call: Any) -> None:
    case.prepare(folder)
    before = _on_disk(folder)

    plain = call(folder, *case.words)
    under_json = call(folder, *case.words, "--json")

    assert (plain.code, under_json.code) == (case.code, case.code)
    assert plain.out == ""
    document = under_json.document
    assert {key: document[key] for key in ("schema", "command", "status", "data")} == {
        "schema": 1,
        "command": case.words[0],
        "status": "error",
        "data": None,
    }
    (error,) = document["errors"]
    assert error["code"] == case.error
    assert case.message in error["message"]
    assert case.where in (error["where"] or "")
    assert case.hint in (error["hint"] or "")
    assert plain.err.endswith(_block(error))
    assert under_json.err.endswith(_block(error))
    assert "Traceback" not in plain.err + under_json.err
    assert _on_disk(folder) == before


def test_a_column_of_nothing_is_left_out_with_a_finding(folder: Path, call: Any) -> None:
    _csv(_with("leer", pa.nulls(N)))(folder)

    ended = call(folder, "split", "--json")

    assert ended.code == 0
    data = ended.document["data"]
    (finding,) = [found for found in data["findings"] if found["check"] == "constant"]
    assert (finding["severity"], finding["columns"]) == ("warning", ["leer"])
    (column,) = [column for column in data["columns"] if column["name"] == "leer"]
    assert (column["kind"], column["reason"]) == ("dropped", "all values are missing")
    assert "columns without information are left out: 'leer'" in call(folder, "split").out


def test_a_column_of_nothing_does_not_stop_training(folder: Path, call: Any) -> None:
    _csv(_with("leer", pa.nulls(N)))(folder)

    assert call(folder, "split").code == 0
    assert call(folder, "train", "--model", "lgbm", "--max-trials", "1").code == 0


def test_rows_without_a_label_are_left_out_and_counted(folder: Path, call: Any) -> None:
    labels = _rows()["ziel"].to_pylist()
    _csv(_with("ziel", [None if i % 10 == 0 else label for i, label in enumerate(labels)]))(folder)

    ended = call(folder, "split", "--json")

    assert ended.code == 0
    assert ended.document["data"]["n_unlabelled"] == 20
    assert sum(part["rows"] for part in ended.document["data"]["splits"]) == N - 20
    assert "20 rows without a label are left out" in ended.err


def test_a_level_never_seen_is_scored_and_reported(folder: Path, call: Any) -> None:
    colours = _rows()["farbe"].to_pylist()
    _csv(_with("farbe", ["violett" if i < 3 else colour for i, colour in enumerate(colours)]), "new.csv")(folder)

    ended = call(folder, "predict", "new.csv", "scored.csv", "--json")

    assert ended.code == 0
    assert ended.document["data"]["unseen"] == {"farbe": 3}
    scored = pcsv.read_csv(folder / "scored.csv")
    assert scored.num_rows == N
    assert scored["proba_ja"].null_count == 0
    assert "farbe in 3 rows" in call(folder, "predict", "new.csv", "scored.csv").out


def test_a_threshold_that_is_not_met_is_a_refusal_and_the_champion_stays(folder: Path, call: Any) -> None:
    before = {name: data for name, data in _on_disk(folder).items() if name.startswith("registry/")}
    demand = ("--set", "train.deployment_score_thresh=0.999")
    trained = call(folder, "train", "--model", "lgbm", "--max-trials", "1", "--json")
    (candidate,) = trained.document["data"]["candidates"]

    judged = call(folder, "evaluate", "--run", candidate["run_id"], "--json", *demand)
    refused = call(folder, "register", "--json", *demand)
    shown = call(folder, "evaluate", "--run", candidate["run_id"], *demand)

    assert (judged.code, refused.code, shown.code) == (4, 4, 4)
    assert (judged.document["status"], judged.document["errors"]) == ("refused", [])
    gate = judged.document["data"]["gate"]
    assert (gate["passed"], gate["metric"], gate["threshold"]) == (False, "roc_auc", 0.999)
    assert gate["value"] == judged.document["data"]["metrics"]["roc_auc"]["value"] < 0.999
    assert (refused.document["status"], refused.document["data"]["version"]) == ("refused", None)
    assert refused.document["data"]["run_id"] == candidate["run_id"]
    assert "deployment threshold 0.999" in refused.document["data"]["reason"]
    assert "deployment threshold 0.999" in shown.out
    assert "Traceback" not in judged.err + refused.err + shown.err
    after = {name: data for name, data in _on_disk(folder).items() if name.startswith("registry/")}
    assert after == before
