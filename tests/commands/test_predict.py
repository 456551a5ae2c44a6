"""`predict`: files scored in batches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

from mltrain import artifact
from mltrain.commands.predict import predict
from mltrain.commands.register import register
from mltrain.errors import DataError, NoRunError, SchemaError, UsageError
from mltrain.workspace import Workspace


@pytest.fixture
def registered(evaluated: Workspace, churn: Any) -> Workspace:
    register(churn(), evaluated)
    return evaluated


def _rows(workspace: Workspace) -> pa.Table:
    return pq.read_table(workspace.split("test"))


def _model(workspace: Workspace) -> Any:
    return artifact.load_model(workspace.registry / "churn" / "1" / "model")


def test_predictions_stand_beside_the_ids_in_the_order_of_the_source(registered: Workspace, tmp_path: Path) -> None:
    rows, model = _rows(registered), _model(registered)

    found = predict(None, registered, source=str(registered.split("test")), destination=tmp_path / "out.parquet")

    scored = pq.read_table(tmp_path / "out.parquet")
    assert scored.column_names == [*model.schema.ids, "prediction", "proba_no", "proba_yes"]
    assert set(model.schema.ids) == {"row_id", "customer"}
    assert scored["row_id"].to_pylist() == rows["row_id"].to_pylist()
    np.testing.assert_array_equal(scored["proba_yes"].to_numpy(), model.proba(rows)[:, 1])
    assert scored["prediction"].to_pylist() == model.predict(rows).tolist()
    assert (found.rows, found.model, found.version) == (rows.num_rows, "churn", "1")


def test_a_csv_file_gives_the_predictions_of_the_parquet_file(registered: Workspace, tmp_path: Path) -> None:
    rows = _rows(registered)
    rows = rows.cast(pa.schema([pa.field(f.name, _plain(f.type)) for f in rows.schema]))
    pcsv.write_csv(rows, tmp_path / "rows.csv")

    predict(None, registered, source=str(tmp_path / "rows.csv"), destination=tmp_path / "out.csv")

    scored = pcsv.read_csv(tmp_path / "out.csv")
    assert scored["row_id"].to_pylist() == rows["row_id"].to_pylist()
    np.testing.assert_allclose(scored["proba_yes"].to_numpy(), _model(registered).proba(rows)[:, 1], rtol=1e-9)


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_dictionary(kind) or pa.types.is_large_string(kind) else kind


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_batches_do_not_change_what_is_predicted(
    registered: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    source = str(registered.split("test"))
    predict(None, registered, source=source, destination=tmp_path / f"whole{suffix}")
    monkeypatch.setattr("mltrain.commands.predict.opening.BATCH_ROWS", 7)

    predict(None, registered, source=source, destination=tmp_path / f"parts{suffix}")

    read = pq.read_table if suffix == ".parquet" else pcsv.read_csv
    whole, parts = read(tmp_path / f"whole{suffix}"), read(tmp_path / f"parts{suffix}")
    assert whole.drop(["proba_no", "proba_yes"]).equals(parts.drop(["proba_no", "proba_yes"]))
    # The linear model multiplies in float32, whose sums depend on the number of rows.
    np.testing.assert_allclose(whole["proba_yes"].to_numpy(), parts["proba_yes"].to_numpy(), rtol=1e-6)


@pytest.mark.parametrize("word", ["champion", "1"])
def test_aliases_and_versions_are_looked_up(registered: Workspace, tmp_path: Path, churn: Any, word: str) -> None:
    found = predict(
        churn(), registered, source=str(registered.split("test")), destination=tmp_path / "o.csv", model=word
    )

    assert (found.model, found.version) == ("churn", "1")


def test_run_ids_and_folders_are_looked_up(registered: Workspace, tmp_path: Path, churn: Any) -> None:
    run = next(registered.runs.glob("lgbm-*"))
    source = str(registered.split("test"))

    by_id = predict(churn(), registered, source=source, destination=tmp_path / "a.csv", model=run.name)
    by_path = predict(None, registered, source=source, destination=tmp_path / "b.csv", model=str(run / "model"))

    assert (by_id.model, by_id.version) == (run.name, None)
    assert by_path.model == str(run / "model")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_no_champion_says_what_to_do(trained: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NoRunError, match="no model 'champion'") as caught:
        predict(None, trained, source=str(trained.split("test")), destination=tmp_path / "out.csv")

    assert (caught.value.exit_code, caught.value.hint) == (5, "mltrain register")


@pytest.mark.parametrize("word", ["lgbm-20200101T000000000000", "7"])
def test_an_unknown_model_is_not_found(registered: Workspace, tmp_path: Path, churn: Any, word: str) -> None:
    with pytest.raises(NoRunError):
        predict(churn(), registered, source="x.csv", destination=tmp_path / "out.csv", model=word)


def test_unseen_levels_are_counted_and_scored(registered: Workspace, tmp_path: Path) -> None:
    rows = _rows(registered)
    plans = ["platinum ✦" if i < 5 else plan for i, plan in enumerate(rows["plan"].to_pylist())]
    pq.write_table(rows.set_column(rows.column_names.index("plan"), "plan", pa.array(plans)), tmp_path / "in.parquet")

    found = predict(None, registered, source=str(tmp_path / "in.parquet"), destination=tmp_path / "out.parquet")

    assert found.unseen == {"plan": 5}
    assert np.isfinite(pq.read_table(tmp_path / "out.parquet")["proba_yes"].to_numpy()).all()


def test_a_missing_column_is_named_and_nothing_is_written(registered: Workspace, tmp_path: Path) -> None:
    pq.write_table(_rows(registered).drop(["plan", "region"]), tmp_path / "in.parquet")

    with pytest.raises(SchemaError, match="'plan', 'region'") as caught:
        predict(None, registered, source=str(tmp_path / "in.parquet"), destination=tmp_path / "out.parquet")

    assert caught.value.exit_code == 3
    assert [p.name for p in tmp_path.iterdir() if "out" in p.name] == []


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_the_nearest_names_of_missing_columns_are_told(registered: Workspace, tmp_path: Path, suffix: str) -> None:
    rows, wrong = _rows(registered), {"plan": "Plan", "region": "Region", "monthly_charge": "Monthly_Charge"}
    plain = rows.cast(pa.schema([pa.field(f.name, _plain(f.type)) for f in rows.schema]))
    renamed = plain.rename_columns([wrong.get(name, name) for name in plain.column_names])
    source = tmp_path / f"in{suffix}"
    (pcsv.write_csv if suffix == ".csv" else pq.write_table)(renamed, source)

    with pytest.raises(SchemaError, match=r"3 of \d+ columns missing") as caught:
        predict(None, registered, source=str(source), destination=tmp_path / "out.parquet")

    pairs = sorted(str(caught.value.hint).removeprefix("did you mean ").removesuffix("?").split(", "))
    assert pairs == ["'Monthly_Charge' for 'monthly_charge'", "'Plan' for 'plan'", "'Region' for 'region'"]


def test_a_wrong_value_is_named_with_its_row_in_the_file(
    registered: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = _rows(registered)
    charges = [str(value) for value in rows["monthly_charge"].to_pylist()]
    charges[123] = "viel"
    at = rows.column_names.index("monthly_charge")
    pq.write_table(rows.set_column(at, "monthly_charge", pa.array(charges)), tmp_path / "in.parquet")
    monkeypatch.setattr("mltrain.commands.predict.opening.BATCH_ROWS", 50)

    with pytest.raises(SchemaError, match="'viel' is not a number") as caught:
        predict(None, registered, source=str(tmp_path / "in.parquet"), destination=tmp_path / "out.parquet")

    assert str(caught.value.where).endswith("column 'monthly_charge', row 124")


def test_columns_too_many_and_missing_ids_are_noted(registered: Workspace, tmp_path: Path) -> None:
    rows = _rows(registered).drop(["row_id", "churned"])
    pq.write_table(rows.append_column("größe", pa.array(range(rows.num_rows))), tmp_path / "in.parquet")

    found = predict(None, registered, source=str(tmp_path / "in.parquet"), destination=tmp_path / "out.parquet")

    assert found.notes == (
        "columns not known to the model were ignored: größe",
        "id columns are not in the source: row_id",
    )


def test_no_rows_give_a_file_with_the_columns(registered: Workspace, tmp_path: Path) -> None:
    pq.write_table(_rows(registered).slice(0, 0), tmp_path / "in.parquet")

    found = predict(None, registered, source=str(tmp_path / "in.parquet"), destination=tmp_path / "out.parquet")

    assert found.rows == 0
    assert "proba_yes" in pq.read_schema(tmp_path / "out.parquet").names


def test_a_missing_file_and_an_unreadable_one_are_data_errors(registered: Workspace, tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nonsense")

    for source in ("missing.parquet", "broken.parquet"):
        with pytest.raises(DataError):
            predict(None, registered, source=str(tmp_path / source), destination=tmp_path / "out.parquet")


def test_another_suffix_is_a_usage_error(registered: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write 'out\.xlsx'"):
        predict(None, registered, source=str(registered.split("test")), destination=tmp_path / "out.xlsx")


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("new/rows.csv", "new/rows.csv"),
        ("new/rows.csv", "link.csv"),
        ("new/*.csv", "new/../new/rows.csv"),
        ("new", "new/scores.csv"),
    ],
)
def test_the_rows_are_not_replaced_by_their_predictions(
    registered: Workspace, tmp_path: Path, source: str, destination: str
) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/rows.csv").write_text("a,b\n1,2\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "new/rows.csv")

    with pytest.raises(UsageError, match="would replace or join the rows they are made from") as caught:
        predict(None, registered, source=str(tmp_path / source), destination=tmp_path / destination)

    assert caught.value.exit_code == 2
    assert (tmp_path / "new/rows.csv").read_text() == "a,b\n1,2\n"
    assert not (tmp_path / "new/scores.csv").exists()


def test_a_registered_model_that_was_changed_is_refused(registered: Workspace, tmp_path: Path) -> None:
    path = registered.registry / "churn" / "1" / "model" / "schema.json"
    path.chmod(0o644)
    path.write_text(path.read_text() + " ")

    with pytest.raises(DataError, match="artefact changed"):
        predict(None, registered, source=str(registered.split("test")), destination=tmp_path / "out.csv")


@pytest.mark.parametrize("name", ["OUT.PARQUET", "OUT.Csv"])
def test_the_suffix_may_be_written_in_capitals(registered: Workspace, tmp_path: Path, name: str) -> None:
    found = predict(None, registered, source=str(registered.split("test")), destination=tmp_path / name)

    table = pcsv.read_csv(tmp_path / name) if name.endswith("Csv") else pq.read_table(tmp_path / name)
    assert table.num_rows == found.rows


def test_rows_like_those_of_training_are_told_to_be_stable(registered: Workspace, tmp_path: Path) -> None:
    found = predict(None, registered, source=str(registered.split("test")), destination=tmp_path / "out.parquet")

    assert {one.name for one in found.drift} == {c.name for c in _model(registered).schema.features}
    assert {one.verdict for one in found.drift if one.name != "observed"} == {"stable"}
    assert found.drift_file == tmp_path / "out.drift.json"
    kept = json.loads(found.drift_file.read_text(encoding="utf-8"))
    assert (kept["rows"], kept["model"], kept["version"]) == (found.rows, "churn", "1")
    assert [one["name"] for one in kept["columns"]] == [one.name for one in found.drift]


def test_columns_that_moved_are_named_with_values_out_of_range(registered: Workspace, tmp_path: Path) -> None:
    rows = _rows(registered)
    charge = pa.array(rows["monthly_charge"].to_numpy() * 10)
    rows = rows.set_column(rows.column_names.index("monthly_charge"), "monthly_charge", charge)
    pq.write_table(rows, tmp_path / "in.parquet")

    found = predict(None, registered, source=str(tmp_path / "in.parquet"), destination=tmp_path / "out.csv")

    moved = found.drift[0]
    assert (moved.name, moved.verdict) == ("monthly_charge", "much")
    assert moved.above > 0.5 * found.rows


def test_reordered_and_extra_columns_do_no_harm(registered: Workspace, tmp_path: Path) -> None:
    rows = _rows(registered)
    turned = rows.select(list(reversed(rows.column_names))).append_column("more", pa.array(range(rows.num_rows)))
    pq.write_table(turned, tmp_path / "in.parquet")

    predict(None, registered, source=str(registered.split("test")), destination=tmp_path / "a.parquet")
    found = predict(None, registered, source=str(tmp_path / "in.parquet"), destination=tmp_path / "b.parquet")

    assert "columns not known to the model were ignored: more" in found.notes
    scores = [pq.read_table(tmp_path / name)["proba_yes"].to_numpy() for name in ("a.parquet", "b.parquet")]
    np.testing.assert_array_equal(*scores)


def test_a_column_of_another_type_is_read_and_told(registered: Workspace, tmp_path: Path) -> None:
    rows = _rows(registered)
    texts = pa.array([str(value) for value in rows["monthly_charge"].to_pylist()])
    rows = rows.set_column(rows.column_names.index("monthly_charge"), "monthly_charge", texts)
    pq.write_table(rows, tmp_path / "in.parquet")

    found = predict(None, registered, source=str(tmp_path / "in.parquet"), destination=tmp_path / "out.csv")

    assert found.notes == (
        "columns of another type than in training were converted: monthly_charge (string, was double)",
    )


def test_an_error_in_a_later_batch_leaves_nothing_behind(
    registered: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    charges = [str(value) for value in _rows(registered)["monthly_charge"].to_pylist()]
    charges[-1] = "viel"
    rows = _rows(registered)
    at = rows.column_names.index("monthly_charge")
    pq.write_table(rows.set_column(at, "monthly_charge", pa.array(charges)), tmp_path / "in.parquet")
    monkeypatch.setattr("mltrain.commands.predict.opening.BATCH_ROWS", 50)

    with pytest.raises(SchemaError):
        predict(None, registered, source=str(tmp_path / "in.parquet"), destination=tmp_path / "out.parquet")

    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"in.parquet"}
