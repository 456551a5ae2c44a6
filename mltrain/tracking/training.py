"""What a training run tells a tracker: the names of its tags and metrics, and when each is sent.

Everything goes to the run handed in, in practice the local record that the sender tails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mltrain.events import Event, Listener, TrialFinished
from mltrain.redaction import without_secrets
from mltrain.repository import GitState
from mltrain.tracking import Run, Scalar

RUN_ID = "mltrain.run_id"
STARTED_MS = "mltrain.started_ms"  # when the run began, however much later it was sent
SESSION = "mltrain.session"
KIND = "mltrain.kind"
MODEL = "mltrain.model"
METRIC = "mltrain.metric"
DATA = "mltrain.data"
TARGET = "mltrain.target"
MANIFEST = "mltrain.manifest"
VALIDATION = "mltrain.validation"
LEFT_OUT = "mltrain.left_out"
INTERRUPTED = "mltrain.interrupted"
VERSION = "mltrain.version"
CONFIG = "mltrain.config"
GIT_COMMIT = "mltrain.git.commit"
GIT_DIRTY = "mltrain.git.dirty"
GIT_BRANCH = "mltrain.git.branch"
GIT_REMOTE = "mltrain.git.remote"
PARENT = "mltrain.parent"  # of an evaluation: id of the run it judged
PARENT_KEY = "mltrain.parent_key"  # what the tracker calls that run
EVALUATION_RUN = "mltrain.evaluation"  # of a judged run: id of its latest evaluation

TRAINING = "training"
EVALUATION = "evaluation"
VALIDATION_SCORE = "validation_score"
VALIDATION_ERROR = "validation_score_error"
LATENCY_MS = "latency_ms"
SYSTEM = "system."  # begins the metrics that say how busy the machine was
PATCH_FILE = "git.patch"
_TAG_LENGTH = 900
_SERIES = frozenset({"trial_score", "best_score", "trial_seconds", "train_loss", "valid_loss"})


def is_series(metric: str) -> bool:
    """Say whether training logs a metric once a trial, a round or some seconds: lists of runs do without it."""
    return metric in _SERIES or metric.startswith(SYSTEM)


def began_ms(tags: Mapping[str, str], *, otherwise: int) -> int:
    """Return when a run began by its tags, in milliseconds since 1970."""
    noted = tags.get(STARTED_MS, "")
    return int(noted) if noted.isdecimal() else otherwise


def trial_listener(run: Run, model: str) -> Listener:
    """Return a listener that logs the trials of one model as metrics with step = trial number."""

    def listen(event: Event) -> None:
        if isinstance(event, TrialFinished) and event.model == model:
            metrics = {
                "trial_score": event.score,
                "best_score": event.best_score,
                "trial_seconds": event.seconds,
            }
            run.log_metrics({k: v for k, v in metrics.items() if v is not None}, step=event.number)

    return listen


def git_tags(git: GitState | None) -> dict[str, str]:
    """Return where the repository stands, as tags."""
    if git is None:
        return {}
    known = {GIT_COMMIT: git.commit, GIT_DIRTY: str(git.dirty).lower(), GIT_BRANCH: git.branch, GIT_REMOTE: git.remote}
    return {name: value[:_TAG_LENGTH] for name, value in known.items() if value}


def leave_out(run: Run, reason: str) -> None:
    """Note why a session goes on without a model; its run ends as failed."""
    run.set_tags({LEFT_OUT: without_secrets(reason)[:_TAG_LENGTH]})


def log_curve(run: Run, *, rounds: Sequence[int], train_losses: Sequence[float], valid_losses: Sequence[float]) -> None:
    """Log train and validation loss (log loss of the best trial's first fold) with step = round."""
    for position, number in enumerate(rounds):
        point = {}
        if position < len(train_losses):
            point["train_loss"] = train_losses[position]
        if position < len(valid_losses):
            point["valid_loss"] = valid_losses[position]
        run.log_metrics(point, step=number)


def log_candidate(
    run: Run, directory: Path, *, params: dict[str, Scalar], metrics: dict[str, float], tags: dict[str, str]
) -> None:
    """Log what is final: parameters, scores, tags, every file of the run's folder but the model, and the model."""
    run.log_params(params)
    run.log_metrics(metrics)
    run.set_tags(tags)
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        # The sender writes its state beside them, by way of a file whose name begins with a dot and is soon gone.
        is_ours = name.parts[0] not in ("model", "model.pkl", "tracking.jsonl", "sync.json")
        if is_ours and not name.name.startswith(".") and path.is_file():
            run.log_file(path, name.as_posix())
    run.log_model(directory / "model", "model")
