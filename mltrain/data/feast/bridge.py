"""What runs beside Feast: a program of its own, started by `mltrain.data.feast.process` in an interpreter that has it.

It reads a request from the folder it is given, asks the feature store, and leaves the answer there. It may run in an
environment without mltrain and imports nothing of it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.pop(0)  # this file's own folder: its neighbours are not for the environment's libraries to find

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROW = "__mltrain_row"
TIME, WRITTEN = "__mltrain_time", "__mltrain_written"
FEAST_TIME = "event_timestamp"
LOCAL_STORES = ("file", "dask", "duckdb")


class Refusal(Exception):
    """Something that the user can change; ``kind`` says what."""

    def __init__(self, kind: str, message: str, known: list[str] | None = None) -> None:
        super().__init__(message)
        self.answer = {"error": {"kind": kind, "message": message, "known": known or []}}


@dataclass
class View:
    """Features asked of one feature view.

    Attributes
    ----------
    keys : dict of str to str
        Column of the entities to column of the view.
    types : dict of str to str
        Name of each feature to its type, as Feast calls it.
    """

    name: str
    definition: Any
    keys: dict[str, str]
    types: dict[str, str]

    @property
    def references(self) -> list[str]:
        """Return the features as Feast wants them named."""
        return [f"{self.name}:{feature}" for feature in self.types]

    def column(self, feature: str, *, is_full: bool) -> str:
        """Return the name of a feature's column."""
        return f"{self.name}__{feature}" if is_full else feature


