"""The files of a run, written once its model is saved."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mltrain import files
from mltrain.calibration import calibrator_to_dict
from mltrain.candidate import Candidate, decisions
from mltrain.data.target import label_text
from mltrain.ensemble.voters import Searched
from mltrain.metrics import Metric
from mltrain.provenance import Provenance
from mltrain.record.parts import part_to_dict, parts_of, trial_row
from mltrain.search import Study

FORMAT = 2
RECORD = "run.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """What is known of a run beside its candidate.

    Attributes
    ----------
    config : mapping
        The resolved config.
    data : mapping
        Fingerprints and row counts of the splits.
    seconds : float
        From the family's start to its model saved.
    allowed_s : float, optional
        What all families of the session together might take; None: no clock ran.
    """

    run_id: str
    session: str
    model: str
    created: str
    seconds: float
    config: Mapping[str, Any]
    data: Mapping[str, Any]
    validation: Mapping[str, Any]
    provenance: Provenance
    allowed_s: float | None = None


def write_run(
    directory: Path,
    facts: RunFacts,
    *,
    candidate: Candidate,
    study: Study | None,
    metric: Metric,
    searched: Sequence[Searched] = (),
) -> None:
    """Write ``trials.parquet``, ``study_<model>.csv``, ``confusion_matrix.json`` and, last, ``run.json``.

    The model is saved before; ``run.json`` lists the hash of every file that is there when it is written.

    Parameters
    ----------
    study : Study, optional
        Of a family's own candidate.
    searched : sequence of Searched
        The families that vote, for an ensemble.
    """
    if study is not None:
        with files.atomic_path(directory / "trials.parquet") as path:
            pq.write_table(trials_table(study), path)
        rows = [_flat(trial_row(trial)) for trial in study.trials]
        files.write_text(directory / f"study_{facts.model}.csv", _as_csv(rows))
    files.write_json(directory / "confusion_matrix.json", confusion(candidate))
    record = run_record(directory, facts, candidate=candidate, study=study, metric=metric, searched=searched)
    files.write_json(directory / RECORD, record)


def trials_table(study: Study) -> pa.Table:
    """Return the trials of a study, one a row."""
    return pa.Table.from_pylist([trial_row(trial) for trial in study.trials])


def run_record(
    directory: Path,
    facts: RunFacts,
    *,
    candidate: Candidate,
    study: Study | None,
    metric: Metric,
    searched: Sequence[Searched] = (),
) -> dict[str, Any]:
    """Return the record of a run as JSON-able values."""
    trial, calibrator = candidate.trial, candidate.model.calibrator
    return {
        "format": FORMAT,
        **{k: v for k, v in _plain(asdict(facts)).items() if k not in ("config", "provenance")},
        "metric": {"name": metric.name, "greater_is_better": metric.greater_is_better},
        "validation_score": candidate.validation_score,
        "cross_fitted_score": candidate.cross_fitted_score,
        "final_fit": candidate.final_fit,
        "calibration": calibrator.method if calibrator else None,
        "calibrator": calibrator_to_dict(calibrator) if calibrator else None,
        "decision_threshold": candidate.model.threshold,
        "best_trial": _plain(trial_row(trial)) | {"params": dict(trial.params)} if trial else None,
        "weights": dict(candidate.weights) if candidate.weights else None,
        "parts": [part_to_dict(part) for part in parts_of(candidate, facts.model, searched=searched)],
        "n_trials": len(study.trials) if study else None,
        "n_trials_resumed": study.n_resumed if study else None,
        "max_trials": study.max_trials if study else None,
        "is_cut_short": study.is_cut_short if study else None,
        "notes": list(candidate.notes),
        "provenance": _plain(asdict(facts.provenance)),
        "config": _plain(facts.config),
        "artefacts": {
            str(path.relative_to(directory).as_posix()): files.sha256(path)
            for path in sorted(directory.rglob("*"))
            if path.is_file() and path.name not in (RECORD, "tracking.jsonl", "sync.json")
        },
    }


def confusion(candidate: Candidate) -> dict[str, Any]:
    """Return the confusion matrix of the held-out predictions: rows are true classes, columns decided ones."""
    classes = candidate.model.schema.target.classes
    matrix: NDArray[np.int64] = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(matrix, (candidate.held_out.y, decisions(candidate)), 1)
    return {
        "labels": [label_text(c) for c in classes],
        "matrix": matrix.tolist(),
        "rows": "held-out validation rows",
    }


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Spread parameters over columns of their own, for spreadsheets."""
    plain = {k: v for k, v in row.items() if k != "params"}
    return plain | {f"param_{k}": v for k, v in json.loads(row["params"]).items()}


def _as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _plain(value: Any) -> Any:
    """Turn tuples, dates and paths into what JSON has; numbers that are not finite become null."""
    return json.loads(json.dumps(value, default=str), parse_constant=lambda _: None)
