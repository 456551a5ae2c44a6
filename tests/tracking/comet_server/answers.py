"""What the stand-in answers, endpoint by endpoint: the method is the path with underscores."""

from __future__ import annotations

import email
import io
import json
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

from comet_server.state import Experiment, Version

KEY = "KeyOfTheTests0123456789ab"


class RefusalError(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, code: int = 0, message: str = "refused") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"msg": message, "sdk_error_code": code, "code": status}


class Call:
    """One request and the answers to all of them."""

    def __init__(self, server: Any, path: str, query: dict[str, str], headers: Any, body: bytes) -> None:
        self.server = server
        self.state = server.state
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body or b"{}")

    def result(self) -> Any:
        for end, status in self.server.faults.items():
            if self.path.endswith(end):
                raise RefusalError(status)
        parts = self.path.strip("/").split("/")
        rest = parts[1:] if parts[0] == "clientlib" else parts[3:]  # api/rest/v2
        if rest[:2] == ["rest", "v2"]:
            rest = rest[2:]
        name = "/".join(rest)
        if name == "isAlive/ver":
            return {"version": "4.35.0"}
        self._check_key()
        if name.startswith("write/registry-model/item/") and name.endswith("/metadata"):
            return {}
        if name.startswith("write/experiment/") and name.endswith("mark-not-throttled"):
            return {}
        answer: Callable[[], Any] | None = getattr(self, "on_" + name.replace("/", "_").replace("-", "_"), None)
        if answer is None:
            self.server.unknown.append(name)
            raise RefusalError(404)
        return answer()

    def _check_key(self) -> None:
        given = self.headers.get("Authorization") or (self.json.get("apiKey") if self.body[:1] == b"{" else None)
        if given != KEY:
            self.refuse_key()

    def refuse_key(self) -> None:
        raise RefusalError(400 if "logger" in self.path else 401, 90212, "Invalid API key")

    def experiment(self, key: str | None = None) -> Experiment:
        key = key or self.query.get("experimentKey") or self.query.get("experimentId") or self.json.get("experimentKey")
        if key not in self.state.experiments:
            raise RefusalError(404, 90210, "no such experiment")
        return self.state.experiments[key]

    # -- write side: experiments

    def on_logger_add_run(self) -> Any:
        asked = self.json
        key = asked["experimentKey"]
        if key in self.state.experiments and not asked.get("getOrCreateEnabled"):
            raise RefusalError(400, 90999, "experiment exists")
        made = Experiment(key, asked.get("teamName") or "default-team", asked.get("projectName") or "general")
        return self._handshake(self.state.experiments.setdefault(key, made))

    def on_logger_get_run(self) -> Any:
        key = self.json["previousExperiment"]
        if key not in self.state.experiments:
            raise RefusalError(400, 90210, "not found")
        return self._handshake(self.state.experiments[key])

    def _handshake(self, experiment: Experiment) -> dict[str, Any]:
        experiment.running = True
        root = self.server.root
        return {
            "runId": uuid.uuid4().hex,
            "project_id": f"{experiment.workspace}/{experiment.project}",
            "focusUrl": f"{root}/{experiment.workspace}/{experiment.project}/",
            "name": experiment.name,
            "lastOffset": 0,
            "upload_file_size_limit_in_mb": 100,
            "asset_upload_file_size_limit_in_mb": 100,
            "featureToggles": [],
            "s3DirectAccessEnabled": False,
            "cometWebAssetUrl": None,
            "cometRestApiAssetUrl": None,
            "cometWebImageUrl": None,
            "cometRestApiImageUrl": None,
            "githubEnabled": False,
            "msg": "ok",
        }

    def on_asset_3d_limits(self) -> Any:
        return {}

    on_health_ping = on_write_experiment_system_details = on_asset_3d_limits
    on_notification_experiment = on_tags_add_tags_to_experiment = on_asset_3d_limits

    def on_status_report_update(self) -> Any:
        names = ("is_alive_beat_duration_millis", "gpu_monitor_interval_millis", "cpu_monitor_interval_millis")
        return {**dict.fromkeys(names, 10_000), "parameter_update_interval_millis": 10_000, "pending_rpcs": False}

    def on_batch_logger_experiment_metric(self) -> Any:
        experiment = self.experiment()
        for value in self.json["values"]:
            text = {**value, "metricValue": str(value["metricValue"]), "runContext": value.get("context")}
            experiment.points.append({**text, "offset": len(experiment.points)})
        return {}

    def on_batch_logger_experiment_parameter(self) -> Any:
        for value in self.json["values"]:
            self.experiment().params[value["parameterName"]] = str(value["parameterValue"])
        return {}

    def on_write_experiment_log_other(self) -> Any:
        experiment, asked = self.experiment(), self.json
        experiment.others[asked["key"]] = str(asked["value"])
        if asked["key"] == "Name":
            experiment.name = str(asked["value"])
        return {}

    def on_write_experiment_update_status(self) -> Any:
        self.experiment().running = bool(self.json.get("isAlive"))
        return {}

    def on_asset_upload(self) -> Any:
        kind = self.headers["Content-Type"]
        message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + self.body)
        for part in message.get_payload():
            if part.get_param("name", header="content-disposition") == "file":
                self.experiment().upload(self.query, part.get_payload(decode=True))
        return {}

    def on_visualizations_upload(self) -> Any:
        self.query["type"] = "image"
        return self.on_asset_upload()

    # -- read side: experiments

    def on_account_details(self) -> Any:
        return {"userName": "me", "defaultWorkspaceName": "default-team"}

    def on_experiment_metadata(self) -> Any:
        return self.experiment().metadata()

    def on_experiment_tags(self) -> Any:
        return {"tags": []}

    def on_experiments(self) -> Any:
        found = self.state.project(self.query["workspaceName"], self.query["projectName"])
        if not found:
            raise RefusalError(404, message="no such project")
        return {"experiments": [e.metadata() for e in found]}

    def _summary(self, values: dict[str, str]) -> Any:
        return {"values": [{"name": k, "valueCurrent": v, "valueMin": v, "valueMax": v} for k, v in values.items()]}

    def on_experiment_metrics_summary(self) -> Any:
        return self._summary(self.experiment().last_values())

    def on_experiment_parameters(self) -> Any:
        return self._summary(self.experiment().params)

    def on_experiment_log_other(self) -> Any:
        return self._summary(self.experiment().others)

    def on_experiment_metrics_get_metric(self) -> Any:
        wanted = self.query["metricName"]
        return {"metrics": [p for p in self.experiment().points if p["metricName"] == wanted]}

    def on_experiment_asset_list(self) -> Any:
        experiment = self.experiment()
        return {"assets": [a.listed(experiment.key, self.server.root) for a in experiment.assets]}

    def on_experiment_asset_get_asset(self) -> Any:
        return next(a.content for a in self.experiment().assets if a.id == self.query["assetId"])

    def on_experiment_model(self) -> Any:
        experiment = self.experiment()
        names = experiment.models()
        return {"models": [{"experimentModelId": n, "experimentKey": experiment.key, "modelName": n} for n in names]}

    def on_experiment_model_download(self) -> Any:
        return self._zip(self.experiment(), self.query["modelName"])

    def _zip(self, experiment: Experiment, model: str) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for asset in experiment.assets:
                if asset.group == model:
                    archive.writestr(asset.name, asset.content)
        return buffer.getvalue()

    def on_project_column_names(self) -> Any:
        columns: dict[tuple[str, str], str] = {}
        for experiment in self.state.project(self.query["workspaceName"], self.query["projectName"]):
            columns |= {(n, "metrics"): "double" for n in experiment.last_values()}
            columns |= {(n, "params"): "string" for n in experiment.params}
            columns |= {(n, "log_other"): "string" for n in experiment.others}
        return {"columns": [{"name": n, "source": s, "type": t} for (n, s), t in columns.items()]}

    def on_project_query(self) -> Any:
        asked = self.json
        rules = [rule for predicate in asked["predicates"] for rule in predicate["query"]["rules"]]
        assert all(rule["operator"] == "equal" for rule in rules)
        found = [
            e.key
            for e in self.state.project(asked["workspaceName"], asked["projectName"])
            if all(e.others.get(rule["field"]) == rule["value"] for rule in rules)
        ]
        return {"experimentKeys": found}

    def on_experiments_multi_metric_chart(self) -> Any:
        asked = self.json
        charts = {}
        for key in asked["targetedExperiments"]:
            experiment = self.state.experiments[key]
            series = {
                name: [float(p["metricValue"]) for p in experiment.points if p["metricName"] == name]
                for name in asked["metrics"]
            }
            params = {n: experiment.params[n] for n in asked["params"] or () if n in experiment.params}
            metrics = [{"metricName": n, "values": values} for n, values in series.items() if values]
            charts[key] = {"experimentKey": key, "metrics": metrics, "params": params}
        return {"empty": not charts, "experiments": charts}

    # -- registry

    def on_write_registry_model_item_create(self) -> Any:
        asked = self.json
        name, version = asked["registryModelName"], asked["version"]
        if self.server.version_conflicts:  # somebody else was faster
            self.server.version_conflicts -= 1
            self._add_version(name, version, key=asked["experimentKey"], model=asked["experimentModelName"])
        if any(v.version == version for v in self.state.of_model(name)):
            raise RefusalError(400, 42001, "version exists")
        made = self._add_version(name, version, key=asked["experimentKey"], model=asked["experimentModelName"])
        return {"registryModelId": name, "registryModelItemId": made.id}

    def _add_version(self, name: str, version: str, *, key: str, model: str) -> Version:
        made = Version(id=uuid.uuid4().hex, name=name, version=version, key=key, model=model, tags=[])
        self.state.versions.append(made)
        return made

    def on_registry_model_compact_details(self) -> Any:
        if not self.state.of_model(self.query["modelName"]):
            raise RefusalError(404, message="no such model")
        return {"registryModelId": self.query["modelName"]}

    def on_registry_model_items(self) -> Any:
        tag = self.query.get("tag")
        found = self.state.of_model(self.query["modelName"])
        return {"items": [v.details() for v in found if not tag or tag in v.tags]}

    def _version(self) -> Version:
        found = self.state.of_model(self.query["modelName"])
        return next(v for v in found if v.version == self.query["version"])

    def on_registry_model_item_details(self) -> Any:
        return self._version().details()

    def on_registry_model_item_download(self) -> Any:
        version = self._version()
        return self._zip(self.experiment(version.key), version.model)

    def on_registry_model_details(self) -> Any:
        return {"versions": [v.details() for v in self.state.of_model(self.query["modelName"])]}

    def on_write_registry_model_item_stage(self) -> Any:
        version = next(v for v in self.state.versions if v.id == self.query["modelItemId"])
        version.tags.append(self.query["stage"])
        return {}

    def on_write_registry_model_item_stage_delete(self) -> Any:
        version = next(v for v in self.state.versions if v.id == self.query["modelItemId"])
        version.tags.remove(self.query["stage"])
        return {}
