from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mltrain import events
from mltrain.commands.split import split
from mltrain.config import Config, DataSection, SplitSection
from mltrain.data.splits import current_split_record, read_rows, read_split_record
from mltrain.errors import ConfigError, DataError, SchemaError
from mltrain.workspace import Workspace

N = 400


def rows(n: int = N, *, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "schlüssel": [f"k{seed}-{i}" for i in range(n)],
            "kunde": [f"kunde {i // 4}" for i in range(n)],
            "alter": rng.normal(size=n),
            "stadt": pa.array([("Łódź", "東京", None)[i % 3] for i in range(n)], pa.large_string()),
            "tag": pa.array(np.datetime64("2024-01-01") + np.arange(n) % 100),
            "label": [1 if i % 4 else 2 for i in range(n)],
        }
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path / "work")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    pq.write_table(rows(), path)
    return path


def config(path: Path, *, plan: Mapping | None = None, seed: int = 42, **data: object) -> Config:
    section = DataSection(**{"source": str(path), "target": "label", **data})
    return Config(seed=seed, data=section, split=SplitSection(**(plan or {})))


def test_splits_hold_all_columns_and_types_of_the_source(source: Path, workspace: Workspace) -> None:
    result = split(config(source), workspace)

    tables = {part.name: pq.read_table(workspace.split(part.name)) for part in result.splits}
    assert {name: table.num_rows for name, table in tables.items()} == {"train": 240, "validation": 80, "test": 80}
    assert all(table.schema.equals(rows().schema) for table in tables.values())
    together = pa.concat_tables(tables.values()).sort_by("schlüssel")
    assert together.equals(rows().sort_by("schlüssel"))


def test_result_says_what_was_inferred(source: Path, workspace: Workspace) -> None:
    result = split(config(source), workspace)

    assert result.exit_code == 0
    assert not result.unchanged
    assert result.positive_class == "2"
    assert result.positive_reason == "the rarer of two"
    assert result.splits[0].classes == {"1": 180, "2": 60}
    assert {c.name: c.kind.value for c in result.columns} == {
        "schlüssel": "id",
        "kunde": "category",
        "alter": "numeric",
        "stadt": "category",
        "tag": "date",
    }


def test_record_is_json_that_reads_back(
    source: Path, workspace: Workspace, fingerprint: Callable[[pa.Table], str]
) -> None:
    result = split(config(source), workspace)

    written = json.loads(workspace.split_record.read_text(encoding="utf-8"))
    record = read_split_record(workspace.split_record)
    assert list(written)[:5] == ["format", "created", "source", "seed", "config"]
    assert record.fingerprint == result.fingerprint
    assert record.audit == result.findings
    for name, part in record.splits.items():
        table = read_rows(workspace.split(name), expected_sha256=part.sha256)
        assert fingerprint(table) == part.fingerprint
        assert pa.types.is_dictionary(table.schema.field("stadt").type)


def test_the_same_config_gives_the_same_bytes(source: Path, workspace: Workspace, tmp_path: Path) -> None:
    elsewhere = Workspace(root=tmp_path / "elsewhere")

    first, second = split(config(source), workspace), split(config(source), elsewhere)

    assert first.fingerprint == second.fingerprint
    for part in first.splits:
        assert workspace.split(part.name).read_bytes() == elsewhere.split(part.name).read_bytes()


@pytest.mark.parametrize("name", ["file", "example:iris"])
def test_nothing_is_written_when_nothing_changed(name: str, source: Path, workspace: Workspace) -> None:
    data = {} if name == "file" else {"source": name, "target": "species"}
    split(config(source, **data), workspace)
    before = {path: path.stat().st_mtime_ns for path in workspace.data.iterdir()}

    again = split(config(source, **data), workspace)

    assert again.unchanged
    assert {path: path.stat().st_mtime_ns for path in workspace.data.iterdir()} == before


def test_a_file_that_was_only_touched_is_unchanged(source: Path, workspace: Workspace) -> None:
    split(config(source), workspace)
    pq.write_table(rows(), source)

    assert split(config(source), workspace).unchanged


@pytest.mark.parametrize("change", ["rows", "seed", "plan", "lost", "edited"])
def test_any_change_splits_again(change: str, source: Path, workspace: Workspace) -> None:
    first = split(config(source, plan={"calibration_size": 0.1}), workspace)
    assert workspace.split("calibration").exists()
    settings: dict = {"plan": {"calibration_size": 0.1}}
    if change == "rows":
        pq.write_table(rows(seed=1), source)
    elif change == "seed":
        settings["seed"] = 1
    elif change == "plan":
        settings["plan"] = {}
    elif change == "lost":
        workspace.split("train").unlink()
    else:
        workspace.split("train").write_bytes(b"?")

    again = split(config(source, **settings), workspace)

    assert not again.unchanged
    assert (again.fingerprint == first.fingerprint) == (change in ("lost", "edited"))
    assert workspace.split("calibration").exists() == (change != "plan")


