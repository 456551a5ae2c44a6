"""The reigning champion, read from the registry, and what must be read of test rows to judge a model on them."""

from __future__ import annotations

from pathlib import Path

from mltrain import artifact, registry
from mltrain.assessment import read_assessment
from mltrain.commands.evaluate.case import Case
from mltrain.commands.evaluate.dueling import Rival
from mltrain.errors import DataError
from mltrain.model import Model
from mltrain.registry import registered_name
from mltrain.seen_rows import SeenRows


def load_rival(case: Case) -> Rival | None:
    """Return the reigning champion, None when there is none."""
    config, root = case.config, case.workspace.registry
    version = registry.read(root, registered_name(config.registry, config.train)).champion
    if version is None:
        return None
    folder = registry.directory(root, version)
    return Rival(
        model=artifact.load_model(folder / "model", expected_manifest_sha256=version.manifest),
        version=version.version,
        seen_rows=artifact.load_seen_rows(folder / "model", expected_manifest_sha256=version.manifest),
        is_of_this_split=_was_judged_on(case.asked.test_fingerprint, folder),
    )


def _was_judged_on(test_fingerprint: str, folder: Path) -> bool:
    """Say whether the evaluation that a version was registered with was made on this test split."""
    try:
        assessment = read_assessment(folder)
    except DataError:
        return False
    return assessment is not None and assessment.circumstances.test_fingerprint == test_fingerprint


def columns_of(model: Model, seen_rows: SeenRows | None) -> list[str]:
    """Return the columns that a model reads, and the one that names the rows it was developed on."""
    names = [feature.name for feature in model.schema.features]
    return names if seen_rows is None or seen_rows.key is None else [*names, seen_rows.key]
