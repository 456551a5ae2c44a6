"""What is kept back of a search's time for what comes after it: final fits, calibration, saving."""

from __future__ import annotations

from dataclasses import dataclass

from mltrain.candidate import Recipe
from mltrain.development import first_repeat
from mltrain.final_fit import prepare_seconds, refit_seconds
from mltrain.prediction_cost import MOST_PREDICTION_S, n_affordable, prediction_s
from mltrain.search import SearchJob, SoFar, Trial, fit_folds_s

# Measured on one core for two and for 26 classes; calibration samples rows above 400,000 cells.
_CALIBRATION_S_PER_CELL = 4e-6
# Shares of a family's time. What has to be done is done in any case, so more is kept back for it.
_MOST_KEEPING = 0.5
_MOST_AFTER_SEARCH = 0.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """The time of one family, and what it can be made of.

    Attributes
    ----------
    share_s : float
        Seconds that search and final fit have together.
    n_families : int
        Families that are searched at once, each with such a share.
    draws_figures : bool
        Whether pictures of the model belong to its run.
    voters_s : float
        Seconds at most for refits of trials of all families that may vote in an ensemble; a family's share is its say.
        Trials that have a weight beside the best one are refitted or, where fold models are replaced, as many models as
        the best trial has; they come on top. One that the last vote adds goes without where time is short.
    """

    share_s: float
    n_cores: int
    n_families: int = 1
    draws_figures: bool = True
    voters_s: float = 0.0


def keeping_seconds(job: SearchJob, *, draws_figures: bool) -> float:
    """Forecast what a family takes once its models are fitted: calibration, figures, saving."""
    n_cells = len(job.valid_rows) * job.objective.n_classes
    saving_s = 0.35 if draws_figures else 0.12
    return saving_s + min(n_cells, 400_000) * _CALIBRATION_S_PER_CELL


def seconds_after_search(so_far: SoFar, recipe: Recipe, *, allowance: Allowance) -> float:
    """Forecast what keeping the best trial takes once the search has ended: its final fit, calibration and saving.

    Returns
    -------
    float
        At most half of the share for what nobody can leave out, calibration and saving; four tenths with a
        final fit, which is left out where it has no time; and what voters may take. Nothing for a refit that would take
        more than four tenths of what all families have: it has no time in any case.
    """
    job, best = so_far.job, so_far.best
    voters_s = so_far.say * allowance.voters_s
    share_s, n_cores = allowance.share_s, allowance.n_cores
    keeping_s = keeping_seconds(job, draws_figures=allowance.draws_figures)
    if recipe.calibration_split is not None:
        best_s = MOST_PREDICTION_S if best is None else prediction_s(job, best.params, _kept_rounds(job, best))
        per_1000_s = min(best_s, MOST_PREDICTION_S)
        keeping_s += len(recipe.calibration_split.y) / 1000 * per_1000_s / n_cores
    # What fits took is known as it was on this machine; what is known from elsewhere takes longer on a busy one.
    seconds = min(so_far.slowness * (keeping_s + 0.02 * share_s), _MOST_KEEPING * share_s)
    most_s = max(_MOST_AFTER_SEARCH * share_s, seconds)
    if recipe.final_fit == "refit":
        if best is None:  # a first trial that has not ended yet leaves no time for another fit of its length
            return seconds
        # A family alone has all cores for itself, whether it has a use for them or not.
        refit_s = _refit_s(so_far, best, n_cores=n_cores, least_share=1 / allowance.n_families)
        if refit_s > _MOST_AFTER_SEARCH * share_s * allowance.n_families:
            return seconds
        further_s = so_far.n_further * _refit_s(so_far, best, n_cores=n_cores)
        return min(seconds + refit_s, most_s) + min(further_s, voters_s)
    if best is not None and not so_far.is_at_hand:
        seconds += fit_folds_s(best, n_cores=n_cores)
    refits_s = 0.0
    if recipe.refits_voters and best is not None:
        refits_s = n_affordable(job, best.params, _kept_rounds(job, best)) * _refit_s(so_far, best, n_cores=n_cores)
    return min(seconds, most_s) + min(refits_s, voters_s)


def _kept_rounds(job: SearchJob, best: Trial) -> tuple[int, ...]:
    """Return the rounds of the fold models that are kept: those of further repeats serve the score alone."""
    return best.n_rounds[: len(first_repeat(job.folds))]


def _refit_s(so_far: SoFar, best: Trial, *, n_cores: int, least_share: float = 0.0) -> float:
    """Return the wall clock of one refit: of the cores, its fit takes as many as it has threads, or ``least_share``."""
    prepare_s = prepare_seconds(so_far.job, so_far.prepare_s)
    share = max(best.threads / n_cores, least_share)
    return prepare_s + refit_seconds(so_far.job, best) * min(share, 1.0)
