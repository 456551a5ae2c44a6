"""Feast in a process of its own: which interpreter runs it, what it is asked, what it answers."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mltrain.data.nearest import suggest
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal, MltrainError, PluginError
from mltrain.plugins import install_extra
from mltrain.redaction import without_secrets

PYTHON = "MLTRAIN_FEAST_PYTHON"
_BRIDGE = Path(__file__).with_name("bridge.py")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked of a feature store, beside the rows.

    Attributes
    ----------
    timeout_s : float
        How long it may take to answer.
    """

    repo: str
    features: str | Sequence[str]
    time: str
    full_names: bool
    leave_out_late: bool
    timeout_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewAnswer:
    """What is said of one feature view.

    Attributes
    ----------
    ttl_us : int, optional
        Microseconds up to which its rows count; None: for ever.
    keys : tuple of str
        Columns of the rows that it was asked by.
    lost : tuple of int
        Positions of rows that came back without this view.
    times : pyarrow.Table, optional
        Its keys and when its rows hold and were written; None where the store is too far away to ask.
    """

    name: str
    ttl_us: int | None
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    lost: tuple[int, ...]
    times: pa.Table | None
    has_written: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the feature store said.

    Attributes
    ----------
    features : pyarrow.Table
        One row for each row sent, in their order.
    types : mapping of str to str
        Column to the type that Feast declares.
    breaks_ties : bool
        Whether of rows of one key and time the last written is used, and not any of them.
    """

    features: pa.Table
    types: Mapping[str, str]
    views: tuple[ViewAnswer, ...]
    version: str
    breaks_ties: bool


def interpreter() -> str:
    """Return the Python that runs Feast: the one that the environment names, or this one.

    Raises
    ------
    mltrain.errors.PluginError
        Feast is not installed here, and no other Python is named.
    mltrain.errors.EnvironmentRefusal
        The Python that is named does not exist.
    """
    named = os.environ.get(PYTHON)
    if named:
        if not Path(named).is_file():
            raise EnvironmentRefusal(f"there is no interpreter {named!r}", where=PYTHON, hint="name an existing one")
        return named
    if importlib.util.find_spec("feast") is None:
        message = "data source 'feast' needs Feast, which is not installed"
        raise PluginError(message, where="data.source", hint=_installing())
    return sys.executable


def ask(request: Request, rows: pa.Table) -> Answer:
    """Return what the feature store says of some rows.

    Raises
    ------
    mltrain.errors.PluginError
        Feast is not installed.
    mltrain.errors.ConfigError
        There is no such feature service, view or feature.
    mltrain.errors.DataError
        A key is missing among the columns, or Feast refuses.
    mltrain.errors.EnvironmentRefusal
        The process ended without an answer, or had none in time.
    """
    with _folder() as folder:
        pq.write_table(rows, folder / "entities.parquet")
        (folder / "request.json").write_text(json.dumps(asdict(request)), encoding="utf-8")
        answer = _run(folder, request)
        if "error" in answer:
            raise _refused(answer["error"], request)
        return Answer(
            features=pq.read_table(folder / "result.parquet").replace_schema_metadata(None),
            types={column["name"]: column["type"] for column in answer["columns"]},
            views=tuple(_view(view, folder) for view in answer["views"]),
            version=answer["version"],
            breaks_ties=answer["breaks_ties"],
        )


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder that only this user can read, and remove it afterwards."""
    try:
        with tempfile.TemporaryDirectory(prefix="mltrain-feast-") as name:
            yield Path(name)
    except OSError as error:
        raise EnvironmentRefusal(f"cannot hand rows to Feast: {error.strerror}", where=tempfile.gettempdir()) from error


def _run(folder: Path, request: Request) -> dict[str, Any]:
    """Run the bridge beside the repository, where paths of its sources start, and return its answer."""
    # Telemetry off: nobody asked for it.
    environment = {**os.environ, "FEAST_USAGE": "False", "PYTHONWARNINGS": "ignore"}
    python = interpreter()
    try:
        ended = subprocess.run(  # noqa: S603 - our own file, run by an interpreter that the user's environment names
            [python, str(_BRIDGE), str(folder)],
            cwd=request.repo,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=request.timeout_s,
        )
    except subprocess.TimeoutExpired as error:
        message = f"Feast did not answer within {request.timeout_s:g} seconds and was ended"
        hint = "check that its offline store can be reached, or raise data.options.timeout_s"
        raise EnvironmentRefusal(message, where=f"feature store {request.repo}", hint=hint) from error
    logger.debug("Feast said: %s", without_secrets((ended.stdout + ended.stderr)[-2000:]))
    try:
        answer: dict[str, Any] = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        last = without_secrets((ended.stderr.strip().splitlines() or ["it said nothing"])[-1])
        message = f"Feast ended without an answer (code {ended.returncode}): {last}"
        raise EnvironmentRefusal(message, where=python, hint="mltrain -v shows more; check memory") from error
    return answer


def _view(found: Mapping[str, Any], folder: Path) -> ViewAnswer:
    """Return what is said of one feature view."""
    return ViewAnswer(
        name=found["name"],
        ttl_us=found["ttl_us"],
        columns=tuple(found["columns"]),
        keys=tuple(found["keys"]),
        lost=tuple(found["lost"]),
        times=None if found["times"] is None else pq.read_table(folder / found["times"]),
        has_written=found["has_written"],
    )


def _refused(error: Mapping[str, Any], request: Request) -> MltrainError:
    """Return the error for what Feast or the bridge refused."""
    kind, message, known = error["kind"], without_secrets(error["message"]), error["known"]
    if kind == "missing":
        return PluginError(f"data source 'feast' needs Feast: {message}", where=interpreter(), hint=_installing())
    if kind in ("service", "view", "feature", "reference"):
        asked = request.features if isinstance(request.features, str) else " ".join(request.features)
        wrong = message.rpartition(" ")[2].strip("'")
        hint = suggest(wrong if wrong in asked else asked, known) if known else "run `feast apply` in the repository"
        return ConfigError(message, where="data.options.features", hint=hint)
    if kind == "column":
        hint = suggest(message, known)
        return DataError(f"the rows have no column {message!r}, which Feast needs", where="data.options", hint=hint)
    hint = "a duckdb offline store keeps such rows" if kind == "lost" else "try the same with Feast alone"
    return DataError(" ".join(message.split())[:500], where=f"feature store {request.repo}", hint=hint)


def _installing() -> str:
    """Say how Feast comes here, or where else it may be."""
    return f"set {PYTHON} to the python of an environment that has Feast, or {install_extra('feast')}"
