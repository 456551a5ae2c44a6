"""How fast does `predict` score 5,000,000 rows, against the booster's own predict on the encoded array.

``python benchmarks/predict_rows.py`` makes the rows (14 numbers, 6 categories; 250,000 different ones over and over, in
Parquet) in a folder of its own, fits LightGBM to 60,000 more of the same kind, and then, in turn and each in a
process of its own, scores them with mltrain's `predict` and with `Booster.predict` on an array that was encoded
beforehand. Prints a Markdown table; deletes the rows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CHUNK, GROUP = 250_000, 125_000
TRAIN_ROWS = 60_000
TREES, LEAVES = 150, 63  # few, as models go: the more trees, the less everything else weighs


def make_rows(n_rows: int, *, seed: int) -> pa.Table:
    """Return rows whose label depends on numbers and categories."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {"row_id": np.arange(n_rows, dtype=np.int64)}
    signal = np.zeros(n_rows)
    for number in range(14):
        values = rng.normal(size=n_rows) if number % 2 else rng.lognormal(size=n_rows)
        signal += values * (0.5 if number < 5 else 0.05)
        if number % 5 == 0:
            values[rng.random(n_rows) < 0.05] = np.nan
        is_whole = number > 10
        columns[f"number_{number}"] = np.clip(values * 20, -30_000, 30_000).astype(np.int32) if is_whole else values
    for number, n_levels in enumerate((3, 5, 12, 40, 200, 800)):
        codes = (n_levels * rng.random(n_rows) ** 2).astype(np.int32)
        signal += np.sin(codes) * 0.4
        levels = pa.array([f"level {code}" for code in range(n_levels)])
        columns[f"category_{number}"] = pa.DictionaryArray.from_arrays(pa.array(codes), levels)
    labels = np.where(signal + rng.normal(size=n_rows) > np.quantile(signal, 0.7), "yes", "no")
    table = pa.table({**columns, "label": labels})
    kinds = {f.name: pa.string() if pa.types.is_dictionary(f.type) else f.type for f in table.schema}
    return table.cast(pa.schema(list(kinds.items())))


def prepare(folder: Path, n_rows: int) -> None:
    """Write the rows to score, and fit a model to others of the same kind."""
    chunk = make_rows(CHUNK, seed=1).drop(["label"])
    with pq.ParquetWriter(folder / "rows.parquet", chunk.schema) as writer:
        for start in range(0, n_rows, CHUNK):
            ids = pa.array(np.arange(start, start + CHUNK))
            rows = chunk.set_column(0, "row_id", ids).slice(0, n_rows - start)
            writer.write_table(rows, row_group_size=GROUP)
    fit_model(make_rows(TRAIN_ROWS, seed=0), folder / "model")


def fit_model(table: pa.Table, directory: Path) -> None:
    """Save a booster of so many trees, with the encoder and the profile that training would give it."""
    from mltrain import artifact
    from mltrain.data import Schema
    from mltrain.data.columns import infer_columns
    from mltrain.data.conforming import conform
    from mltrain.data.target import encode_target, make_target
    from mltrain.drift import fit_profile
    from mltrain.model import Member, Model
    from mltrain.models import Fold, Limits, Objective
    from mltrain.models.lightgbm import FAMILY
    from mltrain.preprocessing import encode, fit_encoder

    target = make_target(table["label"], "label")
    columns = infer_columns(table, target="label", overrides={})
    schema, y = Schema(columns=columns, target=target), encode_target(target, table["label"])
    rows = conform(table, schema, origin="rows")
    encoder = fit_encoder("native", rows, schema=schema, min_variance=0.0, max_categories=1000, date_parts=True)
    everything = Fold(train=np.arange(len(y)), valid=np.empty(0, dtype=np.intp))
    prepared = FAMILY.prepare(
        encode(encoder, rows), y, weights=None, folds=[everything], objective=Objective(n_classes=2)
    )
    params = {"learning_rate": 0.1, "num_leaves": LEAVES}
    fitted = FAMILY.fit(prepared, 0, params=params, limits=Limits(seed=0, max_rounds=TREES))
    member = Member(family="lgbm", weight=1.0, fitted=fitted.model)
    model = Model(schema=schema, encoders={"native": encoder}, members=(member,))
    artifact.save_model(model, directory, record={}, profile=fit_profile(rows, schema))


