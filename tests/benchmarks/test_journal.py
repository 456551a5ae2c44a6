from benchmarks.peers.journal import Key, append, keys_done, read_journal


def line(contestant="flaml", budget_s=60.0, **more):
    return {"set": "german", "split": 0, "contestant": contestant, "budget_s": budget_s, **more}


def test_the_last_line_of_a_key_counts(tmp_path):
    path = tmp_path / "deep" / "journal.jsonl"
    append(path, line(score=1))
    append(path, line("mljar", score=2))
    append(path, line(score=3))

    assert [found["score"] for found in read_journal(path)] == [3, 2]


def test_what_stands_in_the_journal_is_done_but_for_those_to_run_again(tmp_path):
    path = tmp_path / "journal.jsonl"
    append(path, line())
    append(path, line("mljar"))

    assert keys_done(path) == {Key("german", 0, "flaml", 60.0), Key("german", 0, "mljar", 60.0)}
    assert keys_done(path, again=["mljar"]) == {Key("german", 0, "flaml", 60.0)}


def test_a_line_cut_short_is_skipped_and_does_not_spoil_the_next(tmp_path):
    path = tmp_path / "journal.jsonl"
    append(path, line())
    with path.open("a") as file:
        file.write('{"set": "ger')
    append(path, line("mljar"))

    assert [found["contestant"] for found in read_journal(path)] == ["flaml", "mljar"]


def test_a_journal_that_is_not_there_is_empty(tmp_path):
    assert read_journal(tmp_path / "none.jsonl") == []
