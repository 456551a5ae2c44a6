"""Comet's model registry: versions are "1.0.0", "2.0.0", …, aliases are its tags.

Several versions may carry a tag there; that only one does is our doing, and not atomic: between the two
requests a reader finds the newer holder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mltrain.errors import NoRunError, TrackerError
from mltrain.tracking import ModelVersion
from mltrain.tracking.comet.environment import import_comet

_N_ATTEMPTS = 5


class OnlineRegistry:
    """The registered models of one workspace."""

    def __init__(self, api: Any, workspace: str) -> None:
        self._api = api
        self._workspace = workspace

    def add(self, experiment: Any, name: str, *, model: str, tags: Mapping[str, str]) -> ModelVersion:
        """Register a model of an experiment; when another process takes the version first, take the next."""
        comet = import_comet()
        first = _next_number(self._known(name))
        for number in range(first, first + _N_ATTEMPTS):
            version = f"{number}.0.0"
            try:
                experiment.register_model(
                    model,
                    version=version,
                    registry_name=_normalised(name),
                    public=False,
                    metadata=dict(tags) or None,
                )
            except (ValueError, comet.exceptions.CometRestApiException):
                if version not in self._known(name):
                    raise
            else:
                return ModelVersion(name=name, version=version, run_id=str(experiment.key), aliases=frozenset())
        raise TrackerError(f"comet refused {_N_ATTEMPTS} versions of '{name}' in a row")

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Tag a version, then untag the others."""
        model = self._model(name)
        if model is None or version not in model.find_versions():
            raise NoRunError(f"'{name}' has no version {version!r} at comet")
        model.add_tag(version, alias)
        for other in model.find_versions(tag=alias):
            if other != version:
                model.delete_tag(other, alias)

    def get_alias(self, name: str, alias: str) -> ModelVersion | None:
        """Return the newest version with the tag."""
        model = self._model(name)
        held = _sorted(model.find_versions(tag=alias)) if model is not None else []
        return _version(model, name, held[-1]) if held else None

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """Return all versions, oldest first."""
        model = self._model(name)
        return [] if model is None else [_version(model, name, v) for v in _sorted(model.find_versions())]

    def download(self, name: str, version: str, folder: Path) -> None:
        """Put the version's files into a folder as one zip file."""
        if version not in self._known(name):
            raise NoRunError(f"'{name}' has no version {version!r} at comet")
        self._api.download_registry_model(
            self._workspace, _normalised(name), version, output_path=str(folder), expand=False
        )

    def _known(self, name: str) -> list[str]:
        model = self._model(name)
        return [] if model is None else list(model.find_versions())

    def _model(self, name: str) -> Any:
        """Return a registered model; None when the workspace has none of the name."""
        comet = import_comet()
        try:
            return self._api.get_model(self._workspace, _normalised(name))
        except comet.exceptions.CometRestApiException as error:
            if error.response.status_code in (400, 404):
                return None
            raise


def _version(model: Any, name: str, version: str) -> ModelVersion:
    details = model.get_details(version)
    return ModelVersion(
        name=name,
        version=version,
        run_id=str(details["experimentKey"]),
        aliases=frozenset(details.get("tags") or ()),
    )


def _normalised(name: str) -> str:
    """Return a name as the service stores it: lower case with dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _sorted(versions: Sequence[str]) -> list[str]:
    return sorted(versions, key=lambda v: [int(part) for part in re.findall(r"\d+", v)])


def _next_number(versions: Sequence[str]) -> int:
    majors = [int(v.partition(".")[0]) for v in versions if v.partition(".")[0].isdigit()]
    return max(majors, default=0) + 1
