"""Files as a Comet experiment holds them; each carries its hash, so that what is there is not sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from mltrain import files

Kind: TypeAlias = Literal["asset", "image", "confusion-matrix", "model-element"]
_KINDS = frozenset(get_args(Kind))
_HASH = "sha256"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """One file at the server.

    Attributes
    ----------
    model : str
        The model it belongs to; empty when it is of none.
    sha256 : str
        Hash of the file it was made from; empty when the server does not say.
    """

    kind: Kind
    name: str
    model: str = ""
    sha256: str = ""


def proof_of(path: Path) -> dict[str, str]:
    """Return what is noted beside a file at the server."""
    return {_HASH: files.sha256(path)}


def stored_files(experiment: Any) -> frozenset[Stored]:
    """Ask what files an experiment holds, those of its models included.

    Parameters
    ----------
    experiment : comet_ml.APIExperiment
    """
    return frozenset(_stored_files(experiment))


def is_plain(asset: Mapping[str, Any]) -> bool:
    """Say whether an asset is a file as it was logged, not what Comet draws from one, nor a model's."""
    return asset.get("type") not in _KINDS - {"asset"}


def sha256_of(asset: Mapping[str, Any]) -> str:
    """Return the hash that was noted, or nothing; the service gives what is noted as text, and not always."""
    noted = asset.get("metadata")
    try:
        document = json.loads(noted) if isinstance(noted, str) else noted
    except ValueError:
        return ""
    return str(document.get(_HASH, "")) if isinstance(document, dict) else ""


def _stored_files(experiment: Any) -> Iterator[Stored]:
    for asset in experiment.get_asset_list() or ():
        if asset.get("type") != "model-element":
            yield Stored(kind="asset" if is_plain(asset) else asset["type"], name=_name(asset), sha256=sha256_of(asset))
    for model in experiment.get_model_names() or ():
        for asset in experiment.get_model_asset_list(model) or ():
            yield Stored(kind="model-element", name=_name(asset), model=model, sha256=sha256_of(asset))


def _name(asset: Mapping[str, Any]) -> str:
    return str(asset.get("fileName"))
