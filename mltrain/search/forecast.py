"""Whether a trial can still end before the clock does."""

from __future__ import annotations

import math

# A trial that needs no more luck than this is begun: forecasts are rough.
_LUCK_FOLDS = 0.8
# A single fit that the clock cuts half way is a model all the same; one of five folds is not.
_LUCK_HOLDOUT = 0.5


def can_end_in_time(
    trial_s: float | None, *, ahead_s: float, n_folds: int, threads: int, n_cores: int, seconds_left: float
) -> bool:
    """Say whether a trial is worth beginning.

    Parameters
    ----------
    trial_s : float, optional
        Core-seconds of all its folds; None while nothing is known of its family.
    ahead_s : float
        Core-seconds of what runs or waits already.
    threads : int
        Threads of one fit.
    seconds_left : float
        Wall clock until fits must end.
    """
    if trial_s is None or math.isinf(seconds_left):
        return seconds_left > 0
    waves = math.ceil(n_folds * threads / n_cores)
    wall_s = waves * trial_s / n_folds / threads + ahead_s / n_cores / 2
    return wall_s * (_LUCK_HOLDOUT if n_folds == 1 else _LUCK_FOLDS) <= seconds_left


def fold_share_s(seconds_left: float, *, n_without_model: int, n_folds_left: int, threads: int, n_cores: int) -> float:
    """Return the wall clock of one fold of a family's first trial: an equal part, so that every fold has a model.

    Parameters
    ----------
    n_without_model : int
        Families that have none yet, this one included.
    n_folds_left : int
        Folds of the trial that have not begun, this one included.
    """
    waves = math.ceil(n_folds_left * threads / n_cores)
    return seconds_left / max(n_without_model, 1) / max(waves, 1)
