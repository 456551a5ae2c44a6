"""The read side: what experiments hold."""

from __future__ import annotations

import io
import operator
import re
import zipfile
from collections.abc import Callable
from typing import Any

from comet_server.calls import Call, RefusalError, answers
from comet_server.state import Experiment

_OF_ONE = ("experimentKey",)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_or_equal": operator.le,
    "greater": operator.gt,
    "greater_or_equal": operator.ge,
    "contains": operator.contains,
    "begins_with": str.startswith,
    "ends_with": str.endswith,
}


@answers("GET", "account-details")
def _account(call: Call) -> Any:
    return {"userName": "me", "defaultWorkspaceName": "default-team"}


@answers("GET", "workspaces")
def _workspaces(call: Call) -> Any:
    return {"workspaceNames": sorted({e.workspace for e in call.state.experiments.values()} | {"default-team"})}


@answers("GET", "projects", query=("workspaceName",))
def _projects(call: Call) -> Any:
    wanted = call.query["workspaceName"]
    names = sorted({e.project for e in call.state.experiments.values() if e.workspace == wanted})
    return {"projects": [{"projectId": f"{wanted}/{name}", "projectName": name} for name in names]}


@answers("GET", "project")
def _project(call: Call) -> Any:
    workspace, name = call.query.get("workspaceName"), call.query.get("projectName")
    if "projectId" in call.query:
        workspace, _, name = call.query["projectId"].partition("/")
    if not call.state.project(str(workspace), str(name)):
        raise RefusalError(404, message="no such project")
    return {"projectId": f"{workspace}/{name}", "projectName": name, "workspaceName": workspace}


@answers("GET", "experiment/metadata", query=_OF_ONE)
def _metadata(call: Call) -> Any:
    return call.experiment().metadata()


@answers("GET", "experiment/tags", query=_OF_ONE)
def _tags(call: Call) -> Any:
    return {"tags": list(call.experiment().tags)}


@answers("GET", "experiment/git/metadata", query=_OF_ONE)
def _git(call: Call) -> Any:
    return call.experiment().git


@answers("GET", "experiments", query=("workspaceName", "projectName"))
def _experiments(call: Call) -> Any:
    found = call.state.project(call.query["workspaceName"], call.query["projectName"])
    if not found:
        raise RefusalError(404, message="no such project")
    return {"experiments": [e.metadata() for e in found]}


def _summary(values: dict[str, str]) -> Any:
    return {"values": [{"name": k, "valueCurrent": v, "valueMin": v, "valueMax": v} for k, v in values.items()]}


@answers("GET", "experiment/metrics/summary", query=_OF_ONE)
def _metrics(call: Call) -> Any:
    return _summary(call.experiment().last_values())


@answers("GET", "experiment/parameters", query=_OF_ONE)
def _parameters(call: Call) -> Any:
    return _summary(call.experiment().params)


@answers("GET", "experiment/log-other", query=_OF_ONE)
def _others(call: Call) -> Any:
    return _summary(call.experiment().others)


@answers("GET", "experiment/metrics/get-metric", query=("experimentKey", "metricName"))
def _metric(call: Call) -> Any:
    return {"metrics": call.experiment().series(call.query["metricName"])}


@answers("GET", "experiment/metrics/get-all", query=_OF_ONE)
def _all_metrics(call: Call) -> Any:
    return {"metrics": call.experiment().points}


@answers("GET", "experiment/asset/list", query=_OF_ONE)
def _assets(call: Call) -> Any:
    experiment, kind = call.experiment(), call.query.get("type")
    wanted = [a for a in experiment.assets if kind in (None, "all", a.kind)]
    return {"assets": [a.listed(experiment.key, call.server.root) for a in wanted]}


@answers("GET", "experiment/asset/get-by-name", query=("experimentKey", "assetName"))
def _asset_by_name(call: Call) -> Any:
    experiment = call.experiment()
    wanted = [a for a in experiment.assets if a.name == call.query["assetName"]]
    return {"assets": [a.listed(experiment.key, call.server.root) for a in wanted]}


