"""`mltrain reproduce`: make a run's model again from its record, without searching, and compare."""

from __future__ import annotations

import time
from dataclasses import dataclass

from mltrain import artifact
from mltrain.commands.reproduce.comparing import Differences, differences
from mltrain.commands.reproduce.conditions import changes_since, find_run, recorded_config, same_split
from mltrain.commands.reproduce.rebuilding import Calibration, RebuiltPart, rebuild
from mltrain.config import Config
from mltrain.errors import UsageError
from mltrain.events import Listener, StageFinished, StageStarted, ignore
from mltrain.jobs import read_material
from mltrain.model import available_cores
from mltrain.record import read_run
from mltrain.search import LocalExecutor
from mltrain.workspace import Workspace

__all__ = ["TOLERANCE", "Differences", "RebuiltPart", "ReproduceResult", "reproduce"]

# On one machine with one set of versions the difference is 0. Other processors and builds of the libraries add numbers
# up in another order, which moves a probability of a tree by some 1e-8. It leads the linear model, which is learnt in
# 32 bits, to another end of its descent: with OpenBLAS's kernels of an older processor 1e-4 on digits, 0.01 where it
# bends, 0.08 by landmarks. Another model of trees moves it by 1e-3 and more.
TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class ReproduceResult:
    """Whether a run's model could be made again.

    Attributes
    ----------
    parts : tuple of RebuiltPart
        The trials that were fitted again, with the scores that they had and have.
    calibration : {"rebuilt", "recorded", "none"}
        Where the rebuilt model's calibrator comes from; the threshold comes from the same place.
    tolerance : float
        What no difference may exceed.
    notes : tuple of str
        What the run said of itself.
    warnings : tuple of str
        What is not as it was then, such as the version of a library.
    """

    run_id: str
    model: str
    metric: str
    parts: tuple[RebuiltPart, ...]
    differences: Differences
    calibration: Calibration
    tolerance: float
    agrees: bool
    seconds: float
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """4 when the rebuilt model is another one."""
        return 0 if self.agrees else 4


def reproduce(
    config: Config | None,
    workspace: Workspace,
    *,
    run: str,
    tolerance: float = TOLERANCE,
    listener: Listener = ignore,
) -> ReproduceResult:
    """Rebuild the model of a run from its record and compare predictions and scores.

    Parameters
    ----------
    config : Config, optional
        Names the registered model that an alias or version belongs to; what the run is rebuilt with is its own config.
    run : str
        Run id, or alias or version of the registered model.
    tolerance : float
        Largest absolute difference of a probability, a score or a threshold that counts as equal.

    Raises
    ------
    mltrain.errors.NoRunError
        There is no such run, or its model is not here.
    mltrain.errors.DataError
        The split is missing, was changed, or is not the one that the run learnt from; or the record is damaged.
    mltrain.errors.UsageError
        This version does not understand the run's config, or a model family is not installed.
    """
    started = time.monotonic()
    if not tolerance >= 0:
        raise UsageError(f"the tolerance is {tolerance}", hint="use 0 or more")
    directory = workspace.run(find_run(config, workspace, run))
    record = read_run(directory)
    stored = artifact.load_model(directory / "model", expected_manifest_sha256=record.manifest)
    then = recorded_config(record, directory)
    split = same_split(record, then, workspace=workspace, schema=stored.schema)
    material = read_material(then, workspace, split, listener=listener)
    listener(
        StageStarted(stage="reproduce", detail=f"{record.run_id}, trials {', '.join(p.label for p in record.parts)}")
    )
    with LocalExecutor(then.train.n_jobs or available_cores()) as executor:
        rebuilt = rebuild(record, material, executor=executor)
    found = differences(stored, rebuilt, rows=material.rows, seed=then.seed)
    seconds = time.monotonic() - started
    listener(StageFinished(stage="reproduce", seconds=seconds, detail=f"largest difference {found.largest:.1e}"))
    return ReproduceResult(
        run_id=record.run_id,
        model=record.model,
        metric=material.recipe.metric.name,
        parts=rebuilt.parts,
        differences=found,
        calibration=rebuilt.calibration,
        tolerance=tolerance,
        agrees=found.largest <= tolerance,
        seconds=seconds,
        notes=record.notes,
        warnings=changes_since(record, then, workspace),
    )
