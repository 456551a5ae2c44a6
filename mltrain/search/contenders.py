"""Which trials of a family may vote: the search keeps their models and bids for their places."""

from __future__ import annotations

from collections.abc import Iterable

from mltrain.search.job import SearchJob
from mltrain.search.trial import Trial, rank_trials
from mltrain.space import Params


def variant_of(job: SearchJob, params: Params) -> str:
    """Return the name of what sort of model these parameters make, for families that make several."""
    variant = getattr(job.family, "variant", None)
    return "" if variant is None else str(variant(params))


def contenders(trials: Iterable[Trial], job: SearchJob) -> tuple[Trial, ...]:
    """Return the best trials of a family, and the best of each further variant: all with predictions, best first."""
    ranked = [t for t in rank_trials(trials, job.metric) if t.proba is not None and t.state != "pruned"]
    chosen, others = ranked[: job.keep_models], ranked[job.keep_models :]
    variants = {variant_of(job, trial.params) for trial in chosen}
    for trial in others:
        variant = variant_of(job, trial.params)
        if variant not in variants:
            variants.add(variant)
            chosen.append(trial)
    return tuple(chosen)