def test_another_config_makes_the_record_stale(source: Path, workspace: Workspace) -> None:
    split(config(source), workspace)

    current_split_record(workspace.split_record, config(source))
    with pytest.raises(DataError, match=r"made with another seed, data\.drop, split\.test_size") as caught:
        current_split_record(workspace.split_record, config(source, seed=1, plan={"test_size": 0.3}, drop=("alter",)))

    options = "--set seed=42 --set 'data.drop=[]' --set split.test_size=0.2"
    assert caught.value.hint == f"run `mltrain split` again, or repeat the options of that split: {options}"


def test_options_of_a_split_that_hold_a_secret_are_not_offered(
    source: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWS_PASSWORD", "tiger-tiger")
    secret = source.rename(source.with_name("tiger-tiger.parquet"))
    split(config(secret), workspace)

    with pytest.raises(DataError, match=r"made with another data\.source") as caught:
        current_split_record(workspace.split_record, config(source))

    assert caught.value.hint == "run `mltrain split` again"


def test_missing_and_damaged_records_and_changed_files_are_data_errors(source: Path, workspace: Workspace) -> None:
    with pytest.raises(DataError, match="there is no split yet"):
        read_split_record(workspace.split_record)
    split(config(source), workspace)
    with pytest.raises(DataError, match="was changed after the split"):
        read_rows(workspace.split("train"), expected_sha256="0" * 64)
    with pytest.raises(DataError, match="is missing"):
        read_rows(workspace.split("calibration"), expected_sha256="0" * 64)
    workspace.split_record.write_text('{"format": 1}')
    with pytest.raises(DataError, match="the split record is damaged"):
        read_split_record(workspace.split_record)


def test_rows_without_a_label_are_left_out_and_told(source: Path, workspace: Workspace) -> None:
    labels = pa.array([None if i < 10 else i % 2 for i in range(N)])
    pq.write_table(rows().set_column(5, "label", labels), source)
    told: list[events.Event] = []

    result = split(config(source), workspace, listener=told.append)

    assert result.n_unlabelled == 10
    assert sum(part.rows for part in result.splits) == N - 10
    assert events.Notice(message="10 rows without a label are left out") in told


def test_test_source_replaces_the_held_out_part(source: Path, workspace: Workspace, tmp_path: Path) -> None:
    other = rows(50, seed=9).drop_columns(["schlüssel"]).append_column("extra", pa.array(range(50)))
    other = other.set_column(1, "alter", pa.array([1] * 50))
    pq.write_table(other, tmp_path / "test.parquet")

    result = split(config(source, test_source=str(tmp_path / "test.parquet")), workspace)

    assert [(part.name, part.rows) for part in result.splits] == [("train", 300), ("validation", 100), ("test", 50)]
    table = pq.read_table(workspace.split("test"))
    assert table.schema.names == rows().schema.names
    assert table["alter"].to_pylist() == [1.0] * 50
    assert table["schlüssel"].null_count == 50


def test_a_test_source_from_before_validation_is_severe_in_a_split_by_time(
    source: Path, workspace: Workspace, tmp_path: Path
) -> None:
    days = pa.array(np.datetime64("2023-09-01") + np.arange(50) % 100)
    pq.write_table(rows(50, seed=9).set_column(4, "tag", days), tmp_path / "test.parquet")
    plan = {"kind": "time", "time_column": "tag"}

    result = split(config(source, plan=plan, test_source=str(tmp_path / "test.parquet")), workspace)

    (found,) = (finding for finding in result.findings if finding.check == "test_order")
    assert (found.severity, found.count) == ("severe", 50)


def test_test_source_without_a_feature_or_with_another_label_is_refused(
    source: Path, workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "test.parquet"
    pq.write_table(rows(50).drop_columns(["alter"]), path)
    with pytest.raises(DataError, match="the test source lacks columns: 'alter'"):
        split(config(source, test_source=str(path)), workspace)

    pq.write_table(rows(50).set_column(5, "label", pa.array([3] * 50)), path)
    with pytest.raises(DataError, match="label '3' is not a class"):
        split(config(source, test_source=str(path)), workspace)
    assert not issubclass(SchemaError, ConfigError)


def test_kinds_are_inferred_without_the_test_rows(source: Path, workspace: Workspace) -> None:
    days = rows()["tag"].to_numpy()
    only_late = pa.array([None if day < np.datetime64("2024-03-01") else "seen" for day in days], pa.string())
    pq.write_table(rows().append_column("late", only_late), source)

    result = split(config(source, plan={"kind": "time", "time_column": "tag", "test_from": "2024-03-01"}), workspace)

    (late,) = [column for column in result.columns if column.name == "late"]
    assert (late.kind.value, late.reason) == ("dropped", "all values are missing")


@pytest.mark.parametrize(
    "kind",
    [{}, {"kind": "group_time", "group_column": "kunde", "time_column": "tag"}],
    ids=["stratified", "group_time"],
)
def test_key_makes_splits_independent_of_the_order_of_rows(
    kind: Mapping, source: Path, workspace: Workspace, tmp_path: Path
) -> None:
    shuffled = tmp_path / "shuffled.parquet"
    pq.write_table(rows().take(np.random.default_rng(0).permutation(N)), shuffled)
    elsewhere = Workspace(root=tmp_path / "elsewhere")
    plan = {"key_column": "schlüssel", **kind}

    split(config(source, plan=plan), workspace)
    split(config(shuffled, plan=plan), elsewhere)

    for name in ("train", "validation", "test"):
        assert pq.read_table(workspace.split(name)).equals(pq.read_table(elsewhere.split(name)))


def test_groups_on_both_sides_are_found_and_whole_groups_are_not(source: Path, workspace: Workspace) -> None:
    loose = split(config(source, plan={"group_column": "kunde"}), workspace)
    whole = split(config(source, plan={"group_column": "kunde", "kind": "group"}), workspace)

    assert [finding.check for finding in loose.findings if finding.severity == "severe"] == ["groups"]
    assert "groups" not in [finding.check for finding in whole.findings]


def test_strict_refuses_findings_and_replaces_nothing(source: Path, workspace: Workspace) -> None:
    split(config(source), workspace)
    before = workspace.split_record.read_bytes()
    pq.write_table(rows().append_column("same", pa.array([1] * N)), source)

    with pytest.raises(DataError, match="columns without information are left out: 'same'") as caught:
        split(config(source), workspace, strict=True)

    assert caught.value.exit_code == 3
    assert workspace.split_record.read_bytes() == before
    calm = config(source, drop=("same",), plan={"kind": "group", "group_column": "kunde"})
    assert split(calm, workspace, strict=True).exit_code == 0


def test_strict_lists_each_finding_with_what_to_do(source: Path, workspace: Workspace) -> None:
    pq.write_table(rows().append_column("same", pa.array([1] * N)), source)

    with pytest.raises(DataError) as caught:
        split(config(source, plan={"group_column": "kunde"}), workspace, strict=True)

    first, *lines = caught.value.message.splitlines()
    assert first == f"the audit found {len(lines) // 2} problems"
    assert lines[0].startswith("severe: ")
    assert lines[1] == "  what to do: set split.kind to group, or group_time"
    assert "warning: columns without information are left out: 'same'" in lines
    assert all(line.startswith("  what to do: ") for line in lines[1::2])
    assert str(caught.value.hint).startswith("mend them, or leave --strict out")


def test_strict_refuses_findings_of_an_unchanged_split(source: Path, workspace: Workspace) -> None:
    settings = config(source, plan={"group_column": "kunde"})
    split(settings, workspace)

    with pytest.raises(DataError, match="groups have rows in more than one split"):
        split(settings, workspace, strict=True)


@pytest.mark.parametrize("key", ["group_column", "time_column", "key_column"])
def test_unknown_split_column_is_a_data_error_that_names_file_and_key(
    key: str, source: Path, workspace: Workspace
) -> None:
    with pytest.raises(DataError, match="there is no column 'kundee'") as caught:
        split(config(source, plan={key: "kundee"}), workspace)

    assert caught.value.where == f"{source}, split.{key}"
    assert caught.value.hint == "did you mean 'kunde'?"


def test_a_class_that_training_never_sees_is_refused(source: Path, workspace: Workspace) -> None:
    labels = pa.array([1 + (i % 100 > 70) + (i % 100 > 90) for i in range(N)])
    pq.write_table(rows().set_column(5, "label", labels), source)

    with pytest.raises(DataError, match="the train split has no rows of class '2', '3'"):
        split(config(source, plan={"kind": "time", "time_column": "tag"}), workspace)
