"""Comet's model registry: versions are "1.0.0", "2.0.0", …, aliases are its tags.

Several versions may carry a tag there; that only one does is our doing, and not atomic: between the two
requests a reader finds the newer holder. A new version is the challenger until it becomes champion. Status is
the organisation's own word: it is asked for where the list has it, and an owner may have to approve.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mltrain.errors import NoRunError, TrackerError
from mltrain.tracking import ModelVersion
from mltrain.tracking.comet.environment import import_comet
from mltrain.tracking.comet.faults import redacted

logger = logging.getLogger(__name__)

CHAMPION = "champion"
CHALLENGER = "challenger"
_N_ATTEMPTS = 5


class OnlineRegistry:
    """The registered models of one workspace.

    Parameters
    ----------
    champion_status : str
        Status that is asked for a champion where the workspace allows it; empty asks for none.
    """

    def __init__(self, api: Any, workspace: str, *, champion_status: str) -> None:
        self._api = api
        self._workspace = workspace
        self._champion_status = champion_status

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
                    tags=[CHALLENGER],
                )
            except (ValueError, comet.exceptions.CometRestApiException):
                if version not in self._known(name):
                    raise
            else:
                self._untag_others(self._model(name), CHALLENGER, version)
                aliases = frozenset({CHALLENGER})
                return ModelVersion(name=name, version=version, run_id=str(experiment.key), aliases=aliases)
        raise TrackerError(f"comet refused {_N_ATTEMPTS} versions of '{name}' in a row")

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Tag a version, then untag the others."""
        model = self._model(name)
        if model is None or version not in model.find_versions():
            raise NoRunError(f"'{name}' has no version {version!r} at comet")
        model.add_tag(version, alias)
        self._untag_others(model, alias, version)
        if alias == CHAMPION:
            if CHALLENGER in (model.get_details(version).get("tags") or ()):
                model.delete_tag(version, CHALLENGER)
            self._ask_for_status(model, version)

    def get_alias(self, name: str, alias: str) -> ModelVersion | None:
        """Return the newest version with the tag."""
        model = self._model(name)
        held = _sorted(model.find_versions(tag=alias)) if model is not None else []
        return _version(name, held[-1], model.get_details(held[-1])) if held else None

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """Return all versions, oldest first, by one request."""
        listed = {str(details["version"]): details for details in self._listed(name)}
        return [_version(name, version, listed[version]) for version in _sorted(list(listed))]

    def download(self, name: str, version: str, folder: Path) -> None:
        """Put the version's files into a folder as one zip file."""
        if version not in self._known(name):
            raise NoRunError(f"'{name}' has no version {version!r} at comet")
        self._api.download_registry_model(
            self._workspace, _normalised(name), version, output_path=str(folder), expand=False
        )

    def _untag_others(self, model: Any, alias: str, version: str) -> None:
        for other in model.find_versions(tag=alias):
            if other != version:
                model.delete_tag(other, alias)

    def _ask_for_status(self, model: Any, version: str) -> None:
        """Ask for the champion's status; who may set it is the organisation's business, so a no is only noted."""
        comet, wanted = import_comet(), self._champion_status
        try:
            if wanted and wanted in self._api.model_registry_allowed_status_values(self._workspace):
                model.set_status(version, wanted)
        except (ValueError, comet.exceptions.CometRestApiException) as error:
            logger.warning("comet did not take status %s for version %s: %s", wanted, version, redacted(str(error)))

    def _known(self, name: str) -> list[str]:
        return [str(details["version"]) for details in self._listed(name)]

    def _listed(self, name: str) -> list[Mapping[str, Any]]:
        """Return what the service says of all versions; nothing of a name that it does not know."""
        with _unknown_is_nothing():
            found = self._api.get_registry_model_details(self._workspace, _normalised(name))
            return list(found["versions"] or ())
        return []

    def _model(self, name: str) -> Any:
        """Return a registered model; None when the workspace has none of the name."""
        with _unknown_is_nothing():
            return self._api.get_model(self._workspace, _normalised(name))
        return None


@contextmanager
def _unknown_is_nothing() -> Iterator[None]:
    """Leave the block when the service does not know what it is asked for."""
    comet = import_comet()
    try:
        yield
    except comet.exceptions.CometRestApiException as error:
        if error.response.status_code not in (400, 404):
            raise


def _version(name: str, version: str, details: Mapping[str, Any]) -> ModelVersion:
    """Return a version as the service describes it, alone or among all of its model."""
    key = details.get("experimentKey") or details["experimentModel"]["experimentKey"]
    aliases = details.get("tags") or details.get("stages") or ()  # tags were called stages
    return ModelVersion(name=name, version=version, run_id=str(key), aliases=frozenset(aliases))


def _normalised(name: str) -> str:
    """Return a name as the service stores it: lower case with dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _sorted(versions: Sequence[str]) -> list[str]:
    return sorted(versions, key=lambda v: [int(part) for part in re.findall(r"\d+", v)])


def _next_number(versions: Sequence[str]) -> int:
    majors = [int(v.partition(".")[0]) for v in versions if v.partition(".")[0].isdigit()]
    return max(majors, default=0) + 1
