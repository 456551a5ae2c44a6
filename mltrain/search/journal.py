"""The record of a study on disk: append-only lines, one a trial that ended, and its predictions beside them.

``<studies>/<family>-<key>/journal.jsonl`` and ``predictions/<number>.npy``, or ``<number>-cut-<rounds>.npy`` of a trial
that the clock cut and that may run again. Predictions are written first, so a line is a promise that they are there. A
line that a kill tore is passed over; its trial is run again.

A kill loses nothing. Lines are seen to the disk once a second, for to wait for it after each trial took longer than a
fit on few rows; a machine that loses power loses the trials since, and those whose predictions it had not written yet.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mltrain import files
from mltrain._version import __version__
from mltrain.events import Listener, Notice
from mltrain.models import Proba
from mltrain.search.trial import Curve, State, Trial

FORMAT = 1
_LOCK_TIMEOUT_S = 0.5
_TO_DISK_EVERY_S = 1.0
logger = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Journal:
    """An open journal.

    Attributes
    ----------
    folder : Path, optional
        None: nothing is written, nothing is resumed.
    trials : mapping of number to Trial
        What was there when it was opened, cut trials included; without their predictions, which `predictions` reads.
    name, key : str
        Family and `study_key`.
    versions : mapping of module to version
        What the trials to come rest on.
    """

    folder: Path | None
    trials: Mapping[int, Trial]
    name: str
    key: str
    versions: Mapping[str, str]
    _to_disk_at: float = 0.0

    def append(self, trial: Trial) -> None:
        """Keep a trial.

        Raises
        ------
        mltrain.errors.EnvironmentRefusal
            The disk refused.
        """
        if self.folder is None:
            return
        if trial.proba is not None:
            place = _predictions(self.folder, trial.number, trial.state, trial.n_rounds)
            with files.atomic_path(place, to_disk=False) as partial, partial.open("wb") as file:
                np.save(file, trial.proba, allow_pickle=False)
        path = self.folder / "journal.jsonl"
        if not path.exists():
            files.append_line(path, json.dumps(_header(self)))
        now = time.monotonic()
        is_due = now >= self._to_disk_at
        if is_due:
            self._to_disk_at = now + _TO_DISK_EVERY_S
        files.append_line(path, json.dumps(_to_line(trial), ensure_ascii=False), to_disk=is_due)

    def predictions(self, number: int) -> Proba | None:
        """Return the validation predictions of a trial that was there when it was opened; None where it has none."""
        trial = self.trials[number]
        if self.folder is None or trial.score is None:
            return None
        return _load_proba(_predictions(self.folder, number, trial.state, trial.n_rounds))


@contextmanager
def open_journal(
    studies: Path | None, name: str, *, key: str, versions: Mapping[str, str], fresh: bool, listener: Listener
) -> Iterator[Journal]:
    """Hold the journal of one study for the length of the block.

    Parameters
    ----------
    studies : Path, optional
        Folder of all studies; None keeps nothing.
    name, key : str
        Family and `study_key`; together they name the study's folder.
    versions : mapping of module to version
        What the sequence of trials rests on; a journal of another version is moved aside, for half of the trials would
        be of one library and half of another.
    fresh : bool
        Move what is there aside and start anew.

    Raises
    ------
    mltrain.errors.EnvironmentRefusal
        Another process holds this journal, or the disk refused.
    """
    if studies is None:
        yield Journal(folder=None, trials={}, name=name, key=key, versions=versions)
        return
    folder = studies / f"{name}-{key}"
    with files.lock(studies / f".{folder.name}.lock", timeout_s=_LOCK_TIMEOUT_S):
        path = folder / "journal.jsonl"
        problem = _problem(path, key=key, versions=versions)
        if problem is not None:
            listener(Notice(message=f"{name}: {problem}; the search starts anew and the old one is kept aside"))
        if folder.exists() and (fresh or problem is not None):
            _move_aside(folder)
        try:
            yield Journal(folder=folder, trials=read_trials(path), name=name, key=key, versions=versions)
        finally:
            if path.exists():
                files.flush_to_disk(path)


def _header(journal: Journal) -> dict[str, Any]:
    """Return the first line of a journal."""
    versions = {"mltrain": __version__, "python": platform.python_version(), **journal.versions}
    return {"format": FORMAT, "family": journal.name, "key": journal.key, "versions": versions}


def _problem(path: Path, *, key: str, versions: Mapping[str, str]) -> str | None:
    """Return why a journal cannot be continued, or None when it can or is not there."""
    if not path.exists():
        return None
    header = next(_read_lines(path), {})
    if header.get("format") != FORMAT:
        return f"its journal has format {header.get('format')} and this version writes {FORMAT}"
    if header.get("key") != key:
        return "its journal belongs to another search"
    then = header.get("versions", {})
    changed = [f"{name} {then.get(name, 'unknown')}" for name, now in versions.items() if then.get(name) != now]
    return f"its trials are of {', '.join(changed)}, which is not installed any more" if changed else None


def _move_aside(folder: Path) -> None:
    """Rename a study's folder to the first free ``-old-N``."""
    with files.disk_errors(folder):
        number = 1
        while (aside := folder.with_name(f"{folder.name}-old-{number}")).exists():
            number += 1
        folder.rename(aside)


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines that are whole."""
    with files.disk_errors(path):
        lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            value = json.loads(line) if line.strip() else None
        except ValueError:  # torn by a kill or a full disk
            logger.warning("%s:%d: passed over a torn line", path, number)
            continue
        if isinstance(value, dict):
            yield value


def read_trials(path: Path) -> dict[int, Trial]:
    """Return the trials that are whole; of several with one number the one that finished."""
    trials: dict[int, Trial] = {}
    for line in _read_lines(path) if path.exists() else ():
        if "number" not in line:
            continue
        trial = _from_line(line, path.parent)
        if trial is not None and (trial.state != "cut" or _is_better_cut(trial, trials.get(trial.number))):
            trials[trial.number] = trial
    return dict(sorted(trials.items()))


def _is_better_cut(trial: Trial, known: Trial | None) -> bool:
    """Say whether a cut trial is worth more than what is known of its number."""
    return known is None or (known.state == "cut" and (trial.score is not None or known.score is None))


def _predictions(folder: Path, number: int, state: State, n_rounds: Sequence[int]) -> Path:
    """Return where the predictions of a trial are.

    What the clock cut has a place of its own for each way of being cut: a kill between two writes would otherwise leave
    one's predictions beside the other's score.
    """
    # A digest, for the rounds of many folds are longer than a file's name may be.
    rounds = hashlib.sha256(json.dumps(list(n_rounds)).encode()).hexdigest()[:12]
    return folder / "predictions" / (f"{number}-cut-{rounds}.npy" if state == "cut" else f"{number}.npy")


def _to_line(trial: Trial) -> dict[str, Any]:
    """Return a trial as JSON-able values; floats survive exactly."""
    return {
        "number": trial.number,
        "state": trial.state,
        "score": trial.score,
        "params": dict(trial.params),
        "fold_scores": trial.fold_scores,
        "fold_losses": trial.fold_losses,
        "n_rounds": trial.n_rounds,
        "sharpness": trial.sharpness,
        "seed": trial.seed,
        "threads": trial.threads,
        "seconds": trial.seconds,
        "notes": trial.notes,
        "error": trial.error,
        "proba": trial.proba is not None,
        "loss_rounds": trial.curve.loss_rounds,
        "train_losses": trial.curve.train_losses,
        "valid_losses": trial.curve.valid_losses,
    }


def _from_line(line: dict[str, Any], folder: Path) -> Trial | None:
    """Return the trial of a line without its predictions, or None when it or they are not whole."""
    try:
        if line["proba"]:
            # Looked at and let go: those of all trials would be as many tables.
            _load_proba(_predictions(folder, line["number"], line["state"], line["n_rounds"]), mmap_mode="r")
        curve = Curve(
            loss_rounds=tuple(line["loss_rounds"]),
            train_losses=tuple(line["train_losses"]),
            valid_losses=tuple(line["valid_losses"]),
        )
        return Trial(
            number=line["number"],
            params=line["params"],
            state=line["state"],
            score=line["score"],
            fold_scores=tuple(line["fold_scores"]),
            fold_losses=tuple(line["fold_losses"]),
            n_rounds=tuple(line["n_rounds"]),
            sharpness=tuple(line["sharpness"]),
            seed=line["seed"],
            threads=line["threads"],
            seconds=line["seconds"],
            curve=curve,
            notes=tuple(line["notes"]),
            error=line["error"],
        )
    except (KeyError, TypeError, ValueError, EOFError, FileNotFoundError) as error:
        logger.warning("%s: trial %s is not whole and is run again: %s", folder, line.get("number"), error)
        return None


def _load_proba(path: Path, *, mmap_mode: Literal["r"] | None = None) -> Proba:
    """Read predictions; never unpickles."""
    proba: Proba = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    return proba
