"""What the audit says of real tables, and what it costs.

``python benchmarks/audit_tables.py DATA`` audits the default split of every folder of DATA (its ``train.parquet``,
target ``target``), and a split by time where one is named below; prints a Markdown table of findings, one of seconds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mltrain.commands.split import SplitResult, division, split
from mltrain.config import Config
from mltrain.workspace import Workspace

BY_TIME = {"flights": "time_hour"}


def audited(path: Path, section: dict[str, Any], costs: list[tuple[float, float]]) -> SplitResult:
    """Split a table; the wall clock and processor seconds of its audit go into ``costs``."""
    audit = division.audit_split

    def timed(*args: Any, **settings: Any) -> Any:
        wall, processor = time.perf_counter(), time.process_time()
        found = audit(*args, **settings)
        costs.append((time.perf_counter() - wall, time.process_time() - processor))
        return found

    division.audit_split = timed
    try:
        with tempfile.TemporaryDirectory() as folder:
            data = {"source": str(path), "target": "target"}
            return split(Config.model_validate({"data": data, "split": section}), Workspace(root=Path(folder)))
    finally:
        division.audit_split = audit


def main(folder: Path) -> None:
    """Print both tables."""
    print("| table | how bad | check | finding | what to do |\n|---|---|---|---|---|")
    lines, costs = [], list[tuple[float, float]]()
    for path in sorted(folder.glob("*/train.parquet")):
        name = path.parent.name
        plans: dict[str, dict[str, Any]] = {name: {}}
        if name in BY_TIME:
            plans[f"{name}, by time"] = {"kind": "time", "time_column": BY_TIME[name]}
        for label, section in plans.items():
            result = audited(path, section, costs)
            lines.append((label, sum(part.rows for part in result.splits), len(result.columns)))
            for one in result.findings:
                cells = (label, one.severity, one.check, one.message, one.advice)
                print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |", flush=True)
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; the first table pays the import of scikit-learn\n")
    print("| table | rows | columns | seconds of the audit | processor seconds |\n|---|---|---|---|---|")
    for (label, n_rows, n_columns), (wall, processor) in zip(lines, costs, strict=True):
        print(f"| {label} | {n_rows:,} | {n_columns} | {wall:.1f} | {processor:.1f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