def main(folder: Path) -> None:
    """Answer the request that lies in a folder."""
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    try:
        answer = answer_request(request, folder)
    except Refusal as refusal:
        answer = refusal.answer
    except Exception as error:  # noqa: BLE001 - whatever Feast and its stores raise is told to the user by mltrain
        answer = {"error": {"kind": "feast", "message": f"{type(error).__name__}: {error}", "known": []}}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def answer_request(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Ask the store, leave the features in ``result.parquet`` and return what is to be said of them."""
    try:
        import feast
    except ImportError as error:
        raise Refusal("missing", str(error)) from error
    store = feast.FeatureStore(repo_path=request["repo"])
    views, on_demand = find_views(store, request["features"])
    entities = pq.read_table(folder / "entities.parquet").to_pandas()
    entities[request["time"]] = entities[request["time"]].astype("datetime64[ns, UTC]")
    inputs = [*dict.fromkeys(key for view in [*views, *on_demand] for key in view.keys), request["time"]]
    _require_columns(entities, inputs)
    asked = entities[inputs].rename(columns={request["time"]: FEAST_TIME})
    codes = _codes(asked)
    distinct = asked[~pd.Series(codes).duplicated().to_numpy()].reset_index(drop=True)
    distinct[ROW] = range(len(distinct))
    asking = _Asking(store=store, request=request, distinct=distinct)
    features, lost = _retrieve(asking, views, on_demand)
    pq.write_table(features.take(pa.array(codes)), folder / "result.parquet")
    return {
        "version": feast.__version__,
        "breaks_ties": store.config.offline_store.type not in ("file", "dask"),  # these sort twice, by an unstable sort
        "columns": _columns(views, on_demand, is_full=request["full_names"]),
        "views": [
            {
                "name": view.name,
                "ttl_us": int(ttl.total_seconds() * 1e6) if (ttl := view.definition.ttl) else None,
                "columns": [view.column(feature, is_full=request["full_names"]) for feature in view.types],
                "keys": list(view.keys),
                "lost": [int(row) for row in range(len(codes)) if codes[row] in lost.get(view.name, ())],
                **_leave_times(store, view, distinct, folder / f"times_{number}.parquet"),
            }
            for number, view in enumerate(views)
        ],
    }


def find_views(store: Any, features: str | list[str]) -> tuple[list[View], list[View]]:
    """Return the feature views, and the on-demand ones, with the features asked of each."""
    plain = {view.name: view for view in [*store.list_feature_views(), *store.list_stream_feature_views()]}
    on_demand = {view.name: view for view in store.list_on_demand_feature_views()}
    if isinstance(features, str):
        services = {service.name: service for service in store.list_feature_services()}
        if features not in services:
            raise Refusal("service", f"there is no feature service {features!r}", sorted(services))
        asked = [
            (projection.name, projection.name_to_use(), projection.features, projection.join_key_map)
            for projection in services[features].feature_view_projections
        ]
    else:
        asked = [
            (name, name, [_field(plain, on_demand, name, each) for each in chosen], {})
            for name, chosen in _by_view(features).items()
        ]
    found: dict[bool, list[View]] = {True: [], False: []}
    for name, shown, fields, renamed in asked:
        is_plain = name in plain
        definition = plain[name] if is_plain else on_demand[name]
        keys = _keys(definition, renamed) if is_plain else _inputs(definition, plain)
        types = {field.name: field.dtype.to_value_type().name for field in fields}
        found[is_plain].append(View(name=shown, definition=definition, keys=keys, types=types))
    return found[True], found[False]


def _keys(definition: Any, renamed: dict[str, str]) -> dict[str, str]:
    """Return the column of the entities for each key of a view; a view without entities has none."""
    names = [key.name for key in definition.entity_columns if not key.name.startswith("__dummy")]
    return {renamed.get(name, name): name for name in names}


def _inputs(definition: Any, plain: dict[str, Any]) -> dict[str, str]:
    """Return the columns of the entities that an on-demand view is computed from."""
    found: dict[str, str] = {}
    for projection in definition.source_feature_view_projections.values():
        found |= _keys(plain[projection.name], projection.join_key_map)
    for source in definition.source_request_sources.values():
        found |= {field.name: field.name for field in source.schema}
    return found


@dataclass
class _Asking:
    """What every question to the store holds."""

    store: Any
    request: dict[str, Any]
    distinct: pd.DataFrame

    def features(self, rows: pd.DataFrame, references: Any) -> pa.Table:
        """Return what Feast gives for some rows."""
        extra = {"filter_by_created_timestamp": True} if self.request["leave_out_late"] else {}
        job = self.store.get_historical_features(
            entity_df=rows.copy(), features=references, full_feature_names=self.request["full_names"], **extra
        )
        found = job.to_arrow()
        ids = found.column(ROW).to_pylist()
        if len(set(ids)) < len(ids):
            raise Refusal("feast", f"{len(rows)} rows became {len(ids)}: some came back more than once")
        return found


def _retrieve(asking: _Asking, views: list[View], on_demand: list[View]) -> tuple[pa.Table, dict[str, set[int]]]:
    """Return the features of the distinct rows in their order, and the rows that each view lost.

    Feast's file store drops a row for all views when one of them has rows of its entity but none in force then; so
    what was lost is asked for again, view by view.
    """
    wanted = asking.request["features"]
    references = asking.store.get_feature_service(wanted) if isinstance(wanted, str) else wanted
    is_full = asking.request["full_names"]
    names = [view.column(feature, is_full=is_full) for view in [*views, *on_demand] for feature in view.types]
    found = asking.features(asking.distinct, references).select([ROW, *names])
    n_rows = len(asking.distinct)
    lost = sorted(set(range(n_rows)) - set(found.column(ROW).to_pylist()))
    if not lost:
        return _in_order(found, n_rows), {}
    if on_demand:
        message = f"Feast lost {len(lost)} of {n_rows} rows, which cannot be asked for again with on-demand features"
        raise Refusal("lost", message)
    complete: dict[str, pa.ChunkedArray] = {}
    lost_by_view: dict[str, set[int]] = {}
    for view in views:
        columns = [ROW, *(view.column(feature, is_full=is_full) for feature in view.types)]
        again = asking.features(asking.distinct.iloc[lost], view.references).select(columns)
        lost_by_view[view.name] = set(lost) - set(again.column(ROW).to_pylist())
        both = pa.concat_tables([found.select(columns), again], promote_options="permissive")
        ordered = _in_order(both, n_rows)
        complete |= dict(zip(ordered.column_names, ordered.columns, strict=True))
    return pa.table({name: complete[name] for name in names}), lost_by_view


def _in_order(found: pa.Table, n_rows: int) -> pa.Table:
    """Return the features of rows 0 to n_rows - 1 without their numbers; null for those that are not there."""
    place: list[int | None] = [None] * n_rows
    for position, row in enumerate(found.column(ROW).to_pylist()):
        place[row] = position
    return found.drop_columns([ROW]).take(pa.array(place, pa.int64()))


def _leave_times(store: Any, view: View, distinct: pd.DataFrame, path: Path) -> dict[str, Any]:
    """Write when the view's rows hold and were written, and say so; nothing for stores that are not local."""
    source = view.definition.batch_source
    if store.config.offline_store.type not in LOCAL_STORES or not view.keys:
        return {"times": None, "has_written": False}
    stored = {new: old for old, new in (source.field_mapping or {}).items()}
    keys = {key: stored.get(column, column) for key, column in view.keys.items()}
    written = source.created_timestamp_column
    age = view.definition.ttl or None
    first, last = distinct[FEAST_TIME].min(), distinct[FEAST_TIME].max()
    table = (
        store._get_provider()
        .offline_store.pull_all_from_table_or_query(
            config=store.config,
            data_source=source,
            join_key_columns=list(keys.values()),
            feature_name_columns=[],
            timestamp_field=source.timestamp_field,
            created_timestamp_column=written,
            start_date=(first - age if age else pd.Timestamp("1970-01-01", tz="UTC")).to_pydatetime(),
            end_date=last.to_pydatetime(),
        )
        .to_arrow()
    )
    chosen = {**keys, TIME: source.timestamp_field, **({WRITTEN: written} if written else {})}
    pq.write_table(pa.table({name: table.column(column) for name, column in chosen.items()}), path)
    return {"times": path.name, "has_written": written is not None and written != ""}


def _codes(rows: pd.DataFrame) -> Any:
    """Return a number for each row, from 0 in order of appearance; equal rows have one."""
    codes = np.zeros(len(rows), dtype=np.int64)
    for name in rows.columns:
        values = pd.factorize(rows[name], use_na_sentinel=False)[0]
        codes = pd.factorize(codes * (values.max(initial=0) + 1) + values)[0]
    return codes


def _require_columns(entities: pd.DataFrame, names: list[str]) -> None:
    """Refuse entities that lack what Feast looks features up by."""
    lacking = [name for name in names if name not in entities.columns]
    if lacking:
        raise Refusal("column", lacking[0], list(entities.columns))


def _by_view(features: list[str]) -> dict[str, list[str]]:
    """Return the features by the view that they are asked of."""
    found: dict[str, list[str]] = {}
    for reference in features:
        view, colon, feature = reference.partition(":")
        if not colon:
            raise Refusal("reference", f"{reference!r} is no feature: write view:feature")
        found.setdefault(view, []).append(feature)
    return found


def _field(plain: dict[str, Any], on_demand: dict[str, Any], view: str, feature: str) -> Any:
    """Return a feature's definition."""
    views = {**plain, **on_demand}
    if view not in views:
        raise Refusal("view", f"there is no feature view {view!r}", sorted(views))
    fields = {field.name: field for field in views[view].features}
    if feature not in fields:
        raise Refusal("feature", f"feature view {view!r} has no feature {feature!r}", list(fields))
    return fields[feature]


def _columns(views: list[View], on_demand: list[View], *, is_full: bool) -> list[dict[str, str]]:
    """Return name and type of every column of the result."""
    return [
        {"name": view.column(feature, is_full=is_full), "type": kind}
        for view in [*views, *on_demand]
        for feature, kind in view.types.items()
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
