"""Proposes, fits, races and records the trials of all families. The only package that imports Optuna.

It knows families through `mltrain.models`, scores through `mltrain.metrics`, and nothing of configs,
trackers, tables or the terminal.
"""

from __future__ import annotations

from mltrain.search.allotment import Ends, SoFar
from mltrain.search.contenders import contenders, variant_of, with_predictions
from mltrain.search.executor import Executor, LocalExecutor
from mltrain.search.job import SearchJob, study_key
from mltrain.search.refitting import fit_folds, fit_folds_s, refit_all, rounds_for_all
from mltrain.search.scoring import as_scored, fold_proba, out_of_fold, score_of, score_of_fold
from mltrain.search.seeds import derive
from mltrain.search.study import Study, search
from mltrain.search.trial import Curve, State, Trial, rank_trials

__all__ = [
    "Curve",
    "Ends",
    "Executor",
    "LocalExecutor",
    "SearchJob",
    "SoFar",
    "State",
    "Study",
    "Trial",
    "as_scored",
    "contenders",
    "derive",
    "fit_folds",
    "fit_folds_s",
    "fold_proba",
    "out_of_fold",
    "rank_trials",
    "refit_all",
    "rounds_for_all",
    "score_of",
    "score_of_fold",
    "search",
    "study_key",
    "variant_of",
    "with_predictions",
]
