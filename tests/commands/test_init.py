from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from mltrain.commands.init import init
from mltrain.config.loading import load
from mltrain.data import ColumnKind
from mltrain.data.loading import infer_schema, load_table
from mltrain.data.target import make_target
from mltrain.errors import ConfigError, DataError, UsageError

N_ROWS = 200


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(**columns: object) -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "Größe (cm)": rng.normal(size=N_ROWS),
            "colour": [["red", "green", "blue"][i] for i in rng.integers(3, size=N_ROWS)],
            **columns,
            "answer": ["yes" if i % 4 == 0 else "no" for i in range(N_ROWS)],
        }
    )


def write(rows: pa.Table, name: str = "rows.parquet") -> str:
    pq.write_table(rows, name)
    return name


def kinds(columns) -> dict[str, ColumnKind]:
    return {column.name: column.kind for column in columns}


def text() -> str:
    return Path("mltrain.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "special",
    [
        {},
        {"id": [f"r{i}" for i in range(N_ROWS)]},
        {"when": [(date(2024, 1, 1) + timedelta(days=i)).isoformat() for i in range(N_ROWS)]},
        {"amount": [" " if i % 9 == 0 else f"{i / 7:.2f}" for i in range(N_ROWS)]},
        {"nothing": pa.nulls(N_ROWS), "constant": [1] * N_ROWS},
        {"yes": [f"{i}" for i in range(N_ROWS)], "a: b #c": [1] * N_ROWS, "1e3": pa.nulls(N_ROWS)},
        {"line\nbreak": [1] * N_ROWS, 'quo"te': [f"x{i}" for i in range(N_ROWS)], "年齢": [1] * N_ROWS},
        {f"c{i}": [1] * N_ROWS for i in range(40)},
    ],
)
def test_written_file_loads_to_the_schema_that_was_inferred(special):
    result = init(write(table(**special)), "answer")

    config = load(Path("mltrain.yaml"))
    rows = load_table(config.data.source)
    target = make_target(rows["answer"], "answer", positive=config.data.positive_class)

    assert kinds(infer_schema(rows, target, config.data).columns) == kinds(result.columns)
    assert target.classes == ("no", "yes")
    assert len(text().splitlines()) <= 40


def test_columns_that_deserve_a_look_are_listed_with_the_reason():
    rows = table(
        row_id=list(range(N_ROWS)),
        when=[date(2024, 1, 1) + timedelta(days=i) for i in range(N_ROWS)],
        amount=[f"{i / 7:.2f}" for i in range(N_ROWS)],
        constant=[1] * N_ROWS,
    )

    init(write(rows), "answer")

    lines = text().splitlines()
    assert "    - row_id  # named like an id, and all values differ" in lines
    assert "    - constant  # all values are the same" in lines
    assert "    when: date  # dates or times" in lines
    assert "    amount: numeric  # numbers stored as text" in lines
    assert "colour" not in text()


def test_positive_class_is_the_rarer_one_and_its_share_is_shown():
    result = init(write(table()), "answer")

    assert '  positive_class: "yes"  # 25.0% of the rows; the other class is "no"' in text().splitlines()
    assert result.positive_class == "yes"
    assert [(share.label, share.n_rows, share.share) for share in result.classes] == [
        ("no", 150, 0.75),
        ("yes", 50, 0.25),
    ]
    assert result.n_rows == N_ROWS


@pytest.mark.parametrize(
    ("labels", "written"),
    [
        (pa.array([1, 2, 1, 1] * 50), "positive_class: 2"),
        (pa.array([True, False, False, False] * 50), "positive_class: true"),
        (pa.array([1.0, 0.0, 0.0, 0.0] * 50), "positive_class: 1  #"),
        (pa.array(["2", "1", "1", "1"] * 50), 'positive_class: "2"'),
        (pa.array([">50K", "<=50K", "<=50K", "<=50K"] * 50).dictionary_encode(), 'positive_class: ">50K"'),
        (pa.array(["größer: ja", "nein", "nein", "nein"] * 50), 'positive_class: "größer: ja"'),
    ],
)
def test_positive_class_keeps_the_type_of_the_label(labels, written):
    rows = table().drop_columns("answer").append_column("label", labels)

    init(write(rows), "label")

    assert written in text()
    positive = load(Path("mltrain.yaml")).data.positive_class
    assert make_target(rows["label"], "label", positive=positive).n_classes == 2


