import numpy as np
import pandas as pd
import pytest

from benchmarks.peers.contestants.task import ordered
from benchmarks.peers.datasets import BUILT, TARGET, load_table
from benchmarks.peers.splits import divide, write_split


@pytest.fixture
def table():
    labels = np.repeat(["no", "yes"], [900, 100])
    return pd.DataFrame({"x": np.arange(1000.0), "text": np.where(np.arange(1000) % 3, "a", None), TARGET: labels})


def test_the_same_seed_gives_the_same_rows(table):
    for one, other in zip(divide(table, 7), divide(table, 7), strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_another_seed_gives_other_rows(table):
    assert set(divide(table, 0)[1]["x"]) != set(divide(table, 1)[1]["x"])


def test_split_is_a_fifth_keeps_class_shares_and_loses_no_row(table):
    train, test = divide(table, 3)

    assert len(test) == 200
    assert (test[TARGET] == "yes").sum() == 20
    assert sorted([*train["x"], *test["x"]]) == sorted(table["x"])


def test_contestants_never_see_the_labels_of_the_test_rows(table, tmp_path):
    (tmp_path / "data" / "made").mkdir(parents=True)
    table[:600].to_parquet(tmp_path / "data" / "made" / "train.parquet")
    table[600:].to_parquet(tmp_path / "data" / "made" / "test.parquet")

    split = write_split("made", 1, data=tmp_path / "data", folder=tmp_path / "splits")

    seen = pd.read_parquet(split.test)
    by_x = table.set_index("x")[TARGET]
    assert list(seen.columns) == ["x", "text"]
    assert [split.classes[code] for code in split.codes()] == by_x[seen["x"]].tolist()
    assert (split.n_train, split.n_test, split.n_features, split.metric) == (800, 200, 2, "roc_auc")


def test_a_split_is_written_once(table, tmp_path):
    (tmp_path / "made").mkdir()
    table.to_parquet(tmp_path / "made" / "train.parquet")
    table[:2].to_parquet(tmp_path / "made" / "test.parquet")
    first = write_split("made", 0, data=tmp_path, folder=tmp_path / "splits")
    written = first.train.stat().st_mtime_ns

    again = write_split("made", 0, data=tmp_path, folder=tmp_path / "splits")

    assert again == first
    assert again.train.stat().st_mtime_ns == written


def test_built_sets_are_the_same_each_time():
    for name in ("wine", "imbalanced"):
        pd.testing.assert_frame_equal(BUILT[name](), BUILT[name]())


def test_imbalanced_set_has_one_percent_of_positives():
    assert BUILT["imbalanced"]()[TARGET].mean() == pytest.approx(0.01, abs=0.001)


def test_unknown_set_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="known: german"):
        load_table("nothing", tmp_path)


def test_columns_follow_the_classes_of_the_task_and_an_unseen_class_gets_nothing():
    proba = np.array([[0.1, 0.9]])

    assert ordered(proba, ["b", "a"], ["a", "b", "c"]).tolist() == [[0.9, 0.1, 0.0]]
