"""What an evaluation leaves in the run's folder: record, figures, confusion matrix, predictions, model card."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mltrain import files
from mltrain.assessment import Assessment, write_assessment
from mltrain.commands.evaluate.carding import card_gate, make_card
from mltrain.commands.evaluate.case import Case
from mltrain.commands.evaluate.judging import Judged
from mltrain.config import Config
from mltrain.data.target import label_text
from mltrain.figures import draw_evaluation
from mltrain.report import write_card, write_gate

CONFUSION = "confusion_matrix.json"
PREDICTIONS = "predictions.parquet"

_OF_THE_CHOICE = {"max_eval_experiments", "max_age_days", "tags", "near_tie"}


def leave(case: Case, judged: Judged) -> Assessment:
    """Write everything into ``runs/<run id>/evaluation``; the folder is whole or as it was before."""
    with files.atomic_directory(case.workspace.evaluation(case.chosen.run_id)) as folder:
        figures = _draw(folder, case, judged)
        files.write_json(folder / CONFUSION, _confusion(judged))
        pq.write_table(_predictions(judged), folder / PREDICTIONS, compression="zstd")
        assessment = _assessment(case, judged, figures=figures)
        write_card(folder, make_card(case, judged, assessment))
        write_assessment(folder, assessment)
    return assessment


def leave_gate(folder: Path, assessment: Assessment) -> None:
    """Put the gate of a new deployment threshold into what an evaluation left."""
    write_gate(folder, card_gate(assessment.gate))
    write_assessment(folder, assessment)


def settings_hash(config: Config) -> str:
    """Return a digest of the settings that scores depend on; neither choice of the run nor deployment threshold are."""
    train, evaluate = config.train, config.evaluate
    settings = {
        "seed": config.seed,
        "metric": train.comparison_metric,
        "beta": train.fbeta_score_beta_val,
        "evaluate": evaluate.model_dump(mode="json", exclude=_OF_THE_CHOICE),
        "registry": config.registry.name or train.project_name,
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _draw(folder: Path, case: Case, judged: Judged) -> tuple[str, ...]:
    """Draw the figures and return their names."""
    if not case.config.evaluate.figures:
        return ()
    drawn = draw_evaluation(
        folder / "figures",
        y=judged.holdout.y,
        proba=judged.proba,
        classes=judged.holdout.schema.target.classes,
        threshold=judged.threshold,
        importances=judged.importances,
    )
    return tuple(path.relative_to(folder).as_posix() for path in drawn)


def _confusion(judged: Judged) -> dict[str, Any]:
    """Return the confusion matrix: rows are true classes, columns decided ones."""
    labels = [label_text(label) for label in judged.holdout.schema.target.classes]
    return {"labels": labels, "matrix": judged.evaluation.confusion.tolist(), "rows": "test rows"}


def _predictions(judged: Judged) -> pa.Table:
    """Return truth, decision and probabilities of every test row, in the order of the test file."""
    target = judged.holdout.schema.target
    labels = pa.array(list(target.classes))
    proba = {f"proba_{label_text(label)}": pa.array(judged.proba[:, code]) for code, label in enumerate(target.classes)}
    return pa.table(
        {
            "truth": labels.take(pa.array(judged.holdout.y)),
            "prediction": labels.take(pa.array(judged.decided)),
            **proba,
        }
    )


def _assessment(case: Case, judged: Judged, *, figures: tuple[str, ...]) -> Assessment:
    """Put the record together."""
    chosen, evaluation = case.chosen, judged.evaluation
    assert chosen.validation_score is not None  # it was ranked by it
    return Assessment(
        circumstances=case.asked,
        evaluated_at=datetime.now(UTC).isoformat(timespec="microseconds"),
        model=chosen.model,
        session=chosen.session,
        source=chosen.source,
        metric=judged.gate.metric,
        validation_score=chosen.validation_score,
        metrics=evaluation.metrics,
        gate=judged.gate,
        threshold=judged.threshold,
        classes=tuple(label_text(label) for label in judged.holdout.schema.target.classes),
        confusion=tuple(tuple(int(n) for n in row) for row in evaluation.confusion),
        n_rows=evaluation.n_rows,
        openings=judged.holdout.openings,
        other_openings=judged.holdout.other_openings,
        compared_with_champion=judged.duel.comparison,
        figures=figures,
        report=("model_card.md", "model_card.json"),
        notes=judged.notes,
        incomparable=judged.duel.incomparable,
        cautions=judged.cautions,
    )
