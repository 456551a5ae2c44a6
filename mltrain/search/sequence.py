"""A family's sequence of trials: a pure function of data, config and seed. Alone in talking to Optuna.

Trial i is proposed when trials up to i - lag have ended, knowing exactly their results, told in number order;
the trials in between are running as far as the sampler can see, whatever became of them. Timing, the number
of workers, a kill and a resume therefore cannot change what is proposed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import TrialState

from mltrain.metrics import Metric
from mltrain.search.narrowing import Plan
from mltrain.search.pruning import Bar, set_bar
from mltrain.search.seeds import derive
from mltrain.search.trial import Trial
from mltrain.space import Choice, Dimension, Int, Params

_STARTUP_TRIALS = 10
# So many failures, and one of a trial that the sampler chose, say that a family is not for these rows or settings.
_ENOUGH_FAILURES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A trial to run.

    Attributes
    ----------
    params : Params
        Complete, fixed parameters included.
    bar : Bar, optional
        What fold 0 must reach; None for first trials and while too little is known.
    """

    number: int
    params: Params
    bar: Bar | None


class Sequence:
    """The trials of one family, in order.

    Parameters
    ----------
    name : str
        Family, part of every seed.
    plan : Plan
        Space and first trials.
    finished : mapping of int to Trial
        What a journal already knows; these numbers are passed over.

    References
    ----------
    Watanabe, S. (2023). Tree-structured Parzen estimator. https://doi.org/10.48550/arXiv.2304.11127
    """

    def __init__(
        self, name: str, plan: Plan, *, metric: Metric, seed: int, lag: int, finished: Mapping[int, Trial]
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._name, self._plan, self._metric, self._seed, self._lag = name, plan, metric, seed, lag
        self._study = optuna.create_study(
            direction="maximize" if metric.greater_is_better else "minimize",
            pruner=optuna.pruners.NopPruner(),
        )
        self._distributions = {key: _distribution(dimension) for key, dimension in plan.space.items()}
        self._ended = dict(finished)
        self._n_asked = 0
        self._n_told = 0

    def record(self, trial: Trial) -> None:
        """Take a trial that ended; a cut one is as if it had never been run."""
        if trial.state != "cut":
            self._ended[trial.number] = trial

    @property
    def is_hopeless(self) -> bool:
        """Whether everything told so far failed, and enough of it to stop asking."""
        n_enough = max(self._lag, _ENOUGH_FAILURES, len(self._plan.first_trials) + 1)
        return self._n_told >= n_enough and all(self._ended[number].state == "failed" for number in range(self._n_told))

    def propose(self, below: int | None) -> Proposal | None:
        """Return the next trial that nobody ran yet, or None while it has to wait or ``below`` is reached.

        Parameters
        ----------
        below : int, optional
            Only trials with a smaller number.
        """
        while below is None or self._n_asked < below:
            if not self._is_ready() or self.is_hopeless:
                return None
            number = self._n_asked
            params = self._ask(number)
            self._n_asked += 1
            if number not in self._ended:
                return Proposal(number=number, params=params, bar=self._bar(number))
        return None

    def _is_ready(self) -> bool:
        """Tell what the next trial may know; say whether all of it has ended."""
        while self._n_told <= self._n_asked - self._lag:
            trial = self._ended.get(self._n_told)
            if trial is None:
                return False
            self._tell(trial)
            self._n_told += 1
        return True

    def _tell(self, trial: Trial) -> None:
        """Give one result to the sampler, unless the trial may owe it to parameters that are not searched."""
        is_searched = trial.params.keys() <= self._plan.space.keys() | self._plan.fixed.keys()
        if trial.state == "complete" and is_searched:
            self._study.tell(trial.number, trial.score)
        else:
            state = TrialState.PRUNED if trial.state == "pruned" and is_searched else TrialState.FAIL
            self._study.tell(trial.number, state=state)

    def _ask(self, number: int) -> Params:
        """Return the parameters of a trial, which runs from now on as far as the sampler can see."""
        if number in self._ended:
            return self._start(self._ended[number].params)
        if number < len(self._plan.first_trials):
            return self._start(self._plan.first_trials[number])
        self._study.sampler = _sampler(derive(self._seed, self._name, "sampler", number), self._distributions)
        proposed = self._study.ask(fixed_distributions=self._distributions).params
        return {**{key: proposed[key] for key in self._plan.space}, **self._plan.fixed}

    def _start(self, params: Params) -> Params:
        """Add a trial whose parameters are known."""
        known = {key: params[key] for key in self._distributions}
        self._study.add_trial(
            optuna.trial.create_trial(state=TrialState.RUNNING, params=known, distributions=self._distributions)
        )
        return {**params, **self._plan.fixed}

    def _bar(self, number: int) -> Bar | None:
        """Return what the trials told so far demand of a new one."""
        if number < len(self._plan.first_trials):
            return None
        return set_bar((self._ended[told] for told in range(self._n_told)), self._metric)


class _Sampler(optuna.samplers.TPESampler):  # type: ignore[misc]  # the library is not typed
    """The library's, told its space: it looks for what all trials have in common at each ask, a third of its time."""

    def __init__(self, space: Mapping[str, optuna.distributions.BaseDistribution], **options: Any) -> None:
        super().__init__(**options)
        # In the order that the library would find it in, for its draws depend on that.
        self._space = {name: space[name] for name in sorted(space) if not space[name].single()}

    def infer_relative_search_space(
        self,
        study: optuna.Study,  # noqa: ARG002
        trial: optuna.trial.FrozenTrial,  # noqa: ARG002
    ) -> dict[str, optuna.distributions.BaseDistribution]:
        """Return the space."""
        return self._space


def _sampler(seed: int, space: Mapping[str, optuna.distributions.BaseDistribution]) -> _Sampler:
    """Return a sampler without a past, so that a resume needs none."""
    options = {"seed": seed, "multivariate": True, "constant_liar": True, "n_startup_trials": _STARTUP_TRIALS}
    if not optuna.__version__.startswith("4."):
        return _Sampler(space, **options)
    with warnings.catch_warnings():  # Optuna 4 calls two of them experimental, Optuna 5 made them its defaults
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return _Sampler(space, **options)


def _distribution(dimension: Dimension) -> optuna.distributions.BaseDistribution:
    """Return Optuna's word for a dimension."""
    if isinstance(dimension, Choice):
        return optuna.distributions.CategoricalDistribution(dimension.options)
    if isinstance(dimension, Int):
        return optuna.distributions.IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return optuna.distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)
