"""``runs/experiment_keys.csv``: every run with its key in the tracker, made anew from the records of the runs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from mltrain import files
from mltrain.tracking.local import read_run
from mltrain.tracking.records import FILE_NAME
from mltrain.tracking.sync_state import read_state
from mltrain.tracking.training import METRIC, MODEL, SESSION, VALIDATION_SCORE

LOCAL = "local"
COLUMNS = (
    "run_id", "session", "model", "tracker", "experiment_key", "url", "synced", "status", "metric", "validation_score",
    "started_ms",
)  # fmt: skip


def write_experiment_keys(runs: Path, path: Path) -> None:
    """List all runs, oldest first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=COLUMNS, lineterminator="\n")
    writer.writeheader()
    rows = [row for record in runs.glob(f"*/{FILE_NAME}") if (row := _row(record.parent))]
    writer.writerows(sorted(rows, key=lambda row: (row["started_ms"], row["run_id"])))
    files.write_text(path, text.getvalue())


def _row(run_dir: Path) -> dict[str, str] | None:
    info = read_run(run_dir)
    if info is None:
        return None
    state = read_state(run_dir)
    score = info.metrics.get(VALIDATION_SCORE)
    return {
        "run_id": info.id,
        "session": info.tags.get(SESSION, ""),
        "model": info.tags.get(MODEL, ""),
        "tracker": state.tracker if state else LOCAL,
        "experiment_key": (state.remote_id if state else info.id) or "",
        "url": (state.url if state else None) or "",
        "synced": state.status if state else "",
        "status": info.status,
        "metric": info.tags.get(METRIC, ""),
        "validation_score": "" if score is None else repr(score),
        "started_ms": str(info.started_ms),
    }
