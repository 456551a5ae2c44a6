"""One training session at the tracker's boundary: local runs first, a sender that mirrors them beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from mltrain import plugins
from mltrain.config import TrainSection
from mltrain.errors import EnvironmentRefusal, Interrupted, MltrainError
from mltrain.tracking import Run, Tracker, TrackerSettings
from mltrain.tracking.keys import write_experiment_keys
from mltrain.tracking.liveness import living
from mltrain.tracking.sender import Sender, SenderReport
from mltrain.tracking.sender import start as start_sender
from mltrain.tracking.training import INTERRUPTED, RUN_ID, leave_out
from mltrain.workspace import Workspace

LOCAL = "local"
_PATIENCE_S = 3.0  # of who asked to stop: a service that is well takes a run's end in two


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """Where the runs of a session went.

    Attributes
    ----------
    where : str
        Name and mode of the tracker, such as ``comet_ml (offline: no key)``.
    archive : Path, optional
        Folder on this machine in which the tracker keeps what its server has not got.
    """

    where: str
    archive: Path | None = None
    warnings: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class TrackedSession:
    """The runs of one `train`."""

    id: str
    workspace: Workspace
    local: Tracker
    tracker_name: str
    sender: Sender | None
    trouble: str | None = None  # why there is no sender though one is wanted
    open_runs: list[Run] = field(default_factory=list)
    _delivery: Delivery | None = field(default=None)

    @contextmanager
    def run(self, name: str, tags: Mapping[str, str]) -> Iterator[Run]:
        """Open a run named after a model; it ends as failed when the block raises.

        What the model itself raised is noted as the reason why the session goes on without it; errors of ours
        and interruptions end the session.
        """
        run = self.local.start_run(f"{name}-{stamp()}", tags)
        run.set_tags({RUN_ID: run.id})
        self.open_runs = [*self.open_runs, run]  # a list of its own for who is reading the one before
        try:
            yield run
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | Interrupted):
                run.set_tags({INTERRUPTED: "yes"})
            elif isinstance(error, Exception) and not isinstance(error, MltrainError):
                leave_out(run, f"{type(error).__name__}: {error}")
            run.finish("failed")
            raise
        finally:
            self.open_runs = [other for other in self.open_runs if other is not run]
        run.finish()

    def finish(self, *, timeout_s: float = 10.0) -> Delivery:
        """Wait for the sender, at most ``timeout_s`` seconds; what it has not confirmed stays spooled."""
        if self._delivery is None:
            report = self.sender.finish(timeout_s=timeout_s) if self.sender else None
            if report is not None:
                self._delivery = _delivery(self.tracker_name, report, self.workspace)
            else:
                self._delivery = Delivery(where=LOCAL, warnings=(self.trouble,) if self.trouble else ())
            write_experiment_keys(self.workspace.runs, self.workspace.experiment_keys)
        return self._delivery


@contextmanager
def open_session(settings: TrainSection, workspace: Workspace) -> Iterator[TrackedSession]:
    """Open the local record and, for any other tracker, the sender; both are closed however the block ends.

    A sender that cannot be started costs a warning.

    Raises
    ------
    mltrain.errors.PluginError
        The tracker is unknown or its extra is missing.
    """
    plugins.load("trackers", settings.experiment_tracker)
    session_id = f"session-{stamp()}"
    sender: Sender | None = None
    trouble: str | None = None
    with closing(open_local(settings, workspace)) as local, living(workspace.runs, session_id):
        try:
            sender = _start_sender(settings, workspace, session=session_id)
        except EnvironmentRefusal as error:
            trouble = f"{settings.experiment_tracker} gets nothing yet: {error.message}; 'mltrain runs sync' sends it"
        session = TrackedSession(
            id=session_id,
            workspace=workspace,
            local=local,
            tracker_name=settings.experiment_tracker,
            sender=sender,
            trouble=trouble,
        )
        try:
            yield session
        except (KeyboardInterrupt, Interrupted):
            session.finish(timeout_s=_PATIENCE_S)
            raise
        finally:
            session.finish()


def tracker_settings(settings: TrainSection, workspace: Workspace) -> TrackerSettings:
    """Return what the configured tracker may know of the config."""
    return TrackerSettings(
        project=settings.project_name,
        workspace=settings.workspace_name,
        directory=workspace.tracker(settings.experiment_tracker),
        options=settings.tracker_options,
    )


def open_local(settings: TrainSection, workspace: Workspace) -> Tracker:
    """Open the local record of runs."""
    opened = plugins.load("trackers", LOCAL)(
        TrackerSettings(
            project=settings.project_name,
            workspace=settings.workspace_name,
            directory=workspace.runs,
            options={"registry_dir": str(workspace.tracker(LOCAL))},
        )
    )
    return cast("Tracker", opened)


def stamp() -> str:
    """Return the moment as part of an id: sortable, UTC, to the microsecond."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")


def _start_sender(settings: TrainSection, workspace: Workspace, *, session: str) -> Sender | None:
    """Launch the sender, which the local tracker has no need of."""
    name = settings.experiment_tracker
    if name == LOCAL:
        return None
    chosen = tracker_settings(settings, workspace)
    return start_sender(name, chosen, runs=workspace.runs, session=session, is_writer=True)


def _delivery(name: str, report: SenderReport, workspace: Workspace) -> Delivery:
    mode = f" ({report.mode})" if report.mode else ""
    archive = workspace.tracker(name) if report.mode.startswith("offline") else None
    return Delivery(where=f"{name}{mode}", warnings=report.warnings, archive=archive)
