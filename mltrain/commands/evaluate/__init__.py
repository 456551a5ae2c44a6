"""`mltrain evaluate`: pick the best recent run and judge it on the sealed test split."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mltrain import artifact, ledger, registry
from mltrain.assessment import FILE, Assessment, Circumstances, held_against, read_assessment
from mltrain.commands.evaluate.case import Case
from mltrain.commands.evaluate.choosing import Ranking, keep_model, rank_runs
from mltrain.commands.evaluate.judging import judge, with_drift
from mltrain.commands.evaluate.leaving import CONFUSION, leave, leave_gate, settings_hash
from mltrain.commands.evaluate.reigning import columns_of, load_rival
from mltrain.comparison import Comparison
from mltrain.config import Config
from mltrain.data.splits import SplitRecord, current_split_record
from mltrain.evaluation import Interval
from mltrain.events import Listener, StageFinished, StageStarted, ignore
from mltrain.holdout import open_test, source_of
from mltrain.leaderboard import LeftOut, Standing
from mltrain.plan import comparison_metric
from mltrain.registry import registered_name
from mltrain.tracking.standings import Trackers, get_info, open_trackers
from mltrain.tracking.telling import Told, tell_evaluation
from mltrain.verdict import Gate, describe_gate
from mltrain.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateResult:
    """What the evaluation found.

    Attributes
    ----------
    champion : Standing
        The run that was picked; it stays a challenger until it is registered.
    ranking : tuple of Standing
        All runs that could be compared, best first.
    left_out : tuple of LeftOut
        Why other runs could not.
    threshold : float, optional
        Where the positive class begins.
    openings, other_openings : int
        How often this test split has been opened, and other ones of the same source.
    reused : bool
        Nothing that scores depend on had changed since an earlier evaluation, and the test split stayed closed.
    answered : str
        Which tracker answered.
    compared_with_champion : Comparison, optional
        Against the reigning champion on the same rows.
    cautions : tuple of str
        What should be known before the model is used; ``notes`` are the lesser ones.
    """

    champion: Standing
    ranking: tuple[Standing, ...]
    left_out: tuple[LeftOut, ...]
    metrics: Mapping[str, Interval]
    gate: Gate
    threshold: float | None
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    figures: tuple[Path, ...]
    report: tuple[Path, ...]
    openings: int
    reused: bool
    answered: str
    register_command: str
    compared_with_champion: Comparison | None
    champion_version: str | None
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    other_openings: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """4 when the deployment gate said no."""
        return 0 if self.gate.passed else 4


def evaluate(
    config: Config, workspace: Workspace, *, run: str | None = None, listener: Listener = ignore
) -> EvaluateResult:
    """Rank recent runs, judge the best one on the test split, and hold it against the gate and the champion.

    Parameters
    ----------
    run : str, optional
        A run id, to judge that run; or a session id, to rank within that session.

    Raises
    ------
    mltrain.errors.NoRunError
        No run can be compared; says why each was left out.
    mltrain.errors.DataError
        There is no split, a file is changed since it was made, or a model is not what its run recorded.
    mltrain.errors.TrackerError
        The tracker fails and there is no local copy of the model.
    """
    split = current_split_record(workspace.split_record, config)
    metric = comparison_metric(config.train, split.schema.target.n_classes)
    with open_trackers(config.train, workspace) as trackers:
        ranking = rank_runs(config, split, metric=metric, trackers=trackers, run=run)
        chosen = ranking.ranked[0]
        listener(StageFinished(stage="rank", seconds=ranking.seconds, detail=_ranked(ranking)))
        asked = _circumstances(config, workspace, split, chosen)
        known = read_assessment(workspace.evaluation(chosen.run_id))
        if known is not None and known.circumstances.serves(asked):
            return _reuse(config, workspace, ranking, known=known, trackers=trackers, split=split)
        started = time.monotonic()
        tell = _teller(listener)
        tell(f"fetching {chosen.run_id}")
        warnings, answer = keep_model(workspace, trackers, chosen), get_info(trackers, chosen)
        case = Case(
            config=config,
            workspace=workspace,
            split=split,
            chosen=chosen,
            asked=asked,
            model=artifact.load_model(workspace.run(chosen.run_id) / "model", expected_manifest_sha256=chosen.manifest),
            params=answer.info.params,
        )
        assessment = _assess(case, tell=tell)
        tell(f"telling {trackers.name}")
        told = _told(workspace.evaluation(chosen.run_id), assessment)
        warnings += answer.warnings
        warnings += tell_evaluation(trackers, workspace.run(chosen.run_id), chosen=chosen, told=told)
        listener(StageFinished(stage="evaluate", seconds=time.monotonic() - started, detail=_found(assessment)))
    result = _result(workspace, ranking, assessment, reused=False)
    return replace(result, warnings=result.warnings + warnings)


def _reuse(
    config: Config,
    workspace: Workspace,
    ranking: Ranking,
    *,
    known: Assessment,
    trackers: Trackers,
    split: SplitRecord,
) -> EvaluateResult:
    """Return an earlier evaluation with the gate of today's threshold and the openings that the ledger counts now."""
    chosen, fingerprint = ranking.ranked[0], known.circumstances.test_fingerprint
    current = held_against(known, config.train)
    warnings: tuple[str, ...] = ()
    if current.gate != known.gate:
        leave_gate(workspace.evaluation(chosen.run_id), current)
        told = _told(workspace.evaluation(chosen.run_id), current)
        warnings = tell_evaluation(trackers, workspace.run(chosen.run_id), chosen=chosen, told=told)
    current = replace(
        current,
        openings=ledger.count(workspace.ledger, fingerprint),
        other_openings=ledger.count_others(workspace.ledger, fingerprint, source=source_of(split)),
    )
    result = _result(workspace, ranking, current, reused=True)
    return replace(result, warnings=result.warnings + warnings)


