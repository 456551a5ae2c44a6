"""Split a table that is larger than the memory allowed, beside a plain rewrite of the same file by pyarrow.

    python benchmarks/split_large.py --rows 20000000

Makes the file (20 columns: 13 numbers, 3 texts, a time, a flag, an id and a customer), rewrites it with pyarrow, row
group by row group, and splits it with `mltrain split` by each kind, every one in a fresh process and an empty folder.
``group-by-text`` has a file of its own, where customers are texts of 33 characters instead of numbers.
Seconds are of the wall and of the CPU (all threads), the peak is what the system says the process held at most. Each
kind is measured next to a rewrite of its own, since other work on the machine comes and goes. Results go to
``benchmarks/results/``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

CHUNK_ROWS = 1_000_000
BY_TEXT = "group-by-text"
KINDS: dict[str, dict[str, str]] = {
    "stratified": {"kind": "stratified"},
    "group": {"kind": "group", "group_column": "customer"},
    BY_TEXT: {"kind": "group", "group_column": "customer"},
    "time": {"kind": "time", "time_column": "moment"},
    "random": {"kind": "random"},
    "hash": {"kind": "hash", "key_column": "row_id"},
}
REWRITE = """
import os, sys, pyarrow.parquet as pq
source = pq.ParquetFile(sys.argv[1])
with pq.ParquetWriter(sys.argv[2], source.schema_arrow) as writer:
    for group in range(source.num_row_groups):  # faster than all at once, or batches: those become small row groups
        writer.write_table(source.read_row_group(group))
file = os.open(sys.argv[2], os.O_RDONLY)
os.fsync(file)  # as mltrain does
"""


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> None:
    """Make the file, measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--folder", type=Path, help="where the files are made and deleted; by default below /tmp")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        source = Path(folder) / "rows.parquet"
        rows = []
        # Those by text last: one large file on the disk at a time.
        for kind in sorted(arguments.kinds, key=lambda kind: kind == BY_TEXT):
            if kind == BY_TEXT or not source.exists():
                make(source, arguments.rows, text_customers=kind == BY_TEXT)
            size_mb = source.stat().st_size / 2**20
            pair = rewrite(source, Path(folder)), split(kind, source, Path(folder) / kind)
            rows.append((kind, size_mb, *pair))
            text = table(rows, n_rows=arguments.rows)
            stamp = datetime.now(UTC).strftime("%Y-%m-%d")
            Path(__file__).with_name("results").joinpath(f"split_large-{stamp}.md").write_text(text, encoding="utf-8")
            print(text, flush=True)


def make(path: Path, n_rows: int, *, text_customers: bool) -> None:
    """Write the table, some rows at a time."""
    writer = None
    for start in range(0, n_rows, CHUNK_ROWS):
        chunk = make_rows(start, min(CHUNK_ROWS, n_rows - start), n_customers=max(n_rows // 10, 100))
        if text_customers:
            chunk = chunk.set_column(1, "customer", _names(chunk.column("customer").to_numpy()))
        writer = writer or pq.ParquetWriter(path, chunk.schema)
        writer.write_table(chunk)
    assert writer is not None, "there are rows"
    writer.close()


def make_rows(start: int, n_rows: int, *, n_customers: int) -> pa.Table:
    """Return rows of 20 columns; those of one customer are all over the table."""
    rng = np.random.default_rng([7, start])
    days = rng.integers(0, 3 * 365 * 86_400, size=n_rows).astype("timedelta64[s]")
    columns: dict[str, Any] = {
        "row_id": np.arange(start, start + n_rows),
        "customer": rng.integers(n_customers, size=n_rows),
        "moment": np.datetime64("2022-01-01", "us") + days,
        "city": _texts(rng, [f"city {i}" for i in range(200)], n_rows),
        "plan": _texts(rng, ["basic", "plus", "pro", "max"], n_rows),
        "active": rng.random(n_rows) < 0.5,
        "calls": rng.integers(30, size=n_rows),
        "age": rng.integers(18, 90, size=n_rows),
    }
    columns |= {f"x{i:02d}": rng.normal(size=n_rows) for i in range(11)}
    odds = 1 / (1 + np.exp(2 - columns["x00"] - 0.5 * columns["x01"] - 0.03 * columns["calls"]))
    columns["label"] = pa.array(np.where(rng.random(n_rows) < odds, "yes", "no").astype(object))
    return pa.table(columns)


def _names(customers: NDArray[np.int64]) -> pa.Array:
    """Return a text of 33 characters for each customer, as ids of other systems have them."""
    return pa.array(
        [f"c{customer * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}" for customer in customers.tolist()]
    )


def _texts(rng: np.random.Generator, levels: list[str], n_rows: int) -> pa.Array:
    """Return texts chosen at random."""
    codes = pa.array(rng.integers(len(levels), size=n_rows).astype(np.int32))
    return pa.DictionaryArray.from_arrays(codes, pa.array(levels)).cast(pa.string())


def rewrite(source: Path, folder: Path) -> Cost:
    """Measure a plain rewrite of the file."""
    target = folder / "rewritten.parquet"
    cost = measure([sys.executable, "-c", REWRITE, str(source), str(target)], folder)
    target.unlink()
    return cost


def split(kind: str, source: Path, folder: Path) -> Cost:
    """Measure `mltrain split` of the file."""
    folder.mkdir()
    config = {"data": {"source": str(source), "target": "label"}, "split": KINDS[kind]}
    (folder / "mltrain.yaml").write_text(json.dumps(config), encoding="utf-8")
    cost = measure([sys.executable, "-m", "mltrain", "split", "--quiet"], folder)
    n_rows = sum(pq.read_metadata(folder / "data" / f"{n}.parquet").num_rows for n in ("train", "validation", "test"))
    assert n_rows == pq.read_metadata(source).num_rows, "every row is in one split"
    shutil.rmtree(folder)
    return cost


def measure(command: list[str], folder: Path) -> Cost:
    """Run a command and return what it took."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}")
    return Cost(
        wall_s=time.monotonic() - started, cpu_s=usage.ru_utime + usage.ru_stime, peak_mb=usage.ru_maxrss / 1024
    )


def table(rows: list[tuple[str, float, Cost, Cost]], *, n_rows: int) -> str:
    """Return the results as Markdown."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    lines = [
        f"# Splitting {n_rows:,} x 20 rows beside a plain rewrite",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}, pyarrow {pa.__version__}, load average at the end {load}. "
        f"`python benchmarks/split_large.py --rows {n_rows}`",
        "",
        "| split.kind | file MB | split: wall s | CPU s | peak MB | rewrite: wall s | CPU s | peak MB "
        "| wall speed | CPU speed |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, size_mb, plain, ours in rows:
        lines.append(
            f"| {kind} | {size_mb:,.0f} | {ours.wall_s:.1f} | {ours.cpu_s:.1f} | {ours.peak_mb:,.0f} "
            f"| {plain.wall_s:.1f} | {plain.cpu_s:.1f} | {plain.peak_mb:,.0f} "
            f"| {plain.wall_s / ours.wall_s:.2f} | {plain.cpu_s / ours.cpu_s:.2f} |"
        )
    lines += ["", "Speed is the split's as a multiple of the rewrite's: 0.50 is half as fast."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
