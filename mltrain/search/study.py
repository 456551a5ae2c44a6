"""The search of several families at once, from their journals to the studies that they leave behind."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltrain.events import Listener, ignore
from mltrain.models import Fitted
from mltrain.search.allotment import Ends
from mltrain.search.engine import Engine
from mltrain.search.executor import Executor
from mltrain.search.job import SearchJob, study_key
from mltrain.search.journal import open_journal
from mltrain.search.open_study import OpenStudy
from mltrain.search.trial import Trial
from mltrain.search.versions import versions_behind


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """What `search` returns for each family.

    Attributes
    ----------
    trials : tuple of Trial, in number order
        Resumed ones included; a number may be missing where the clock ended the search.
    models : mapping of trial number to fold models
        Of the trials that may vote and were fitted in this process.
    n_resumed : int
        Finished trials read from the journal.
    seconds : float
        The family's part of the wall clock: its core-seconds over the number of cores.
    max_trials : int, optional
        Trials that the search was to make.
    is_cut_short : bool
        The clock ended it before they were through; a search that ended early by itself was not.
    prepared : object, optional
        What `ModelFamily.prepare` returned; None when nothing had to be fitted.
    prepare_s : float
        Wall clock that it took, with all cores.
    broken : Exception, optional
        What the family raised that no family should; the trials before it are whole.
    """

    name: str
    key: str
    trials: tuple[Trial, ...]
    models: Mapping[int, tuple[Fitted, ...]]
    n_resumed: int
    seconds: float
    max_trials: int | None = None
    is_cut_short: bool = False
    prepared: Any = None
    prepare_s: float = 0.0
    broken: Exception | None = None


def search(
    jobs: Sequence[SearchJob],
    *,
    executor: Executor,
    journal_dir: Path | None,
    ends: Ends,
    fresh: bool = False,
    listener: Listener = ignore,
) -> tuple[Study, ...]:
    """Run, or continue, the search of one family or several, which share the cores.

    Parameters
    ----------
    jobs : sequence of SearchJob
        Families validated on the same rows by the same metric.
    executor : Executor
        Where fits run; left open.
    journal_dir : Path, optional
        Folder of all studies; each is ``<name>-<key>`` in it. None keeps nothing on disk.
    ends : Ends
        The search returns at most 1 s or 2 % after its deadline. Even when that has passed, one trial is given a
        round in every fold, so that there is a model.
    fresh : bool
        Start anew; what is on disk is moved aside.

    Returns
    -------
    tuple of Study, in the order of the jobs
        Their trials are the same whatever the executor, and whether or not the search was killed and continued; the
        deadline and the other families decide how many there are.

    Raises
    ------
    ValueError
        Neither ``max_trials`` of a job nor a deadline ends the search.
    mltrain.errors.EnvironmentRefusal
        Another process runs this search, or the disk refused.
    mltrain.errors.Interrupted, KeyboardInterrupt
        Somebody asked to stop; finished trials are in the journal.
    """
    started = time.monotonic()
    with ExitStack() as journals:
        studies = [
            OpenStudy(
                job,
                journals.enter_context(
                    open_journal(
                        journal_dir,
                        job.name,
                        key=study_key(job),
                        versions=versions_behind(job.family),
                        fresh=fresh,
                        listener=listener,
                    )
                ),
            )
            for job in jobs
        ]
        is_settled = Engine(studies, executor=executor, ends=ends, started=started, listener=listener).run()
    return tuple(_closed(study, n_cores=executor.n_cores, is_settled=is_settled) for study in studies)


def _closed(study: OpenStudy, *, n_cores: int, is_settled: bool) -> Study:
    return Study(
        name=study.job.name,
        key=study_key(study.job),
        trials=tuple(study.trials[number] for number in sorted(study.trials)),
        models=study.models,
        n_resumed=study.n_resumed,
        seconds=study.used_s / n_cores,
        max_trials=study.below,
        is_cut_short=study.has_more and not is_settled,
        prepared=study.prepared,
        prepare_s=study.prepare_s,
        broken=study.broken,
    )