def _teller(listener: Listener) -> Callable[[str], None]:
    """Return a function that says what the evaluation is doing."""
    return lambda doing: listener(StageStarted(stage="evaluate", detail=doing))


def _assess(case: Case, *, tell: Callable[[str], None]) -> Assessment:
    """Open the test split, score challenger and champion on its rows, and write everything down."""
    asked = case.asked
    rival = None if asked.champion_run_id == asked.run_id else load_rival(case)
    folder = case.workspace.run(asked.run_id) / "model"
    seen_rows = artifact.load_seen_rows(folder, expected_manifest_sha256=case.chosen.manifest)
    columns = columns_of(case.model, seen_rows)
    if rival is not None:
        columns += columns_of(rival.model, rival.seen_rows)
    holdout = open_test(case.workspace, case.split, columns=columns, run_id=asked.run_id, config_hash=asked.settings)
    metric = comparison_metric(case.config.train, case.split.schema.target.n_classes)
    judged = judge(case.model, holdout, metric=metric, config=case.config, rival=rival, seen_rows=seen_rows, tell=tell)
    profile = artifact.load_profile(folder, expected_manifest_sha256=case.chosen.manifest)
    judged = with_drift(judged, case.model, profile)
    tell("figures and report" if case.config.evaluate.figures else "report")
    return leave(case, judged)


def _circumstances(config: Config, workspace: Workspace, split: SplitRecord, chosen: Standing) -> Circumstances:
    """Return what this evaluation depends on."""
    reigning = registry.read(workspace.registry, registered_name(config.registry, config.train)).champion
    return Circumstances(
        run_id=chosen.run_id,
        manifest=chosen.manifest,
        test_fingerprint=split.splits["test"].fingerprint,
        settings=settings_hash(config),
        champion_version=None if reigning is None else reigning.version,
        champion_run_id=None if reigning is None else reigning.run_id,
    )


def _told(folder: Path, assessment: Assessment) -> Told:
    """Return what the tracker hears of an evaluation."""
    names = (*assessment.figures, *assessment.report, CONFUSION, FILE)
    return Told(
        scores={name: interval.value for name, interval in assessment.metrics.items()},
        tags={"mltrain.gate": "passed" if assessment.gate.passed else "refused"},
        files={name: folder / name for name in names},
    )


def _result(workspace: Workspace, ranking: Ranking, assessment: Assessment, *, reused: bool) -> EvaluateResult:
    """Show an assessment beside the ranking that it came from."""
    chosen = ranking.ranked[0]
    folder = workspace.evaluation(chosen.run_id)
    return EvaluateResult(
        champion=chosen,
        ranking=ranking.ranked,
        left_out=ranking.left_out,
        metrics=assessment.metrics,
        gate=assessment.gate,
        threshold=assessment.threshold,
        classes=assessment.classes,
        confusion=assessment.confusion,
        figures=tuple(folder / name for name in assessment.figures),
        report=tuple(folder / name for name in assessment.report),
        openings=assessment.openings,
        reused=reused,
        answered=ranking.answered,
        register_command=f"mltrain register --run {chosen.run_id}",
        compared_with_champion=assessment.compared_with_champion,
        champion_version=assessment.circumstances.champion_version,
        notes=(describe_gate(assessment.gate), *assessment.notes),
        cautions=assessment.all_cautions,
        other_openings=assessment.other_openings,
        warnings=ranking.warnings,
    )


def _ranked(ranking: Ranking) -> str:
    """Say in one phrase what the ranking found."""
    left_out = sum(entry.n_runs for entry in ranking.left_out)
    best = ranking.ranked[0]
    n_runs = len(ranking.ranked)
    return f"{n_runs} run{'s' * (n_runs != 1)} compared, {left_out} left out; best {best.run_id}"


def _found(assessment: Assessment) -> str:
    """Say in one phrase what the evaluation found."""
    return f"{assessment.model}: {describe_gate(assessment.gate)}"
