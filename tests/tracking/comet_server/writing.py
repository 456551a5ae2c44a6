"""The write side: experiments begin, grow and end."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any

from comet_server.calls import Call, RefusalError, answers
from comet_server.state import Asset, Experiment

_BEATS = ("is_alive_beat_duration_millis", "gpu_monitor_interval_millis", "cpu_monitor_interval_millis")


@answers("GET", "isAlive/ver")
def _version(call: Call) -> Any:
    return {"version": "4.35.0"}


@answers("GET", "health/ping")
@answers("POST", "asset/3d-limits", "notification/experiment", "status-report/offline-metadata")
@answers("POST", "write/experiment/*/mark-not-throttled", "write/experiment/output", "write/experiment/file-path")
@answers("POST", "write/experiment/html", "write/experiment/graph", "write/experiment/cloud-details")
@answers("PUT", "write/experiment/dependencies")
def _taken(call: Call) -> Any:
    return {}


@answers("POST", "logger/add/run", apiKey="text", experimentKey="text", libVersion="text", local_timestamp="number")
def _add_run(call: Call) -> Any:
    asked = call.json
    key = asked["experimentKey"]
    if key in call.state.experiments and not asked.get("getOrCreateEnabled"):
        raise RefusalError(400, 90999, "experiment exists")
    made = Experiment(key, asked.get("teamName") or "default-team", asked.get("projectName") or "general")
    return _handshake(call, call.state.experiments.setdefault(key, made))


@answers("POST", "logger/get/run", apiKey="text", previousExperiment="text", libVersion="text")
def _get_run(call: Call) -> Any:
    key = call.json["previousExperiment"]
    if key not in call.state.experiments:
        raise RefusalError(400, 90210, "not found")
    return _handshake(call, call.state.experiments[key])


def _handshake(call: Call, experiment: Experiment) -> dict[str, Any]:
    experiment.running = True
    urls = ("cometWebAssetUrl", "cometRestApiAssetUrl", "cometWebImageUrl", "cometRestApiImageUrl")
    return {
        "runId": uuid.uuid4().hex,
        "project_id": f"{experiment.workspace}/{experiment.project}",
        "focusUrl": f"{call.server.root}/{experiment.workspace}/{experiment.project}/",
        "name": experiment.name,
        "lastOffset": 0,
        "upload_file_size_limit_in_mb": 100,
        "asset_upload_file_size_limit_in_mb": 100,
        "featureToggles": [],
        "s3DirectAccessEnabled": False,
        **dict.fromkeys(urls),
        "githubEnabled": False,
        "msg": "ok",
    }


@answers("POST", "status-report/update", apiKey="text", experimentKey="text", runId="text", is_alive="truth")
def _status_report(call: Call) -> Any:
    return {**dict.fromkeys(_BEATS, 10_000), "parameter_update_interval_millis": 10_000, "pending_rpcs": False}


@answers("POST", "batch/logger/experiment/metric", experimentKey="text", values="list")
def _metrics(call: Call) -> Any:
    experiment = call.experiment()
    for value in call.json["values"]:
        if not isinstance(value.get("metricName"), str) or len(value["metricName"]) > 100:
            call.violation(f"metric name {value.get('metricName')!r}")
        if not isinstance(value.get("timestamp"), int) or not isinstance(value.get("step"), int | None):
            call.violation(f"metric point {value}")
        if value["metricName"] == experiment.forgets:
            continue
        text = {**value, "metricValue": str(value["metricValue"]), "runContext": value.get("context")}
        experiment.points.append({**text, "offset": len(experiment.points)})
    return {}


@answers("POST", "batch/logger/experiment/parameter", experimentKey="text", values="list")
def _parameters(call: Call) -> Any:
    for value in call.json["values"]:
        if not isinstance(value.get("parameterName"), str) or len(str(value.get("parameterValue"))) > 1000:
            call.violation(f"parameter {value}")
        call.experiment().params[value["parameterName"]] = str(value["parameterValue"])
    return {}


@answers("POST", "write/experiment/log-other", experimentKey="text", key="text")
def _other(call: Call) -> Any:
    experiment, asked = call.experiment(), call.json
    if len(str(asked["value"])) > 1000:
        call.violation(f"a value of {len(str(asked['value']))} characters for {asked['key']}")
    experiment.others[asked["key"]] = str(asked["value"])
    if asked["key"] == "Name":
        experiment.name = str(asked["value"])
    return {}


@answers("POST", "tags/add-tags-to-experiment", apiKey="text", experimentKey="text", addedTags="list")
@answers("POST", "write/experiment/tags", experimentKey="text", addedTags="list")
def _tags(call: Call) -> Any:
    call.experiment().tags |= dict.fromkeys(call.json["addedTags"], True)
    return {}


@answers("POST", "write/experiment/git/metadata", experimentKey="text")
def _git(call: Call) -> Any:
    call.experiment().git = {k: v for k, v in call.json.items() if k != "experimentKey"}
    return {}


@answers("POST", "write/experiment/system-details", experimentKey="text")
def _system(call: Call) -> Any:
    call.experiment().system.append(call.json)
    return {}


@answers("POST", "write/experiment/update-status", experimentKey="text", isAlive="truth")
def _status(call: Call) -> Any:
    call.experiment().running = call.json["isAlive"]
    return {}


@answers("POST", "asset/upload", query=("experimentId", "projectId", "fileName"))
def _upload(call: Call) -> Any:
    kind = call.query.get("type") or "asset"
    if kind == "model-element" and not call.query.get("groupingName"):
        call.violation("a model's file without its model")
    return _keep(call, call.query["fileName"], kind, group=call.query.get("groupingName"))


@answers("POST", "visualizations/upload", query=("experimentId", "projectId", "figName"))
def _figure(call: Call) -> Any:
    return _keep(call, call.query["figName"], "image")


@answers("POST", "git-patch/upload", query=("experimentId", "projectId"))
def _patch(call: Call) -> Any:
    with zipfile.ZipFile(io.BytesIO(call.parts()["file"])) as archive:
        assert archive.namelist()
    return _keep(call, "git_diff.patch", "git-patch")


def _keep(call: Call, name: str, kind: str, *, group: str | None = None) -> Any:
    parts = call.parts()
    if "file" not in parts:
        call.violation("no file in the form")
    metadata = json.loads(parts["metadata"]) if parts.get("metadata") else None
    asset_id = call.query.get("assetId") or call.query.get("imageId") or uuid.uuid4().hex
    asset = Asset(id=asset_id, name=name, kind=kind, group=group, content=parts["file"], metadata=metadata)
    call.experiment().keep(asset, replace=call.query.get("overwrite", "").lower() == "true")
    return {}
