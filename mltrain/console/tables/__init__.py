"""How each result record is drawn, by the name of its class.

By name, so that drawing one command's result does not import the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import RenderableType

from mltrain.console.tables.data import init_tables, split_tables
from mltrain.console.tables.installation import doctor_tables, plugins_tables
from mltrain.console.tables.judging import evaluate_tables, predict_tables, register_tables
from mltrain.console.tables.registry import (
    registry_list_tables,
    registry_pull_tables,
    registry_rollback_tables,
    registry_show_tables,
    registry_verify_tables,
)
from mltrain.console.tables.reproducing import reproduce_tables
from mltrain.console.tables.runs import runs_compare_tables, runs_list_tables, runs_show_tables, runs_sync_tables
from mltrain.console.tables.settings import config_check_tables, config_schema_tables, config_show_tables
from mltrain.console.tables.training import run_tables, train_tables

TABLES: Mapping[str, Callable[[Any], Iterable[RenderableType]]] = {
    "ConfigCheckResult": config_check_tables,
    "ConfigSchemaResult": config_schema_tables,
    "ConfigShowResult": config_show_tables,
    "DoctorResult": doctor_tables,
    "EvaluateResult": evaluate_tables,
    "InitResult": init_tables,
    "PluginsResult": plugins_tables,
    "PredictResult": predict_tables,
    "RegisterResult": register_tables,
    "RegistryListResult": registry_list_tables,
    "RegistryPullResult": registry_pull_tables,
    "RegistryRollbackResult": registry_rollback_tables,
    "RegistryShowResult": registry_show_tables,
    "RegistryVerifyResult": registry_verify_tables,
    "ReproduceResult": reproduce_tables,
    "RunResult": run_tables,
    "RunsCompareResult": runs_compare_tables,
    "RunsListResult": runs_list_tables,
    "RunsShowResult": runs_show_tables,
    "RunsSyncResult": runs_sync_tables,
    "SplitResult": split_tables,
    "TrainResult": train_tables,
}
