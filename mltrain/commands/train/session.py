"""What all families of one training session share, and the clock that it runs under."""

from __future__ import annotations

from dataclasses import dataclass

from mltrain.budget import Budget, make_budget
from mltrain.config import Config
from mltrain.config.names import family_name
from mltrain.data.splits import SplitRecord
from mltrain.events import Listener
from mltrain.jobs import Material
from mltrain.plan import ENSEMBLE
from mltrain.provenance import Provenance
from mltrain.search import Executor
from mltrain.tracking.session import TrackedSession
from mltrain.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainRequest:
    """What the command line may ask of one `train`.

    Attributes
    ----------
    models : tuple of str
        Names of families or ``ensemble``; empty means those of the config.
    max_trials : int, optional
        Trials per model in all, resumed ones included; given alone, no clock runs.
    timeout_s : float, optional
        Seconds per model.
    budget_s : float, optional
        Seconds from process start to the last model saved.
    fresh : bool
        Start the studies anew.
    started_at : float, optional
        `time.monotonic` value at process start; now, when not given.
    """

    models: tuple[str, ...] = ()
    max_trials: int | None = None
    timeout_s: float | None = None
    budget_s: float | None = None
    fresh: bool = False
    started_at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What all families of one session share.

    Attributes
    ----------
    git_patch : str, optional
        Uncommitted changes to keep with each run.
    """

    material: Material
    split: SplitRecord
    workspace: Workspace
    request: TrainRequest
    budget: Budget
    executor: Executor
    tracked: TrackedSession
    provenance: Provenance
    git_patch: str | None
    listener: Listener


def budget_for(config: Config, request: TrainRequest, started_at: float) -> Budget:
    """Return the clock that the config and the command line ask for."""
    return make_budget(
        config.train,
        started_at=started_at,
        total_s=request.budget_s,
        family_s=request.timeout_s,
        has_max_trials=request.max_trials is not None,
    )


def allowed_s(config: Config, request: TrainRequest) -> float | None:
    """Return the seconds that all families asked for may take together; None: no clock runs."""
    asked = {family_name(model) for model in request.models} - {ENSEMBLE}
    families = asked or {*config.train.supported_models} - {ENSEMBLE}
    return budget_for(config, request, 0.0).allowed_s(len(families))