def test_labels_are_told_as_every_command_tells_them():
    rows = table().drop_columns("answer").append_column("label", pa.array([True, False, False, False] * 50))

    result = init(write(rows), "label")

    assert (result.positive_class, [share.label for share in result.classes]) == ("true", ["false", "true"])
    assert any("the positive class is 'true'" in note for note in result.notes)


def test_three_classes_have_no_positive_class():
    rows = table().append_column("kind", pa.array([["a", "b", "c"][i % 3] for i in range(N_ROWS)]))

    result = init(write(rows), "kind")

    assert "positive_class" not in text()
    assert "  target: kind  # 3 classes: a, b, c" in text().splitlines()
    assert "# comparison_metric: log_loss" in text()
    assert result.positive_class is None


def test_group_and_time_columns_give_a_hint_for_the_split():
    rows = table(
        customer_id=[f"c{i // 4}" for i in range(N_ROWS)],
        when=[date(2024, 1, 1) + timedelta(days=i) for i in range(N_ROWS)],
    )

    result = init(write(rows), "answer")

    assert "#   group_column: customer_id" in text()
    assert "time_column: when" in text()
    assert any("customer_id" in note for note in result.notes)


def test_numbers_whose_name_ends_like_an_id_are_no_group():
    rows = table(humid=[float(i // 4) for i in range(N_ROWS)], acid=[i // 4 for i in range(N_ROWS)])

    init(write(rows), "answer")

    assert "group_column" not in text()


def test_test_file_beside_the_train_file_is_mentioned():
    write(table(), "test.parquet")

    result = init(write(table(), "train.parquet"), "answer")

    assert "  # test_source: test.parquet" in text()
    assert any("test.parquet" in note for note in result.notes)


def test_csv_is_read():
    pyarrow.csv.write_csv(table(), "rows.csv")

    assert init("rows.csv", "answer").positive_class == "yes"


def test_rows_without_a_label_are_counted():
    rows = table().append_column("label", pa.array([None, "a", "b", "b"] * 50))

    result = init(write(rows), "label")

    assert result.n_rows == 150
    assert "50 rows have no label and are left out" in result.notes


@pytest.mark.parametrize("name", ["target", "Label", "churn", "y"])
def test_target_is_guessed_by_name(name):
    rows = table().rename_columns(["a", name, "b"])

    result = init(write(rows), None)

    assert result.target == name
    assert result.notes[0] == f"the target is guessed: column '{name}' is named like one"


def test_target_is_guessed_to_be_the_last_column_of_a_few_classes():
    result = init(write(table()), None)

    assert result.target == "answer"
    assert result.notes[0].startswith("the target is guessed: column 'answer' is the last one")


def test_target_that_cannot_be_told_is_asked_for():
    rows = table().select(["answer", "colour", "Größe (cm)"])

    with pytest.raises(DataError, match="no column is clearly the target") as caught:
        init(write(rows), None)

    assert "'answer', 'colour', 'Größe (cm)'" in caught.value.hint
    assert not Path("mltrain.yaml").exists()


def test_existing_config_is_kept():
    Path("mltrain.yaml").write_text("seed: 1\n")

    with pytest.raises(ConfigError) as caught:
        init(write(table()), "answer")

    assert caught.value.exit_code == 2
    assert "--force" in caught.value.hint
    assert text() == "seed: 1\n"


def test_existing_config_is_replaced_by_force():
    Path("mltrain.yaml").write_text("seed: 1\n")

    init(write(table()), "answer", force=True)

    assert load(Path("mltrain.yaml")).data.target == "answer"


@pytest.mark.parametrize(
    ("example", "target", "n_classes"),
    [("churn", "churned", 2), ("breast_cancer", "diagnosis", 2), ("wine", "cultivar", 3)],
)
def test_example_is_written_with_a_config_that_reads_it(workspace, example, target, n_classes):
    result = init(None, None, example=example)

    config = load(Path("mltrain.yaml"))
    assert (config.data.source, config.data.target) == (f"example/{example}.parquet", target)
    assert config.train.project_name == example
    assert make_target(load_table(config.data.source)[target], target).n_classes == n_classes
    assert result.written == ("mltrain.yaml", f"example/{example}.parquet")


@pytest.mark.parametrize(("data", "example"), [(None, None), ("rows.csv", "churn"), (None, "chrun")])
def test_either_data_or_a_known_example_is_wanted(data, example):
    with pytest.raises(UsageError) as caught:
        init(data, None, example=example)

    assert caught.value.exit_code == 2
    assert "churn" in caught.value.hint


@pytest.mark.parametrize(
    ("data", "target"), [("missing.parquet", "answer"), ("rows.parquet", "answr"), ("rows.parquet", "Größe (cm)")]
)
def test_data_that_cannot_be_used_leaves_no_config(data, target):
    write(table())

    with pytest.raises(DataError):
        init(data, target)

    assert not Path("mltrain.yaml").exists()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_file_loads_with_its_suggestions_uncommented(n_classes):
    rows = table(
        customer_id=[f"c{i // 4}" for i in range(N_ROWS)],
        when=[date(2024, 1, 1) + timedelta(days=i) for i in range(N_ROWS)],
        kind=[["a", "b", "c"][i % n_classes] for i in range(N_ROWS)],
    )
    init(write(rows), "kind")
    head, _, rest = text().partition("\n\n")
    uncommented = re.sub(r"^( *)# ( *\w+:)", r"\1\2", rest, flags=re.MULTILINE)

    Path("mltrain.yaml").write_text(f"{head}\n\n{uncommented}", encoding="utf-8")
    config = load(Path("mltrain.yaml"))

    assert (config.split.kind, config.split.group_column) == ("group", "customer_id")
    assert config.train.max_search_iters == 100
    assert config.train.deployment_score_thresh == (0.8 if n_classes == 2 else 0.5)


def test_what_set_says_of_the_data_is_heeded_and_written_down():
    with closing(sqlite3.connect("shop.sqlite")) as database, database:
        database.execute("create table orders (a integer)")
        database.execute("create table customers (age integer, plan text, weight real, target text)")
        rows = [(i, "ab"[i % 2], 1.0 + i, "yes" if i % 3 else "no") for i in range(N_ROWS)]
        database.executemany("insert into customers values (?, ?, ?, ?)", rows)

    result = init(
        "shop.sqlite",
        None,
        overrides=[
            "data.options.table=customers",
            "data.target=target",
            "data.columns.age=category",
            "data.weight_column=weight",
            "data.positive_class=yes",
            "data.drop=[plan]",
            "train.n_folds=3",
        ],
    )

    data = load(Path("mltrain.yaml")).data
    assert data.options == {"table": "customers"}
    assert (data.target, data.positive_class, data.weight_column) == ("target", "yes", "weight")
    assert (data.columns, data.drop) == ({"age": "category"}, ("plan",))
    assert "    age: category  # as --set says" in text().splitlines()
    assert "train.n_folds=3 is not written down: only data.* is" in result.notes


def test_a_file_in_another_encoding_is_read_as_set_says():
    lines = ["größe,answer", *(f"{i},{'ja' if i % 3 else 'nö'}" for i in range(N_ROWS))]
    Path("latin.csv").write_bytes("\n".join(lines).encode("latin-1"))

    result = init("latin.csv", "answer", overrides=["data.options.encoding=latin-1"])

    assert [column.name for column in result.columns] == ["größe"]
    assert load(Path("mltrain.yaml")).data.options == {"encoding": "latin-1"}


def test_more_columns_that_set_names_than_are_listed_are_all_written_down():
    names = [f"c{i}" for i in range(30)]
    rows = table(**{name: np.arange(N_ROWS) % 7 for name in names})

    init(write(rows), "answer", overrides=[f"data.drop=[{', '.join(names)}]"])

    assert load(Path("mltrain.yaml")).data.drop == tuple(names)


def test_numbers_in_a_form_that_is_not_read_are_told_and_not_written_down_as_ids():
    result = init(write(table(amount=[f"{i * 397.5:,.2f}" for i in range(N_ROWS)])), "answer")

    assert load(Path("mltrain.yaml")).data.id_columns == ()
    assert "'amount' is not learnt from: numbers written with units, commas or separators: all values differ" in (
        result.notes
    )


def test_a_target_of_many_numbers_is_asked_about():
    rows = table(amount=np.arange(N_ROWS) % 25)

    many = init(write(rows), "amount")
    few = init(write(rows), "answer", force=True)

    said = (
        "the target is a number with 25 values, each taken for a class: if it is a quantity, cut it into classes first"
    )
    assert said in many.notes
    assert said not in few.notes


def test_two_names_for_the_data_are_refused():
    write(table())

    with pytest.raises(UsageError, match=r"--target is 'answer' and --set data\.target is 'colour'"):
        init("rows.parquet", "answer", overrides=["data.target=colour"])


def test_a_wrong_override_is_told_where_it_stands():
    with pytest.raises(ConfigError) as caught:
        init(write(table()), "answer", overrides=["data.optoins.table=x"])

    assert "--set" in f"{caught.value.message} {caught.value.where}"
    assert not Path("mltrain.yaml").exists()
