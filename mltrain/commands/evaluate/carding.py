"""The model card of an evaluation: what a reader should know of a model before using it."""

from __future__ import annotations

from mltrain import artifact
from mltrain.assessment import Assessment
from mltrain.commands.evaluate.case import Case
from mltrain.commands.evaluate.judging import Judged
from mltrain.model import Model
from mltrain.redaction import without_secrets
from mltrain.report import Card, CardGate, CardMember, CardSplit
from mltrain.verdict import Gate


def make_card(case: Case, judged: Judged, assessment: Assessment) -> Card:
    """Return the card."""
    schema = case.model.schema
    return Card(
        run_id=case.chosen.run_id,
        model=case.chosen.model,
        created=assessment.evaluated_at,
        source=without_secrets(case.config.data.source or ""),
        target=schema.target.name,
        classes=assessment.classes,
        splits=_splits(case, assessment.classes),
        metrics=assessment.metrics,
        confidence=judged.evaluation.confidence,
        n_bootstrap=judged.evaluation.n_bootstrap,
        metric=assessment.metric,
        validation_score=assessment.validation_score,
        confusion=assessment.confusion,
        gate=card_gate(assessment.gate),
        openings=assessment.openings,
        other_openings=assessment.other_openings,
        members=_members(case.model),
        threshold=assessment.threshold,
        calibration=case.model.calibrator.method if case.model.calibrator else None,
        comparison=assessment.compared_with_champion,
        features=tuple(column.name for column in schema.features),
        importances=judged.importances,
        figures=assessment.figures,
        params=case.params,
        versions=_versions(case),
        provenance=_provenance(case),
        audit=case.split.audit,
        drift=judged.drift,
        unseen=judged.unseen,
        limitations=(*assessment.all_cautions, *assessment.notes, *_training_notes(case)),
    )


def card_gate(gate: Gate) -> CardGate:
    """Return the verdict of the gate as cards have it."""
    return CardGate(
        passed=gate.passed,
        metric=gate.metric,
        value=gate.value,
        threshold=gate.threshold,
        undefined=gate.undefined,
    )


def _splits(case: Case, classes: tuple[str, ...]) -> tuple[CardSplit, ...]:
    """Return the sizes of the splits; a class without rows counts 0."""
    return tuple(
        CardSplit(
            name=name,
            n_rows=part.rows,
            fingerprint=part.fingerprint,
            class_counts=tuple(part.classes.get(label, 0) for label in classes),
        )
        for name, part in case.split.splits.items()
    )


def _members(model: Model) -> tuple[CardMember, ...]:
    """Return the families that vote, with the sum of their members' weights."""
    weights: dict[str, float] = {}
    for member in model.members:
        weights[member.family] = weights.get(member.family, 0.0) + float(member.weight)
    return tuple(CardMember(family=family, weight=weight) for family, weight in weights.items())


def _training_notes(case: Case) -> tuple[str, ...]:
    """Return what training had to say of the model, such as a clock that cut it short."""
    manifest = artifact.read_manifest(case.workspace.run(case.chosen.run_id) / "model")
    return tuple(str(note) for note in manifest.record.get("notes", ()))


def _versions(case: Case) -> dict[str, str]:
    """Return the versions that the model was trained with."""
    manifest = artifact.read_manifest(case.workspace.run(case.chosen.run_id) / "model")
    return {"mltrain": manifest.mltrain, **manifest.versions}


def _provenance(case: Case) -> dict[str, str]:
    """Return where the model comes from."""
    told = {"run": case.chosen.run_id, "session": case.chosen.session, "manifest": case.chosen.manifest}
    return told | ({"url": case.chosen.url} if case.chosen.url else {})
