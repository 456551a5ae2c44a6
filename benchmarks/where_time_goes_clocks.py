"""One `mltrain train` in this process with a clock around everything that `where_time_goes.py` tells apart.

python where_time_goes_clocks.py clocks.json train --budget 60s
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stopwatch import Setting, Stopwatch

# Families whose threads are a library's own; the others' are Python's and have clocks themselves.
_OWN_THREADS = ("lgbm", "xgboost", "catboost")
_SAMPLE_S = 0.2
_LIVE = "mltrain.commands.train"


def run_clocked(output: Path, words: list[str]) -> None:
    """Run the command line ``words`` and write what the clocks saw."""
    watch = Stopwatch()
    spawned = float(os.environ.pop("MLTRAIN_SPAWNED"))
    phases = Phases(started=spawned)
    startup_s = time.process_time()
    with watch.clock(Setting(stage="whole", part="rest of the main thread")):
        _clock_imports(watch)
        from mltrain.cli import main

        with contextlib.suppress(SystemExit):
            _wrap_all(watch, phases)
            code: Any = 0
            try:
                main(words)
            except SystemExit as end:
                code = end.code
        phases.to("end")
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {
        "startup_s": startup_s,
        "process_s": time.process_time(),
        "main_s": watch.covered_s(main=True),
        "workers_s": watch.covered_s(main=False),
        "children_s": children.ru_utime + children.ru_stime,
        "cores": len(os.sched_getaffinity(0)),
        "phases": phases.found,
        "spent": [[*key, own.cpu_s, own.wall_s, own.weight] for key, own in watch.spent().items()],
        "trials": _trials(),
        "threads": _threads,
    }
    output.write_text(json.dumps(found))
    sys.exit(code)


class Phases:
    """Wall clock, processor time and waiting for a core, by phase of the training."""

    def __init__(self, *, started: float) -> None:
        self.found: dict[str, dict[str, float]] = {}
        self._now = "start-up"
        self._waits: dict[str, int] = {}
        self._last = (started, 0.0, 0.0)
        threading.Thread(target=self._look, daemon=True).start()

    def to(self, phase: str) -> None:
        """End the phase that runs and begin another."""
        self._sample()
        now = (time.monotonic(), time.process_time(), sum(list(self._waits.values())) / 1e9)
        known = self.found.setdefault(self._now, {"wall_s": 0.0, "cpu_s": 0.0, "held_s": 0.0})
        for name, new, old in zip(known, now, self._last, strict=True):
            known[name] += new - old
        self._now, self._last = phase, now

    def _look(self) -> None:
        while True:
            self._sample()
            time.sleep(_SAMPLE_S)

    def _sample(self) -> None:
        """Note how long every thread has been ready without a core, so far as the system tells."""
        for folder in Path("/proc/self/task").glob("*"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                self._waits[folder.name] = int((folder / "schedstat").read_text().split()[1])


_threads: dict[str, int] = {}
_ended: dict[str, dict[str, int]] = {}


def _clock_imports(watch: Stopwatch) -> None:
    """Clock what Python calls for every module that is not loaded yet."""
    import _frozen_importlib

    watch.wrap(_frozen_importlib, "_find_and_load", Setting(part="imports"))


def _wrap_all(watch: Stopwatch, phases: Phases) -> None:
    """Put the clocks in place; what they are put around is imported for it, a little earlier than otherwise."""

    def put(place: str, setting: Setting, *, fine: bool = False) -> None:
        module, _, path = place.partition(":")
        owner = importlib.import_module(module)
        *parts, name = path.split(".")
        for part in parts:
            owner = getattr(owner, part)
        watch.wrap(owner, name, setting, fine=fine)

    _wrap_main(put)
    _wrap_engine(put)
    _wrap_libraries(put)
    _wrap_phases(phases)


Put = Callable[..., None]


def _wrap_main(put: Put) -> None:
    """Clock what runs on the main thread around the search."""
    parts = {
        "reading and conforming": [f"{_LIVE}:read_material", "mltrain.jobs:development_rows"],
        "encoding": ["mltrain.jobs:encoded_view"],
        "versions and git": [f"{_LIVE}:provenance"],
        "vote": ["mltrain.ensemble:vote"],
        "calibration and threshold": ["mltrain.candidate:choose", "mltrain.candidate:decision_threshold"],
        "saving": [
            f"{_LIVE}.leaving:artifact.save_model",
            f"{_LIVE}.leaving:artifact.save_pickle",
            f"{_LIVE}.leaving:write_run",
            f"{_LIVE}.leaving:files.sha256",
        ],
        "figures": [f"{_LIVE}.leaving:_draw"],
        "prediction speed": [f"{_LIVE}.leaving:_latency_ms"],
        "console": ["mltrain.console.plain:PlainLines.show", "mltrain.console.output:show"],
        "tracking": [
            "mltrain.tracking.session:_start_sender",
            "mltrain.tracking.session:TrackedSession.finish",
            "mltrain.tracking.local:LocalTracker.start_run",
            *(
                f"mltrain.tracking.local:LocalRun.{name}"
                for name in ("log_params", "log_metrics", "set_tags", "log_file", "log_model", "finish")
            ),
        ],
    }
    for part, places in parts.items():
        for place in places:
            put(place, Setting(part=part))
    put(f"{_LIVE}.families:leave", Setting(family=lambda _session, _run, kept, **_: kept.model.name))
    put(f"{_LIVE}.families:keep_pending", Setting(family=lambda pending, *_, **__: pending.job.name))


def _wrap_engine(put: Put) -> None:
    """Clock the engine and what it hands to the workers."""
    put("mltrain.search.study:study_key", Setting(part="journal", family=lambda job: job.name))
    put("mltrain.search.journal:Journal.append", Setting(part="journal", family=lambda journal, _: journal.name))
    put("mltrain.search.sequence:Sequence.propose", Setting(part="Optuna", family=lambda own, _: own._name))
    put("mltrain.search.allotment:Allotment.next_family", Setting(part="allotting cores"))
    put("mltrain.search.allotment:Allotment.note_end", Setting(part="allotting cores"))
    put("mltrain.search.poll:Poll.hold", Setting(part="running vote"))
    put("mltrain.search.open_study:OpenStudy.take", Setting(part="engine", family=lambda own, *_, **__: own.job.name))
    put("mltrain.search.engine:Engine.run", Setting(part="engine", stage="search"))
    put("mltrain.search.scoring:score_or_nan", Setting(part="metric"))
    put(
        "mltrain.search.engine:run_fit",
        Setting(stage="search", part="rest of a fit", family=_family_of, threads=_threads_of),
    )
    put(
        "mltrain.search.threads:run_fit",
        Setting(stage="probe", part="rest of a fit", family=_family_of, threads=_threads_of),
    )
    prepared = Setting(
        stage="search", part="binning", family=lambda job, *_: job.name, threads=lambda job, n, *_: _own(job.name, n)
    )
    put("mltrain.search.engine:prepare", prepared)
    refit = Setting(
        stage="refit",
        part="rest of a fit",
        family=lambda _study, job, *_: job.name,
        threads=lambda _study, job, trial, *_: _own(job.name, trial.threads),
    )
    put("mltrain.final_fit:_refit", refit)
    again = Setting(stage="refit", part="rest of a fit", family=_family_of, threads=_threads_of)
    put("mltrain.search.refitting:_fit", again)


def _wrap_libraries(put: Put) -> None:
    """Clock the calls of the libraries themselves; what happens every round, finely."""
    models = "mltrain.models"
    for place in ("lightgbm:Booster.update", "xgboost:Booster.update"):
        put(place, Setting(part="fit"), fine=True)
    put(f"{models}.logistic_regression:solve", Setting(part="fit"))
    for name in ("build_tree", "_grow_by_estimator"):
        put(f"{models}.random_forest.growing:{name}", Setting(part="fit", family="random_forest"), fine=True)
    for place in (
        "lightgbm:Booster.predict",
        "xgboost:Booster.inplace_predict",
        f"{models}.logistic_regression.solver:Linear.proba",
        f"{models}.random_forest:predict_trees",
        f"{models}.random_forest.forest:predict_trees",
    ):
        put(place, Setting(part="predict"), fine=True)
    for place in (
        "lightgbm:Booster.eval_train",
        "lightgbm:Booster.eval_valid",
        "xgboost:Booster.eval_set",
        f"{models}.sharp_loss:SharpLoss.after",
        f"{models}.random_forest:log_loss",
        f"{models}.logistic_regression:log_loss",
    ):
        put(place, Setting(part="loss by round"), fine=True)
    for place in (f"{models}.lightgbm.data:_make_folds", f"{models}.xgboost.data:_make"):
        put(place, Setting(part="binning"))
    for name in ("random_forest", "logistic_regression"):
        put(f"{models}.{name}:fold_rows", Setting(part="copies of rows"), fine=True)


def _family_of(call: Any) -> str:
    return str(call.family.name)


def _threads_of(call: Any) -> int:
    _threads[call.family.name] = call.threads
    return _own(call.family.name, call.threads)


def _own(family: str, threads: int) -> int:
    return threads if family in _OWN_THREADS else 1


def _wrap_phases(phases: Phases) -> None:
    """Tell the phases apart by who calls whom on the main thread."""
    from mltrain.cli import steps  # noqa: F401 - sets the moment that the budget counts from
    from mltrain.commands import train as command
    from mltrain.commands.train import families
    from mltrain.commands.train.ballot import Ballot
    from mltrain.search.engine import Engine

    _between(phases, command, "train", before="reading", after="end")
    _between(phases, command, "train_families", before="reading", after="reading")
    _between(phases, families, "search", before="making ready", after="final fits")
    _between(phases, Engine, "_loop", before="search", after="final fits")
    _between(phases, Ballot, "train", before="ensemble", after="end")
    original = families.search

    def remembered(*args: Any, **kwargs: Any) -> Any:
        studies = original(*args, **kwargs)
        for study in studies:
            states = _ended.setdefault(study.name, {})
            for trial in study.trials:
                states[trial.state] = states.get(trial.state, 0) + 1
        return studies

    families.search = remembered


def _between(phases: Phases, owner: Any, name: str, *, before: str, after: str) -> None:
    original = getattr(owner, name)

    def called(*args: Any, **kwargs: Any) -> Any:
        phases.to(before)
        try:
            return original(*args, **kwargs)
        finally:
            phases.to(after)

    setattr(owner, name, called)


def _trials() -> dict[str, dict[str, int]]:
    return dict(_ended)


if __name__ == "__main__":
    run_clocked(Path(sys.argv[1]), sys.argv[2:])
