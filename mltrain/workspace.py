"""Where everything lies on disk: paths and nothing else. Neither reads nor writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mltrain.errors import UsageError

SPLITS = ("train", "validation", "calibration", "test")

_SAFE_ID = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """The folder in which commands find and leave their files, usually the current directory."""

    root: Path

    @property
    def data(self) -> Path:
        """Folder of the split files."""
        return self.root / "data"

    def split(self, name: str) -> Path:
        """Return the Parquet file of one split.

        Raises
        ------
        mltrain.errors.UsageError
            There is no split of that name.
        """
        if name not in SPLITS:
            raise UsageError(f"unknown split {name!r}", hint=f"use one of {', '.join(SPLITS)}")
        return self.data / f"{name}.parquet"

    @property
    def split_record(self) -> Path:
        """JSON record of the splits: fingerprints, counts, schema, audit."""
        return self.data / "split.json"

    @property
    def runs(self) -> Path:
        """Folder of all runs."""
        return self.root / "runs"

    def run(self, run_id: str) -> Path:
        """Return the folder of one run.

        Raises
        ------
        mltrain.errors.UsageError
            The id holds something else than letters, digits, ``_``, ``.`` and ``-``, or is only dots.
        """
        return self.runs / checked_id(run_id, what="run id")

    def evaluation(self, run_id: str) -> Path:
        """Return the folder of a run's evaluation."""
        return self.run(run_id) / "evaluation"

    @property
    def experiment_keys(self) -> Path:
        """CSV of all runs with their experiment keys."""
        return self.runs / "experiment_keys.csv"

    @property
    def studies(self) -> Path:
        """Folder of the studies, one each."""
        return self.runs / "studies"

    @property
    def ledger(self) -> Path:
        """Who opened the test split, when and for what; one JSON line each."""
        return self.runs / "ledger.jsonl"

    @property
    def registry(self) -> Path:
        """Folder of the registered models."""
        return self.root / "registry"

    def tracker(self, name: str) -> Path:
        """Return the folder in which a tracker may keep its own files."""
        return self.runs / ".trackers" / checked_id(name, what="tracker name")

    @property
    def log(self) -> Path:
        """What libraries had to say."""
        return self.runs / "mltrain.log"

    @property
    def crash_logs(self) -> Path:
        """Folder of the crash logs."""
        return self.runs / "crash"


def checked_id(text: str, *, what: str = "id") -> str:
    """Return ``text`` when it can safely be one part of a path.

    Raises
    ------
    mltrain.errors.UsageError
        It holds something else than letters, digits, ``_``, ``.`` and ``-``, or is only dots.
    """
    if _SAFE_ID.fullmatch(text) is None or not text.strip("."):
        raise UsageError(f"{what} {text!r} is not usable", hint="use letters, digits, _, . and -")
    return text
