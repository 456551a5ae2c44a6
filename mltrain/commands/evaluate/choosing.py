"""Which run faces the test split: recent runs ranked by validation score, and the model of the best one fetched."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mltrain import artifact, files
from mltrain.config import Config
from mltrain.data.splits import SplitRecord
from mltrain.development import validation_digest
from mltrain.errors import DataError, NoRunError
from mltrain.leaderboard import LeftOut, Standing, Wanted, comparable, rank, simplicity_of
from mltrain.metrics import Metric
from mltrain.tracking.standings import Trackers, fetch_model, list_standings
from mltrain.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """The runs that can be compared, best first, at least one; and what became of the others."""

    ranked: tuple[Standing, ...]
    left_out: tuple[LeftOut, ...]
    answered: str
    warnings: tuple[str, ...]
    seconds: float


def rank_runs(config: Config, split: SplitRecord, *, metric: Metric, trackers: Trackers, run: str | None) -> Ranking:
    """Ask the tracker and the local records for recent runs and rank those that can be compared.

    Raises
    ------
    mltrain.errors.NoRunError
        There is none; says why each was left out.
    """
    started = time.monotonic()
    asked = config.evaluate
    found = list_standings(trackers, run=run, limit=asked.max_eval_experiments, tags=asked.tags)
    n_train = split.splits["train"].rows
    wanted = Wanted(
        data=split.fingerprint,
        target=split.schema.target.name,
        metric=metric.name,
        validation=validation_digest(metric, config.train, n_train=n_train, seed=config.seed),
        began_after_ms=_began_after_ms(asked.max_age_days) if run is None else 0,
    )
    kept, left_out = comparable(found.standings, wanted)
    if not kept:
        is_full = run is None and len(found.standings) >= asked.max_eval_experiments
        raise _no_run(run, left_out, answered=found.answered, is_full=is_full)
    return Ranking(
        ranked=rank(kept, metric, near_tie=asked.near_tie, simplicity=simplicity_of),
        left_out=left_out,
        answered=found.answered,
        warnings=found.warnings,
        seconds=time.monotonic() - started,
    )


def _began_after_ms(max_age_days: float | None) -> int:
    """Return the moment since which runs may have begun."""
    return 0 if max_age_days is None else int(1000 * (time.time() - max_age_days * 86_400))


def keep_model(workspace: Workspace, trackers: Trackers, chosen: Standing) -> tuple[str, ...]:
    """Fetch the chosen model and keep it in the run's folder, unless the same model is there; return warnings.

    Raises
    ------
    mltrain.errors.DataError
        What came is not what the run recorded.
    mltrain.errors.NoRunError
        Nobody has the model.
    """
    with _scratch(workspace) as folder:
        warnings = fetch_model(trackers, chosen, dest=folder / "model")
        if not _is_there(workspace, chosen):
            with files.atomic_directory(workspace.run(chosen.run_id) / "model") as kept:
                shutil.copytree(folder / "model", kept, dirs_exist_ok=True)
    return warnings


@contextmanager
def _scratch(workspace: Workspace) -> Iterator[Path]:
    """Give a folder for what comes from the tracker: until it is verified nothing in the run's own is touched."""
    with files.disk_errors(workspace.runs):
        workspace.runs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".evaluate-", dir=workspace.runs) as folder:
            yield Path(folder)


def _is_there(workspace: Workspace, chosen: Standing) -> bool:
    """Say whether the run's folder holds the very model that the run recorded."""
    try:
        artifact.verify(workspace.run(chosen.run_id) / "model", expected_manifest_sha256=chosen.manifest)
    except (DataError, NoRunError):
        return False
    return True


def _no_run(run: str | None, left_out: tuple[LeftOut, ...], *, answered: str, is_full: bool) -> NoRunError:
    """Say which runs there were and why none serves; older ones may, when no more than the limit were looked at."""
    what = "no run to evaluate" if run is None else f"no run or session {run!r} to evaluate"
    reasons = "; ".join(f"{entry.n_runs} {entry.reason}" for entry in left_out)
    detail = f"left out: {reasons}" if reasons else "none found"
    hint = "mltrain train" if run is None else "mltrain runs ls"
    if is_full:
        hint += "; or look further back with evaluate.max_eval_experiments"
    return NoRunError(f"{what} ({detail})", where=answered, hint=hint)
