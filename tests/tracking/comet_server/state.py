"""What the stand-in remembers, and how it answers: one small function for each kind of fact."""

from __future__ import annotations

import time
import uuid
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
            "metadata": None,
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

    def upload(self, query: dict[str, str], content: bytes) -> None:
        name = query.get("fileName") or query.get("figName") or "image"
        kind, group = query.get("type") or "asset", query.get("groupingName")
        if query.get("overwrite", "").lower() == "true":
            self.assets = [a for a in self.assets if (a.name, a.kind, a.group) != (name, kind, group)]
        asset_id = query.get("assetId") or query.get("imageId") or uuid.uuid4().hex
        self.assets.append(Asset(id=asset_id, name=name, kind=kind, group=group, content=content))

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

    def details(self) -> dict[str, Any]:
        return {
            "registryModelItemId": self.id,
            "version": self.version,
            "experimentKey": self.key,
            "experimentModel": {"experimentKey": self.key, "experimentModelName": self.model},
            "status": "None",
            "tags": list(self.tags),
            "stages": list(self.tags),
            "comment": None,
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