def encode_all(folder: Path) -> None:
    """Write the encoded array, float32 of shape (n_samples, n_features)."""
    from mltrain import artifact
    from mltrain.data.conforming import conform
    from mltrain.preprocessing import encode

    model = artifact.load_model(folder / "model")
    (encoder,) = model.encoders.values()
    with pq.ParquetFile(folder / "rows.parquet") as reader:
        n_rows = reader.metadata.num_rows
        first = reader.read_row_groups(list(range(min(CHUNK // GROUP, reader.num_row_groups))))
    X = encode(encoder, conform(first, model.schema, origin="rows")).X
    np.save(folder / "encoded.npy", np.concatenate([X] * -(-n_rows // CHUNK))[:n_rows])


class Took(NamedTuple):
    """Seconds by the wall clock, and of the processor over all threads."""

    seconds: float
    cpu_s: float


def timed(work: Callable[[], object]) -> Took:
    """Return what a call takes."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - wall, time.process_time() - processor)


def booster(folder: Path) -> Took:
    """Return what the booster's own predict takes, the array in memory."""
    from mltrain import artifact
    from mltrain.model import available_cores

    model = artifact.load_model(folder / "model")
    (member,) = model.members
    X = np.load(folder / "encoded.npy")
    found: list[np.ndarray] = []
    took = timed(lambda: found.append(member.fitted.predict(X, num_threads=available_cores())))
    np.save(folder / "proba.npy", found[0])
    return took


def mltrain_predict(folder: Path) -> Took:
    """Return what `predict` takes, from file to file; libraries are imported before, as they are for the booster."""
    from mltrain import artifact
    from mltrain.commands.predict import predict
    from mltrain.workspace import Workspace

    model = str(folder / "model")
    source, destination = str(folder / "rows.parquet"), folder / "out.parquet"
    workspace = Workspace(root=folder)
    artifact.load_model(Path(model))
    return timed(lambda: predict(None, workspace, source=source, destination=destination, model=model))


def run_child(step: str, folder: Path) -> dict[str, float]:
    """Run one step in a process of its own; return its seconds, processor seconds and peak memory."""
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    measured: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return measured


def _peak_mb() -> float:
    """Return the peak memory of this process; `getrusage` would count that of its parent as well."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _seconds(run: dict[str, float]) -> str:
    return f"{run['seconds']:.1f}"


def step(name: str, folder: Path, n_rows: int) -> None:
    """Do one step and print what it took."""
    if name == "prepare":
        prepare(folder, n_rows)
    elif name == "encode":
        encode_all(folder)
    took = {"booster": booster, "mltrain": mltrain_predict}.get(name, lambda _: Took(0.0, 0.0))(folder)
    print(json.dumps({**took._asdict(), "peak_mb": _peak_mb()}))


def report(folder: Path, n_rows: int, rounds: int) -> None:
    """Score in turn and print the table."""
    found: dict[str, list[dict[str, float]]] = {"booster": [], "mltrain": []}
    for _ in range(rounds):
        for name, runs in found.items():
            runs.append(run_child(name, folder))
    scored = pq.read_table(folder / "out.parquet", columns=["row_id", "proba_yes"])
    same = np.array_equal(scored["proba_yes"].to_numpy(), np.load(folder / "proba.npy"))
    ids = pq.read_table(folder / "rows.parquet", columns=["row_id"])["row_id"]
    ordered = scored["row_id"].equals(ids)
    own, ours = (median(run["seconds"] for run in found[name]) for name in ("booster", "mltrain"))
    own_cpu, our_cpu = (median(run["cpu_s"] for run in found[name]) for name in ("booster", "mltrain"))
    load = os.getloadavg()[0]
    print(f"{n_rows:,} rows, {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}; {rounds} rounds in turn\n")
    headings = ("what", "seconds (each round)", "median", "processor seconds", "rows a second", "peak memory")
    print(f"| {' | '.join(headings)} |\n{'|---' * len(headings)}|")
    told_of = {"booster": "Booster.predict, encoded array in memory", "mltrain": "mltrain predict, file to file"}
    for name, told in told_of.items():
        runs = found[name]
        middle = median(run["seconds"] for run in runs)
        print(
            f"| {told} | {', '.join(_seconds(run) for run in runs)} | {middle:.1f} "
            f"| {median(run['cpu_s'] for run in runs):.1f} | {n_rows / middle:,.0f} "
            f"| {max(run['peak_mb'] for run in runs):,.0f} MB |"
        )
    ratios = ", ".join(f"{a['seconds'] / b['seconds']:.2f}" for a, b in zip(*found.values(), strict=True))
    from mltrain import artifact

    model = artifact.load_model(folder / "model")
    n_trees = model.members[0].fitted.num_trees()
    print(f"\nThe booster has {n_trees} trees of {LEAVES} leaves.", end=" ")
    print(f"Speed against the booster: {own / ours:.2f} ({ratios}); in processor seconds {own_cpu / our_cpu:.2f}.")
    print(f"Same probabilities: {same}; same order of rows: {ordered}.")


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--step")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.step:
        step(asked.step, asked.folder, asked.rows)
        return
    with tempfile.TemporaryDirectory(prefix="mltrain-predict-") as name:
        folder = Path(name)
        prepare(folder, asked.rows)
        run_child("encode", folder)
        report(folder, asked.rows, asked.rounds)


if __name__ == "__main__":
    main()
