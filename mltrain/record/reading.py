"""The record of a run, read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltrain.calibration import Calibrator, calibrator_from_dict
from mltrain.errors import DataError, NoRunError
from mltrain.record.parts import Part, part_from_dict
from mltrain.record.writing import FORMAT, RECORD

_MANIFEST = "model/manifest.json"
_AGAIN = "run `mltrain train` again"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """What a run's record says.

    Attributes
    ----------
    config : mapping
        The resolved config of the training session; secrets are masked.
    data : mapping of str to str
        Fingerprint of each split.
    manifest : str
        Hash of the manifest of the model that was saved.
    parts : tuple of Part
        What the model is made of, one or more.
    is_vote : bool
        Whether it is an ensemble, whose weights were chosen.
    versions : mapping of str to str
        mltrain, Python and libraries.
    """

    run_id: str
    model: str
    session: str
    config: Mapping[str, Any]
    data: Mapping[str, str]
    manifest: str
    validation_score: float
    calibrator: Calibrator | None
    threshold: float | None
    parts: tuple[Part, ...]
    is_vote: bool
    notes: tuple[str, ...]
    versions: Mapping[str, str]


def read_run(directory: Path) -> RunRecord:
    """Return the record of the run in ``directory``.

    Raises
    ------
    mltrain.errors.NoRunError
        There is none.
    mltrain.errors.DataError
        It is damaged, of another format, or was written before records said what a model is made of.
    """
    path = directory / RECORD
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise ValueError(f"format {found['format']}, this mltrain reads {FORMAT}")
        if not found.get("parts"):
            raise DataError("the record does not say which trials its model is made of", where=str(path), hint=_AGAIN)
        return _record_from(found)
    except (FileNotFoundError, NotADirectoryError):
        message = f"no run {directory.name!r}" if not directory.is_dir() else f"run {directory.name!r} gave no model"
        raise NoRunError(message, where=str(path), hint="mltrain runs ls") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"the record of the run is damaged: {error}", where=str(path), hint=_AGAIN) from error


def _record_from(found: Mapping[str, Any]) -> RunRecord:
    calibrator = found["calibrator"]
    return RunRecord(
        run_id=found["run_id"],
        model=found["model"],
        session=found["session"],
        config=found["config"],
        data={name: split["fingerprint"] for name, split in found["data"]["splits"].items()},
        manifest=found["artefacts"][_MANIFEST],
        validation_score=float(found["validation_score"]),
        calibrator=None if calibrator is None else calibrator_from_dict(calibrator),
        threshold=found["decision_threshold"],
        parts=tuple(part_from_dict(entry) for entry in found["parts"]),
        is_vote=found["final_fit"] == "vote",
        notes=tuple(found["notes"]),
        versions=dict(found["provenance"]["versions"]),
    )
