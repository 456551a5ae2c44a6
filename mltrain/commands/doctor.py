"""``mltrain doctor``: what is installed, what is missing, and what that costs.

Looks and imports nothing heavy; changes nothing but a probe file that it removes at once.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mltrain import files
from mltrain._version import __version__
from mltrain.errors import EnvironmentRefusal
from mltrain.installer import install
from mltrain.plugins import install_extra, installed_version
from mltrain.workspace import Workspace

_CORE = (
    "typer", "rich", "pydantic", "ruamel.yaml", "filelock", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy",
    "lightgbm", "xgboost", "optuna", "comet_ml", "matplotlib", "threadpoolctl", "psutil",
)  # fmt: skip
_SLIM = {"xgboost": "xgboost-cpu"}  # distributions that bring the same module
_EXTRAS = {  # distributions of the data sources' extras: what their absence costs
    "psycopg": ("sql", "PostgreSQL cannot be read"),
    "duckdb": ("duckdb", "DuckDB cannot be read"),
    "deltalake": ("delta", "Delta tables cannot be read"),
    "s3fs": ("s3", "s3:// cannot be read"),
    "gcsfs": ("gcs", "gs:// cannot be read"),
    "adlfs": ("azure", "abfs:// cannot be read"),
}
_LEAST_FREE_BYTES = 1_000_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing looked at.

    Attributes
    ----------
    state : {"ok", "missing", "warning", "optional"}
        ``optional``: it is not there, and nothing is wrong with that.
    finding : str
        What is there.
    advice : str
        What its absence costs and what to do; empty when all is well.
    """

    name: str
    state: Literal["ok", "missing", "warning", "optional"]
    finding: str
    advice: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DoctorResult:
    """All checks; ``healthy`` when nothing that mltrain needs is missing."""

    healthy: bool
    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """6 when something is missing: the environment refuses."""
        return 0 if self.healthy else EnvironmentRefusal.exit_code


def doctor(workspace: Workspace, *, environment: Mapping[str, str] | None = None) -> DoctorResult:
    """Look at the installation, the machine and the workspace.

    Parameters
    ----------
    environment : mapping, optional
        Environment variables; by default those of this process. No value is ever shown.
    """
    variables = os.environ if environment is None else environment
    checks = (
        Check(name="mltrain", state="ok", finding=f"{__version__} on Python {platform.python_version()}"),
        *(_library(name) for name in _CORE),
        _mlflow(),
        _catboost(),
        *(_extra(distribution, *cost) for distribution, cost in _EXTRAS.items()),
        _feast(variables),
        _comet_key(variables),
        _cores(),
        _disk(workspace),
        _writable(workspace),
    )
    return DoctorResult(healthy=all(check.state != "missing" for check in checks), checks=checks)


def _library(name: str) -> Check:
    """Look for a library that mltrain cannot do without."""
    version = installed_version(name) or installed_version(_SLIM.get(name, name))
    if version is None:
        return Check(name=name, state="missing", finding="not installed", advice=install(name))
    return Check(name=name, state="ok", finding=version)


def _mlflow() -> Check:
    """Look for the MLflow extra."""
    version = installed_version("mlflow-skinny") or installed_version("mlflow")
    if version is None or importlib.util.find_spec("mlflow") is None:
        advice = f"experiment_tracker: mlflow cannot be used; {install_extra('mlflow')}"
        return Check(name="mlflow", state="optional", finding="not installed", advice=advice)
    return Check(name="mlflow", state="ok", finding=version)


def _catboost() -> Check:
    """Look for the CatBoost extra."""
    version = installed_version("catboost")
    if version is None:
        advice = f"the model catboost cannot be trained; {install_extra('catboost')}"
        return Check(name="catboost", state="optional", finding="not installed", advice=advice)
    return Check(name="catboost", state="ok", finding=version)


def _feast(environment: Mapping[str, str]) -> Check:
    """Look for the Feast extra, here or in the environment that is named."""
    version = installed_version("feast")
    if version is not None:
        return Check(name="feast", state="ok", finding=version)
    if environment.get("MLTRAIN_FEAST_PYTHON"):
        return Check(name="feast", state="ok", finding="run by MLTRAIN_FEAST_PYTHON")
    advice = f"data.source: feast:... cannot be read; set MLTRAIN_FEAST_PYTHON, or {install_extra('feast')}"
    return Check(name="feast", state="optional", finding="not installed", advice=advice)


def _extra(distribution: str, extra: str, cost: str) -> Check:
    """Look for the extra of a data source."""
    version = installed_version(distribution)
    if version is None:
        advice = f"{cost}; {install_extra(extra)}"
        return Check(name=distribution, state="optional", finding="not installed", advice=advice)
    return Check(name=distribution, state="ok", finding=version)


def _comet_key(environment: Mapping[str, str]) -> Check:
    """Look whether Comet can be reached with a key; the key itself is nobody's business."""
    if environment.get("COMET_API_KEY"):
        return Check(name="comet key", state="ok", finding="COMET_API_KEY is set")
    advice = "Comet works offline: runs wait in runs/.trackers for a key and `mltrain runs sync`"
    return Check(name="comet key", state="optional", finding="COMET_API_KEY is not set", advice=advice)


def _cores() -> Check:
    """Count the cores that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check(name="cpu cores", state="ok", finding=f"{usable} usable of {os.cpu_count()}")


def _disk(workspace: Workspace) -> Check:
    """Look at the space left where the workspace is."""
    free = shutil.disk_usage(workspace.root).free
    finding = f"{free / 1e9:.1f} GB free"
    if free < _LEAST_FREE_BYTES:
        return Check(
            name="disk",
            state="warning",
            finding=finding,
            advice="runs and splits may not fit; free some space",
        )
    return Check(name="disk", state="ok", finding=finding)


def _writable(workspace: Workspace) -> Check:
    """Try to write a file into the workspace."""
    probe = workspace.root / ".mltrain-probe"
    try:
        files.write_text(probe, "")
        probe.unlink()
    except EnvironmentRefusal as error:
        advice = "every command but this one writes here; choose another folder"
        return Check(name="workspace", state="missing", finding=error.message, advice=advice)
    return Check(name="workspace", state="ok", finding=f"{workspace.root} can be written")
