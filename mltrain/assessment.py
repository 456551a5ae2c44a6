"""What an evaluation found about one model, as it is kept on disk and read again by `register`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mltrain import files
from mltrain.comparison import Comparison
from mltrain.config import TrainSection
from mltrain.errors import DataError
from mltrain.evaluation import Interval
from mltrain.plan import comparison_metric
from mltrain.verdict import Gate, check_gate

FORMAT = 1
FILE = "evaluation.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Circumstances:
    """What an evaluation depends on: when all of it is the same, the evaluation need not be done again.

    Attributes
    ----------
    manifest : str
        Hash of the model's manifest.
    test_fingerprint : str
        Content of the test split.
    settings : str
        Hash of the settings that an evaluation reads, but for the deployment threshold: scores do not depend on it.
    champion_version, champion_run_id : str, optional
        The reigning champion at that time.
    """

    run_id: str
    manifest: str
    test_fingerprint: str
    settings: str
    champion_version: str | None = None
    champion_run_id: str | None = None

    def serves(self, asked: Circumstances) -> bool:
        """Say whether an evaluation made under these circumstances answers ``asked``.

        Once the evaluated model itself is champion, there is nothing left to compare it with.
        """
        same = (self.run_id, self.manifest, self.test_fingerprint, self.settings)
        if same != (asked.run_id, asked.manifest, asked.test_fingerprint, asked.settings):
            return False
        return self.champion_version == asked.champion_version or asked.champion_run_id == self.run_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """What an evaluation found.

    Attributes
    ----------
    metrics : mapping of str to Interval
        Scores on the test rows.
    threshold : float, optional
        Where the positive class begins; None with more than two classes.
    confusion : tuple of tuple of int, shape (n_classes, n_classes)
        Rows are true classes, columns decided ones.
    compared_with_champion : Comparison, optional
        None when no other champion reigns, or it cannot be scored on these rows; ``notes`` says which.
    openings : int
        How often the test split has been opened, this evaluation included.
    other_openings : int
        How often other test splits of the same source have been; of older records 0.
    figures, report : tuple of str
        Names of files beside the record.
    incomparable : str, optional
        Why a comparison with the reigning champion would not be fair.
    cautions : tuple of str
        What should be known before the model is used; ``notes`` are the lesser ones.
    """

    circumstances: Circumstances
    evaluated_at: str
    model: str
    session: str
    source: str
    metric: str
    validation_score: float
    metrics: Mapping[str, Interval]
    gate: Gate
    threshold: float | None
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    n_rows: int
    openings: int
    compared_with_champion: Comparison | None
    figures: tuple[str, ...]
    report: tuple[str, ...]
    notes: tuple[str, ...] = ()
    incomparable: str | None = None
    cautions: tuple[str, ...] = ()
    other_openings: int = 0

    @property
    def all_cautions(self) -> tuple[str, ...]:
        """What should be known, with why there is no comparison; a refusal to register says that by itself."""
        return self.cautions if self.incomparable is None else (*self.cautions, f"not compared: {self.incomparable}")


def write_assessment(directory: Path, assessment: Assessment) -> Path:
    """Write the record into a folder and return its path."""
    path = directory / FILE
    files.write_json(path, {"format": FORMAT, **_finite(asdict(assessment))})
    return path


def read_assessment(directory: Path) -> Assessment | None:
    """Return the record of a folder, None when there is none or it is of another format.

    Raises
    ------
    mltrain.errors.DataError
        It is malformed; names the file.
    """
    path = directory / FILE
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return _assessment(document) if document.pop("format") == FORMAT else None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"malformed evaluation: {error}", where=str(path), hint="mltrain evaluate") from error


def held_against(assessment: Assessment, settings: TrainSection) -> Assessment:
    """Return an evaluation with its gate as the config has it now: the score is known, the threshold may be new."""
    metric, found = comparison_metric(settings, len(assessment.classes)), assessment.gate
    if metric.name != found.metric:
        return assessment
    gate = check_gate(metric, found.value, threshold=settings.deployment_score_thresh, undefined=found.undefined)
    return replace(assessment, gate=gate)


def _assessment(document: dict[str, Any]) -> Assessment:
    """Rebuild the record from JSON values."""
    comparison = document["compared_with_champion"]
    nested = {
        "circumstances": Circumstances(**document["circumstances"]),
        "metrics": {name: Interval(**_numbers(value)) for name, value in document["metrics"].items()},
        "gate": _gate(document["gate"]),
        "confusion": tuple(tuple(row) for row in document["confusion"]),
        "compared_with_champion": None if comparison is None else Comparison(**_numbers(comparison)),
    }
    lists = {name: tuple(document[name]) for name in ("classes", "figures", "report", "notes")}
    lists["cautions"] = tuple(document.get("cautions", ()))  # older records have none
    return Assessment(**(document | nested | lists))


def _gate(document: dict[str, Any]) -> Gate:
    """Rebuild the gate; one without a score is shut, though older versions took it for open."""
    if document["value"] is not None:
        return Gate(**document)
    why = {"undefined": document.get("undefined") or "it has no value on the test rows"}
    return Gate(**(document | why | {"value": float("nan"), "passed": False}))


def _finite(value: Any) -> Any:
    """Return JSON values in which numbers that are not finite are null."""
    return json.loads(json.dumps(value), parse_constant=lambda _: None)


def _numbers(value: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the nulls of a record of numbers back into NaN."""
    return {name: float("nan") if number is None else number for name, number in value.items()}
