"""The ledger of openings of test splits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mltrain import ledger
from mltrain.ledger import Opening


def _opening(fingerprint: str, run_id: str = "lgbm-1") -> Opening:
    return Opening(
        when="2026-01-01T00:00:00+00:00", fingerprint=fingerprint, run_id=run_id, config_hash="c", purpose="evaluate"
    )


def test_openings_are_counted_by_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "ledger.jsonl"
    for fingerprint in ("a", "b", "a"):
        ledger.append(path, _opening(fingerprint))

    assert ledger.count(path, "a") == 2
    assert ledger.count(path, "b") == 1
    assert ledger.count(path, "c") == 0


def test_openings_come_back_as_they_were_written(tmp_path: Path) -> None:
    written = [_opening("a", "lgbm-1"), _opening("a", "naïve-bayes")]
    for opening in written:
        ledger.append(tmp_path / "ledger.jsonl", opening)

    assert list(ledger.openings(tmp_path / "ledger.jsonl")) == written


def test_other_test_splits_of_a_source_are_counted_and_those_that_do_not_say(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for fingerprint, source in (("a", "rows.csv"), ("b", "rows.csv"), ("c", "other.csv"), ("d", "")):
        ledger.append(path, replace(_opening(fingerprint), source=source))

    assert ledger.count_others(path, "a", source="rows.csv") == 2
    assert ledger.count_others(path, "a", source="other.csv") == 2
    assert ledger.count_others(path, "new", source="rows.csv") == 3


def test_a_line_of_an_older_version_counts(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"when": "2026", "fingerprint": "a", "run_id": "r", "config_hash": "c", "purpose": "evaluate"}\n')

    assert (ledger.count(path, "a"), ledger.count_others(path, "b", source="rows.csv")) == (1, 1)


def test_a_torn_last_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger.append(path, _opening("a"))
    with path.open("a") as file:
        file.write('{"when": "2026-01-')

    ledger.append(path, _opening("a"))

    assert ledger.count(path, "a") == 2


def test_without_a_ledger_nothing_was_opened(tmp_path: Path) -> None:
    assert ledger.openings(tmp_path / "ledger.jsonl") == ()
