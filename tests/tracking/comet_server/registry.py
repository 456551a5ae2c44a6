"""The model registry: versions of experiments' models, their tags, status and metadata."""

from __future__ import annotations

import re
import uuid
from typing import Any

from comet_server.calls import Call, RefusalError, answers
from comet_server.reading import zipped
from comet_server.state import Version

STATUSES = ("None", "Development", "Staging", "QA", "Production")
_SEMANTIC = re.compile(r"\d+\.\d+\.\d+")
_NORMALISED = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_OF_MODEL = ("workspaceName", "modelName")
_OF_VERSION = (*_OF_MODEL, "version")


@answers(
    "POST",
    "write/registry-model/item/create",
    experimentKey="text",
    experimentModelName="text",
    registryModelName="text",
    version="text",
)
def _create(call: Call) -> Any:
    asked, experiment = call.json, call.experiment()
    name, version = asked["registryModelName"], asked["version"]
    if not _NORMALISED.fullmatch(name):
        call.violation(f"{name!r} is not the name of a registered model")
    if asked["experimentModelName"] not in experiment.models():
        raise RefusalError(400, message="the experiment has no such model")
    if call.server.version_conflicts:  # somebody else was faster
        call.server.version_conflicts -= 1
        _add(call, name, version)
    if not _SEMANTIC.fullmatch(version) or any(v.version == version for v in call.state.of_model(name)):
        raise RefusalError(400, 42001, "version exists")
    return {"registryModelId": name, "registryModelItemId": _add(call, name, version).id}


def _add(call: Call, name: str, version: str) -> Version:
    asked = call.json
    made = Version(
        id=uuid.uuid4().hex,
        name=name,
        version=version,
        key=asked["experimentKey"],
        model=asked["experimentModelName"],
        tags=list(asked.get("tags") or ()),
        comment=asked.get("versionComment"),
    )
    call.state.versions.append(made)
    return made


@answers("POST", "write/registry-model/item/*/metadata", metadata="list")
def _describe(call: Call) -> Any:
    _by_id(call, call.varying[0]).metadata |= {entry["key"]: str(entry["value"]) for entry in call.json["metadata"]}
    return {}


@answers("GET", "registry-model/item/*/metadata")
def _description(call: Call) -> Any:
    return {"metadata": [{"key": k, "value": v} for k, v in _by_id(call, call.varying[0]).metadata.items()]}


@answers("GET", "registry-model", query=("workspaceName",))
def _names(call: Call) -> Any:
    names = dict.fromkeys(v.name for v in call.state.versions)
    return {"registryModels": [{"registryModelId": n, "modelName": n} for n in names]}


@answers("GET", "registry-model/count", query=("workspaceName",))
def _count(call: Call) -> Any:
    return {"registryModelCount": len({v.name for v in call.state.versions})}


@answers("GET", "registry-model/compact-details", query=_OF_MODEL)
def _compact(call: Call) -> Any:
    if not call.state.of_model(call.query["modelName"]):
        raise RefusalError(404, message="no such model")
    return {"registryModelId": call.query["modelName"]}


@answers("GET", "registry-model/details", query=_OF_MODEL)
def _details(call: Call) -> Any:
    found = call.state.of_model(call.query["modelName"])
    if not found:
        raise RefusalError(404, message="no such model")
    # Unlike the details of one version, these do not repeat the key, and call tags by their old name.
    hidden = ("experimentKey", "tags", "status")
    listed = [{k: value for k, value in v.details().items() if k not in hidden} for v in found]
    return {"registryModelId": found[0].name, "modelName": found[0].name, "versions": listed}


@answers("GET", "registry-model/items", query=_OF_MODEL)
def _items(call: Call) -> Any:
    tag, status = call.query.get("tag"), call.query.get("status")
    found = call.state.of_model(call.query["modelName"])
    return {"items": [v.details() for v in found if (not tag or tag in v.tags) and (not status or status == v.status)]}


@answers("GET", "registry-model/item/details", query=_OF_VERSION)
def _item(call: Call) -> Any:
    return _version(call).details()


@answers("GET", "registry-model/item/download", query=_OF_VERSION)
def _download(call: Call) -> Any:
    version = _version(call)
    return zipped(call.experiment(version.key), version.model)


@answers("GET", "registry-model/item/download-instructions", query=_OF_VERSION)
def _instructions(call: Call) -> Any:
    version = _version(call)
    assets = [a for a in call.experiment(version.key).assets if a.group == version.model]
    listed = [a.listed(version.key, call.server.root) for a in assets]
    return {"s3DownloadEnabled": False, "versions": [{"assets": listed}]}


@answers("GET", "registry-model/allowed_status_values", query=("workspaceName",))
def _statuses(call: Call) -> Any:
    return {"allowedStatus": list(call.server.statuses)}


@answers("POST", "write/registry-model/item/status", modelItemId="text", status="text")
def _set_status(call: Call) -> Any:
    if call.json["status"] not in call.server.statuses or call.server.guards_status:
        raise RefusalError(403 if call.server.guards_status else 400, message="an owner has to approve")
    _by_id(call, call.json["modelItemId"]).status = call.json["status"]
    return {}


@answers("GET", "write/registry-model/item/stage", query=("modelItemId", "stage"))
def _tag(call: Call) -> Any:
    tags = _by_id(call, call.query["modelItemId"]).tags
    if call.query["stage"] not in tags:
        tags.append(call.query["stage"])
    return {}


@answers("GET", "write/registry-model/item/stage/delete", query=("modelItemId", "stage"))
def _untag(call: Call) -> Any:
    tags = _by_id(call, call.query["modelItemId"]).tags
    if call.query["stage"] in tags:
        tags.remove(call.query["stage"])
    return {}


def _version(call: Call) -> Version:
    found = [v for v in call.state.of_model(call.query["modelName"]) if v.version == call.query["version"]]
    if not found:
        raise RefusalError(404, message="no such version")
    return found[0]


def _by_id(call: Call, item: str) -> Version:
    found = [v for v in call.state.versions if v.id == item]
    if not found:
        raise RefusalError(404, message="no such version")
    return found[0]
