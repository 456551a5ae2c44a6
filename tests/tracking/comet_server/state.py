"""What the stand-in remembers, and how it answers: one small function for each kind of fact."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Asset:
    id: str
    name: str
    kind: str
    group: str | None
    content: bytes
    metadata: dict[str, Any] | None = None
    created: int = field(default_factory=now_ms)

    def listed(self, key: str, root: str) -> dict[str, Any]:
        return {
            "assetId": self.id,
            "fileName": self.name,
            "fileSize": len(self.content),
            "type": self.kind,
            "dir": "others",
            "step": None,
            "link": f"{root}/api/rest/v2/experiment/asset/get-asset?experimentKey={key}&assetId={self.id}",
            "metadata": None if self.metadata is None else json.dumps(self.metadata),
            "experimentKey": key,
            "remote": False,
            "s3Link": None,
            "createdAt": self.created,
        }


@dataclass
class Experiment:
    key: str
    workspace: str
    project: str
    name: str | None = None
    running: bool = True
    started: int = field(default_factory=now_ms)
    params: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    points: list[dict[str, Any]] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    forgets: str | None = None  # a metric that is taken and not kept
    truncates: str | None = None  # a file that is kept in half
    tags: dict[str, bool] = field(default_factory=dict)
    git: dict[str, Any] = field(default_factory=dict)
    system: list[dict[str, Any]] = field(default_factory=list)

    def metadata(self) -> dict[str, Any]:
        return {
            "experimentKey": self.key,
            "experimentName": self.name,
            "workspaceName": self.workspace,
            "projectName": self.project,
            "projectId": f"{self.workspace}/{self.project}",
            "running": self.running,
            "hasCrashed": False,
            "archived": False,
            "startTimeMillis": self.started,
            "endTimeMillis": now_ms(),
            "durationMillis": now_ms() - self.started,
            "throttle": False,
            "fileName": None,
            "filePath": None,
            "optimizationId": None,
        }

    def last_values(self) -> dict[str, str]:
        return {p["metricName"]: p["metricValue"] for p in self.points}

    def series(self, metric: str) -> list[dict[str, Any]]:
        return [p for p in self.points if p["metricName"] == metric]

    def keep(self, asset: Asset, *, replace: bool) -> None:
        if replace:
            same = (asset.name, asset.kind, asset.group)
            self.assets = [a for a in self.assets if (a.name, a.kind, a.group) != same]
        if asset.name == self.truncates:
            asset.content = asset.content[: len(asset.content) // 2]
        self.assets.append(asset)

    def file(self, name: str) -> bytes:
        return next(a.content for a in self.assets if (a.name, a.kind) == (name, "asset"))

    def models(self) -> list[str]:
        return sorted({a.group for a in self.assets if a.kind == "model-element" and a.group})


@dataclass
class Version:
    id: str
    name: str
    version: str
    key: str
    model: str
    tags: list[str]
    status: str = "None"
    comment: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def details(self) -> dict[str, Any]:
        return {
            "registryModelItemId": self.id,
            "version": self.version,
            "experimentKey": self.key,
            "experimentModel": {"experimentKey": self.key, "experimentModelName": self.model},
            "status": self.status,
            "tags": list(self.tags),
            "stages": list(self.tags),
            "comment": self.comment,
        }


@dataclass
class State:
    experiments: dict[str, Experiment] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)

    def project(self, workspace: str, project: str) -> list[Experiment]:
        return [e for e in self.experiments.values() if (e.workspace, e.project) == (workspace, project)]

    def of_model(self, name: str) -> list[Version]:
        found = [v for v in self.versions if v.name == name]
        return sorted(found, key=lambda v: [int(p) for p in v.version.split(".")], reverse=True)
