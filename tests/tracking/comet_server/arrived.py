"""Whether all that was recorded in a folder is at the server, and once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from comet_server.server import CometServer
from mltrain.tracking.local import read_run
from mltrain.tracking.records import FILE_NAME, read_records


def assert_everything_arrived_once(server: CometServer, folder: Path, *, registers: bool) -> None:
    """Compare what the server holds with the local records."""
    there: dict[str, Any] = {}
    for experiment in server.state.experiments.values():
        assert there.setdefault(experiment.others["mltrain.run_id"], experiment) is experiment
    records = sorted((folder / "runs").glob(f"*/{FILE_NAME}"))
    assert set(there) == {path.parent.name for path in records}
    for path in records:
        info, experiment = read_run(path.parent), there[path.parent.name]
        assert info is not None
        assert info.params.keys() <= experiment.params.keys()
        assert {k: experiment.others.get(k) for k in info.tags} == dict(info.tags)
        assert {k: experiment.params.get(f"tag.{k}") for k in info.tags} == dict(info.tags)  # what lists go by
        assert experiment.others["mltrain.status"] == info.status
        logged = [r for r in read_records(path) if r.kind == "metrics"]
        points = Counter((name, r.step, float(value or 0)) for r in logged for name, value in r.values.items())
        arrived = Counter((p["metricName"], p["step"], float(p["metricValue"])) for p in experiment.points)
        assert {k: n for k, n in arrived.items() if k[0] not in ("process duration",)} == points
        stored = Counter((a.name, a.kind) for a in experiment.assets)
        files = {r.name for r in read_records(path) if r.kind == "file"}
        assert all(stored[name, "asset"] == 1 for name in files)
        if any(r.kind == "model" for r in read_records(path)):
            model = path.parent / "model"
            here = Counter(p.relative_to(model).as_posix() for p in model.rglob("*") if p.is_file())
            assert here == Counter(a.name for a in experiment.assets if a.group == "model")
    if registers:
        (version,) = server.state.versions
        assert (version.version, version.tags, version.status) == ("1.0.0", ["champion"], "Production")
