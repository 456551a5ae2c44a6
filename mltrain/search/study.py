"""The search of one family, from its journal to the study it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltrain.events import Listener, ignore
from mltrain.models import Fitted
from mltrain.search.engine import Engine, Reserve
from mltrain.search.executor import Executor
from mltrain.search.job import SearchJob, study_key
from mltrain.search.journal import open_journal
from mltrain.search.schedule import Clock
from mltrain.search.trial import Trial


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """What `search` returns.

    Attributes
    ----------
    trials : tuple of Trial, in number order
        Resumed ones included; a number may be missing where the clock ended the search.
    models : mapping of trial number to fold models
        Of the best trials that were fitted in this process.
    n_resumed : int
        Finished trials read from the journal.
    seconds : float
        Wall clock of this search.
    prepared : object, optional
        What `ModelFamily.prepare` returned; None when nothing had to be fitted.
    """

    name: str
    key: str
    trials: tuple[Trial, ...]
    models: Mapping[int, tuple[Fitted, ...]]
    n_resumed: int
    seconds: float
    prepared: Any = None


def search(
    job: SearchJob,
    *,
    executor: Executor,
    journal_dir: Path | None,
    deadline: float | None,
    reserve: Reserve | None = None,
    fresh: bool = False,
    listener: Listener = ignore,
) -> Study:
    """Run, or continue, the search of one family.

    Parameters
    ----------
    executor : Executor
        Where fits run; left open.
    journal_dir : Path, optional
        Folder of all studies; this one's is ``<name>-<key>`` in it. None keeps nothing on disk.
    deadline : float, optional
        `time.monotonic` value at which the search returns, at most a boosting round later. Even when it
        has passed, one trial is given a round in every fold, so that there is a model.
    reserve : callable, optional
        ``reserve(best_trial, is_at_hand)`` returns the seconds before the deadline that must be left for what comes
        after the search; asked before the first trial and after every one that ends. ``is_at_hand`` says whether
        the fold models of the best trial are in memory.
    fresh : bool
        Start anew; what is on disk is moved aside.

    Returns
    -------
    Study
        Its trials are the same whatever the executor, and whether or not the search was killed and continued;
        the deadline decides how many there are.

    Raises
    ------
    ValueError
        Neither ``job.max_trials`` nor a deadline ends the search.
    mltrain.errors.EnvironmentRefusal
        Another process runs this search, or the disk refused.
    mltrain.errors.Interrupted, KeyboardInterrupt
        Somebody asked to stop; finished trials are in the journal.
    """
    clock = Clock(started=time.monotonic(), deadline=deadline)
    key = study_key(job)
    with open_journal(journal_dir, job.name, key=key, fresh=fresh, listener=listener) as journal:
        engine = Engine(job, journal, executor=executor, clock=clock, listener=listener, reserve=reserve)
        engine.run()
    return Study(
        name=job.name,
        key=key,
        trials=tuple(engine.trials[number] for number in sorted(engine.trials)),
        models=engine.models,
        n_resumed=engine.n_resumed,
        seconds=time.monotonic() - clock.started,
        prepared=engine.prepared,
    )
