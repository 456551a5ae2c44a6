"""The clock of `train`: how long each family may take, and what is kept back for the end.

Pure arithmetic over `time.monotonic` values; it never reads the clock itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mltrain.config import TrainSection  # brings pydantic, and the command line reads durations before it is needed

REFITS = 0.09
"""Share of the whole that refits of an ensemble's voters may take."""
REFITS_OF_FOLD_MODELS = 0.2
"""The same where each of a voter's fold models is replaced by one on all rows."""
_NUMBER = r"\d+(?:\.\d+)?"
_PLAIN = re.compile(_NUMBER)
_DURATION = re.compile(rf"(?:(?P<h>{_NUMBER})h)?(?:(?P<m>{_NUMBER})m(?:in)?)?(?:(?P<s>{_NUMBER})s)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What the user allowed.

    Attributes
    ----------
    started_at : float
        `time.monotonic` value at process start.
    total_s : float, optional
        Seconds from process start to the last model saved; None: no limit on the whole.
    family_s : float, optional
        Seconds of one family, its final fit included; None: no limit of its own.
    """

    started_at: float
    total_s: float | None
    family_s: float | None

    @property
    def saved_by(self) -> float | None:
        """When the last model must be on disk: a little before the end, because saving is not free."""
        if self.total_s is None:
            return None
        return self.started_at + self.total_s - min(max(0.02 * self.total_s, 0.3), 2.0)

    def allowed_s(self, n_families: int) -> float | None:
        """Return the seconds that all families together may take; None: no limit."""
        limits = [self.total_s, None if self.family_s is None else n_families * self.family_s]
        return min((limit for limit in limits if limit is not None), default=None)

    @property
    def draws_figures(self) -> bool:
        """Whether there is time for figures: a library to load and half a second for each model."""
        return self.total_s is None or self.total_s >= 30

    def has_time_for_figures(self, now: float) -> bool:
        """Whether figures may still be drawn: models and the ensemble come first."""
        if self.saved_by is None:
            return True
        return self.draws_figures and now < self.saved_by - self.ensemble_s(refits=0.0)

    def ensemble_s(self, *, refits: float) -> float:
        """Return the seconds kept for the ensemble: its weights, and a share of the whole for refits of voters."""
        if self.total_s is None:
            return 0.0
        return min(max((0.03 + refits) * self.total_s, 0.5), 90.0 if refits else 20.0)

    def families_deadline(self, now: float, groups: Sequence[Sequence[float]], *, ensemble_s: float) -> float | None:
        """Return when the next group of families must be saved.

        Parameters
        ----------
        groups : sequence of sequences of float
            Weights of the families still to come, in groups that are searched together, the next group first; what one
            leaves over goes to the later ones.
        ensemble_s : float
            Seconds to keep for the ensemble at the end.
        """
        limits = []
        if self.family_s is not None:
            limits.append(now + self.family_s * len(groups[0]))
        if self.saved_by is not None:
            left = max(self.saved_by - ensemble_s - now, 0.0)
            limits.append(now + left * sum(groups[0]) / sum(map(sum, groups)))
        return min(limits) if limits else None

    def ensemble_deadline(self, now: float) -> float | None:
        """Return when the ensemble must be saved."""
        limits = [limit for limit in (self.saved_by, now + self.family_s if self.family_s else None) if limit]
        return min(limits) if limits else None


def make_budget(
    settings: TrainSection,
    *,
    started_at: float,
    total_s: float | None,
    has_max_trials: bool,
    family_s: float | None = None,
) -> Budget:
    """Return the clock: per model a limit that somebody chose, or the default where nothing else ends a search.

    Parameters
    ----------
    total_s, family_s : float, optional
        Seconds in all and per model, as asked for beside the config.
    has_max_trials : bool
        Whether so and so many trials were asked for beside the config: given alone, no clock runs.
    """
    is_chosen = "model_opt_timeout_secs" in settings.model_fields_set
    if family_s is None and not has_max_trials and (total_s is None or is_chosen):
        family_s = settings.model_opt_timeout_secs
    return Budget(started_at=started_at, total_s=total_s, family_s=family_s)


def parse_duration(text: str) -> float:
    """Return seconds of a duration such as ``180s``, ``10m``, ``1h30m`` or plain ``90``.

    Raises
    ------
    ValueError
        It is no duration, or not above zero.

    Examples
    --------
    >>> parse_duration("1h30m")
    5400.0
    """
    dense = text.lower().replace(" ", "")
    match = _DURATION.fullmatch(dense + "s" if _PLAIN.fullmatch(dense) else dense)
    if match is None or not any(match.groups()):
        raise ValueError(f"'{text}' is no duration; write 180s, 10m, 1h30m or seconds")
    hours, minutes, seconds = (float(match[unit] or 0) for unit in "hms")
    total = 3600 * hours + 60 * minutes + seconds
    if total <= 0:
        raise ValueError(f"'{text}' is not above zero")
    return total
