from __future__ import annotations

import math

import numpy as np
import pytest

from mltrain import events, files
from mltrain.errors import EnvironmentRefusal
from mltrain.search.journal import open_journal
from mltrain.search.trial import Curve, Trial

PROBA = np.array([[0.1, 0.9], [1 / 3, 2 / 3]])


VERSIONS = {"optuna": "4.1.0", "toybox": "1.0"}


def opened(folder, *, key="k1", versions=VERSIONS, listener=events.ignore):
    return open_journal(folder, "toy", key=key, versions=versions, fresh=False, listener=listener)


def make_trial(number, **changes):
    values = {
        "number": number,
        "params": {"rate": 0.1 + 0.2, "kind": None, "é": True},
        "state": "complete",
        "score": 1 / 3,
        "fold_scores": (0.25, 1e-17),
        "fold_losses": (0.5, 0.25),
        "n_rounds": (3, 4),
        "sharpness": (0.75, 1 / 3),
        "seed": 9,
        "threads": 2,
        "seconds": 0.125,
        "proba": PROBA,
        "notes": ("took a sample",),
        "curve": Curve(loss_rounds=(1, 2), train_losses=(0.3, 0.2), valid_losses=(0.4, 0.3)),
    }
    return Trial(**(values | changes))


def assert_same(one, other):
    for name in set(Trial.__slots__) - {"proba"}:
        assert getattr(one, name) == getattr(other, name)


def test_trials_come_back_exactly(tmp_path):
    failed = make_trial(1, state="failed", score=None, fold_scores=(), proba=None, error="ValueError: no")
    with opened(tmp_path) as journal:
        journal.append(make_trial(0))
        journal.append(failed)

    with opened(tmp_path) as journal:
        assert list(journal.trials) == [0, 1]
        assert_same(journal.trials[0], make_trial(0))
        np.testing.assert_array_equal(journal.predictions(0), PROBA)
        assert journal.trials[1].error == "ValueError: no"
        assert journal.predictions(1) is None


def test_predictions_are_read_when_they_are_wanted(tmp_path):
    with opened(tmp_path) as journal:
        journal.append(make_trial(0))

    with opened(tmp_path) as journal:
        assert journal.trials[0].proba is None


def test_undefined_scores_come_back(tmp_path):
    with opened(tmp_path) as journal:
        journal.append(make_trial(0, fold_scores=(math.nan, 0.5)))

    with opened(tmp_path) as journal:
        assert math.isnan(journal.trials[0].fold_scores[0])


@pytest.mark.parametrize("n_bytes", [1, 40, 200])
def test_a_torn_last_line_loses_its_trial_alone(n_bytes, tmp_path):
    with opened(tmp_path) as journal:
        journal.append(make_trial(0))
        journal.append(make_trial(1))
    path = tmp_path / "toy-k1" / "journal.jsonl"
    path.write_bytes(path.read_bytes()[: -n_bytes - 1])

    with opened(tmp_path) as journal:
        assert list(journal.trials) == [0]
        journal.append(make_trial(2))
    with opened(tmp_path) as journal:
        assert list(journal.trials) == [0, 2]


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"garbage"])
def test_broken_predictions_lose_their_trial_alone(damage, tmp_path):
    with opened(tmp_path) as journal:
        journal.append(make_trial(0))
        journal.append(make_trial(1))
    (tmp_path / "toy-k1" / "predictions" / "0.npy").write_bytes(damage)

    with opened(tmp_path) as journal:
        assert list(journal.trials) == [1]


def test_missing_predictions_lose_their_trial_alone(tmp_path):
    with opened(tmp_path) as journal:
        journal.append(make_trial(0))
    (tmp_path / "toy-k1" / "predictions" / "0.npy").unlink()

    with opened(tmp_path) as journal:
        assert journal.trials == {}


def test_a_finished_trial_replaces_a_cut_one_and_a_cut_one_never_a_finished_one(tmp_path):
    with opened(tmp_path) as journal:
        journal.append(make_trial(0, state="cut", score=0.1))
        journal.append(make_trial(0, score=0.2))
        journal.append(make_trial(1, score=0.3))
        journal.append(make_trial(1, state="cut", score=None, proba=None))
        journal.append(make_trial(2, state="cut", score=0.4))
        journal.append(make_trial(2, state="cut", score=None, proba=None))

    with opened(tmp_path) as journal:
        assert {n: (t.state, t.score) for n, t in journal.trials.items()} == {
            0: ("complete", 0.2),
            1: ("complete", 0.3),
            2: ("cut", 0.4),
        }


def test_a_journal_of_another_key_is_moved_aside(tmp_path):
    with opened(tmp_path) as journal:
        journal.append(make_trial(0))
    (tmp_path / "toy-k1").rename(tmp_path / "toy-k2")
    said = []

    with opened(tmp_path, key="k2", listener=said.append) as journal:
        assert journal.trials == {}

    assert "belongs to another search" in said[0].message
    assert (tmp_path / "toy-k2-old-1" / "journal.jsonl").exists()


def test_trials_of_another_library_are_moved_aside(tmp_path):
    with opened(tmp_path) as journal:
        journal.append(make_trial(0))
    said = []

    with opened(tmp_path, versions={**VERSIONS, "toybox": "1.1"}, listener=said.append) as journal:
        assert journal.trials == {}
        journal.append(make_trial(0))

    assert [event.message for event in said] == [
        "toy: its trials are of toybox 1.0, which is not installed any more; "
        "the search starts anew and the old one is kept aside"
    ]
    assert (tmp_path / "toy-k1-old-1" / "journal.jsonl").exists()
    with opened(tmp_path, versions={**VERSIONS, "toybox": "1.1"}) as journal:
        assert list(journal.trials) == [0]


def test_a_second_holder_is_refused(tmp_path):
    with opened(tmp_path), pytest.raises(EnvironmentRefusal), opened(tmp_path):
        pass


def test_without_a_folder_nothing_is_kept():
    with opened(None) as journal:
        journal.append(make_trial(0))
        assert journal.trials == {}


def test_trials_that_follow_each_other_soon_are_seen_to_the_disk_together(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("mltrain.files.os.fsync", synced.append)

    with opened(tmp_path) as journal:
        for number in range(20):
            journal.append(make_trial(number))
        n_while_open = len(synced)

    assert n_while_open == 2  # the head and the first trial
    assert len(synced) == 3


@pytest.mark.parametrize("later", [{}, {"state": "cut", "n_rounds": (1_000,) * 100}], ids=["finished", "cut later"])
def test_a_kill_before_its_line_leaves_a_cut_trial_its_own_predictions(tmp_path, monkeypatch, later):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with opened(tmp_path) as journal:
        journal.append(make_trial(0, state="cut", score=0.1))
        monkeypatch.setattr(files, "append_line", killed)
        with pytest.raises(KeyboardInterrupt):
            journal.append(make_trial(0, **{"score": 0.2, "proba": 1 - PROBA, **later}))

    with opened(tmp_path) as journal:
        assert (journal.trials[0].state, journal.trials[0].score) == ("cut", 0.1)
        np.testing.assert_array_equal(journal.predictions(0), PROBA)
