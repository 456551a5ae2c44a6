"""A model as MLflow knows it: the documents that make an artefact an MLflow model, and the way back into Python.

The artefact stays as it is, in the folder ``data``; beside it lie ``MLmodel`` (with the signature), an input
example, and what an environment for it needs. MLflow calls `_load_pyfunc`; every byte is checked against the artefact's
manifest, nothing is unpickled.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mltrain import artifact
from mltrain.data import Column, ColumnKind, Label, Schema
from mltrain.data.records import schema_from_dict
from mltrain.data.target import PREDICTION, proba_names
from mltrain.errors import DataError, NoRunError
from mltrain.model import Model
from mltrain.tracking.mlflow.logged_models import DATA

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

_SCHEMA = "schema.json"
_EXAMPLE, _REQUEST = "input_example.json", "serving_input_example.json"
_PACKAGES = {"sklearn": "scikit-learn"}
_OUTPUTS = {bool: "boolean", int: "long", float: "double", str: "string"}


def write_documents(model: Path, folder: Path, *, run_id: str, model_id: str) -> None:
    """Write what lies beside the folder ``data`` of a model: ``MLmodel``, example, environment, requirements.

    Parameters
    ----------
    model : Path
        An artefact; of a directory that is none, MLflow learns no signature.
    folder : Path
        Where the documents are written; it must exist.
    run_id : str
        The run that the model is of.
    model_id : str
        The logged model that it becomes.
    """
    from mlflow import models, pyfunc

    schema = _schema(model)
    described = models.Model(
        run_id=run_id,
        model_id=model_id,
        model_uuid=model_id,
        signature=None if schema is None else _signature(schema),
        saved_input_example_info=None if schema is None else _write_example(schema, folder),
    )
    pyfunc.add_to_model(described, loader_module=__name__, data=DATA, python_env="python_env.yaml")
    described.save(str(folder / "MLmodel"))
    needed = ["build_dependencies:", "- pip", "dependencies:", "- -r requirements.txt"]
    (folder / "python_env.yaml").write_text("\n".join([f"python: {platform.python_version()}", *needed, ""]))
    (folder / "requirements.txt").write_text("\n".join([*_requirements(model), ""]))


class Scorer:
    """A model behind MLflow's ``predict``.

    Parameters
    ----------
    model : Model
        As `mltrain.load_model` gives it.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def predict(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return ``prediction`` and ``proba_<class>``, as ``mltrain predict`` writes them.

        Raises
        ------
        mltrain.errors.SchemaError
            A column is missing, or a value cannot be read as its type.
        """
        proba = self._model.proba(pa.Table.from_pandas(data, preserve_index=False))
        names = proba_names(self._model.schema.target)
        scores = {name: np.ascontiguousarray(proba[:, code]) for code, name in enumerate(names)}
        return pd.DataFrame({PREDICTION: self._model.labels(proba), **scores}, index=data.index)


def _load_pyfunc(path: str) -> Scorer:
    """Load the model for MLflow, which finds this function by its name."""
    return Scorer(artifact.load_model(Path(path)))


def _signature(schema: Schema) -> ModelSignature:
    """Return the columns that go in and come out."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec
    from mlflow.types import Schema as Columns

    target = schema.target
    label = _output_type(target.classes)
    scores = [ColSpec("double", name) for name in proba_names(target)]
    return ModelSignature(
        inputs=Columns([ColSpec(_input_type(column), column.name) for column in schema.features]),
        outputs=Columns([ColSpec(label, PREDICTION), *scores]),
    )


def _write_example(schema: Schema, folder: Path) -> dict[str, str]:
    """Write a made-up row, for requests as MLflow shows them, and return what ``MLmodel`` says of it."""
    table = {"columns": [c.name for c in schema.features], "data": [[_made_up(c) for c in schema.features]]}
    (folder / _EXAMPLE).write_text(json.dumps(table), encoding="utf-8")
    (folder / _REQUEST).write_text(json.dumps({"dataframe_split": table}), encoding="utf-8")
    return {"artifact_path": _EXAMPLE, "serving_input_path": _REQUEST, "type": "dataframe", "pandas_orient": "split"}


def _made_up(column: Column) -> Any:
    """Return a value that a column may hold; no row of anybody's data. None where its text tells no type."""
    kind, stored = column.kind, column.arrow_type
    if kind is ColumnKind.NUMERIC:
        return 0 if "int" in stored else 0.0
    if kind is ColumnKind.DATE:
        return "2024-01-31" if stored.startswith(("date", "timestamp")) else None
    if kind is ColumnKind.CATEGORY and "int" in stored:
        return 0
    if stored == "bool":
        return True
    return "other" if kind is ColumnKind.CATEGORY and "string" in stored else None


def _schema(model: Path) -> Schema | None:
    """Return the schema of an artefact, None when there is none to read."""
    try:
        return schema_from_dict(json.loads((model / _SCHEMA).read_text(encoding="utf-8"))["schema"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _input_type(column: Column) -> Any:
    """Return the type that MLflow enforces, or ``any`` where it would refuse or change what mltrain reads.

    MLflow takes whole numbers for no double, refuses those among which one is missing as integers, and reads a
    missing truth value as false.
    """
    from mlflow.types.schema import AnyType

    match column.kind, column.arrow_type:
        case ColumnKind.NUMERIC, ("double" | "float"):
            return "double"
        case ColumnKind.CATEGORY, ("string" | "large_string"):
            return "string"
        case ColumnKind.DATE, ("date32[day]" | "timestamp[s]" | "timestamp[ms]" | "timestamp[us]" | "timestamp[ns]"):
            return "datetime"
    return AnyType()


def _output_type(classes: tuple[Label, ...]) -> str:
    """Return the type of the predicted labels."""
    kinds = {type(label) for label in classes}
    return _OUTPUTS.get(kinds.pop(), "string") if len(kinds) == 1 else "string"


def _requirements(model: Path) -> list[str]:
    """Return the packages that the model was made with."""
    try:
        manifest = artifact.read_manifest(model)
    except (DataError, NoRunError):
        return ["mltrain"]
    versions = {"mltrain": manifest.mltrain, **manifest.versions}
    return [f"{_PACKAGES.get(name, name)}=={version}" for name, version in versions.items()]