@answers("GET", "experiment/asset/get-asset", query=("experimentKey", "assetId"))
def _asset(call: Call) -> Any:
    found = [a.content for a in call.experiment().assets if a.id == call.query["assetId"]]
    if not found:
        raise RefusalError(404, message="no such asset")
    return found[0]


@answers("GET", "experiment/model", query=_OF_ONE)
def _models(call: Call) -> Any:
    experiment = call.experiment()
    names = experiment.models()
    return {"models": [{"experimentModelId": n, "experimentKey": experiment.key, "modelName": n} for n in names]}


@answers("GET", "experiment/model/asset/list", query=("experimentKey", "modelName"))
def _model_assets(call: Call) -> Any:
    experiment = call.experiment()
    wanted = [a for a in experiment.assets if a.group == call.query["modelName"]]
    return {"assets": [a.listed(experiment.key, call.server.root) for a in wanted]}


@answers("GET", "experiment/model/download", query=("experimentKey", "modelName"))
def _model(call: Call) -> Any:
    return zipped(call.experiment(), call.query["modelName"])


def zipped(experiment: Experiment, model: str) -> bytes:
    """Return the files of a model as one archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for asset in experiment.assets:
            if asset.group == model:
                archive.writestr(asset.name, asset.content)
    return buffer.getvalue()


@answers("GET", "project/column-names", query=("workspaceName", "projectName"))
def _columns(call: Call) -> Any:
    columns: dict[tuple[str, str], str] = {}
    for experiment in call.state.project(call.query["workspaceName"], call.query["projectName"]):
        columns |= {(n, "metrics"): "double" for n in experiment.last_values()}
        columns |= {(n, "params"): "string" for n in experiment.params}
        columns |= {(n, "log_other"): _type(v) for n, v in experiment.others.items()}
    return {"columns": [{"name": n, "source": s, "type": t} for (n, s), t in columns.items()]}


def _type(value: str) -> str:
    """Return what the service takes an entry for: what looks like a number is one."""
    return "double" if re.fullmatch(r"-?\d+(\.\d+)?", value) else "string"


@answers("POST", "project/query", workspaceName="text", projectName="text", predicates="list")
def _query(call: Call) -> Any:
    asked = call.json
    found = call.state.project(asked["workspaceName"], asked["projectName"])
    return {"experimentKeys": [e.key for e in found if all(_fits(call, e, p) for p in asked["predicates"])]}


def _fits(call: Call, experiment: Experiment, predicate: dict[str, Any]) -> bool:
    """Say whether an experiment has the values that rules about one kind of entry ask for."""
    held = {"log_other": experiment.others, "params": experiment.params, "metrics": experiment.last_values()}
    query = predicate["query"]
    if predicate["source"] not in held or query["condition"] != "AND" or predicate.get("negated"):
        call.violation(f"the stand-in knows no such predicate: {predicate}")
    return all(_follows(call, held[predicate["source"]], rule) for rule in query["rules"])


def _follows(call: Call, held: dict[str, str], rule: dict[str, Any]) -> bool:
    if rule["operator"] not in _OPERATORS or rule["id"] != rule["field"] or rule["type"] not in ("string", "double"):
        call.violation(f"the stand-in knows no such rule: {rule}")
    value, wanted = held.get(rule["field"]), rule["value"]
    if value is None:
        return False
    if rule["type"] == "double":
        return _OPERATORS[rule["operator"]](float(value), float(wanted))
    return _OPERATORS[rule["operator"]](value, str(wanted))


@answers("POST", "experiments/multi-metric-chart", targetedExperiments="list", metrics="list")
def _charts(call: Call) -> Any:
    asked = call.json
    charts = {}
    for key in asked["targetedExperiments"]:
        experiment = call.experiment(key)
        series = {name: [float(p["metricValue"]) for p in experiment.series(name)] for name in asked["metrics"]}
        params = {n: experiment.params[n] for n in asked["params"] or () if n in experiment.params}
        metrics = [{"metricName": n, "values": values} for n, values in series.items() if values]
        charts[key] = {"experimentKey": key, "metrics": metrics, "params": params}
    return {"empty": not charts, "experiments": charts}
