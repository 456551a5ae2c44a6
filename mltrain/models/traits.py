"""What a family may say of itself beyond its contract, and what holds where it says nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from mltrain.models import ModelFamily
from mltrain.space import Params


def _one_sort(_: Params) -> str:
    return ""


def _one_tree(_: Params) -> float:
    return 1.0


def _nothing_more(_: Params, __: int) -> float:
    return 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """Attributes that a family has or leaves out; each has a default.

    Attributes
    ----------
    libraries : tuple of str
        Modules that decide what a fit gives, such as ``("lightgbm",)``; with another version of one a search is not
        continued but begun anew.
    binning : frozenset of str
        Parameters that ask for bins of their own, such as ``max_bin``; of a range of one a few
        values are searched.
    synonyms : mapping of str to str
        Other names of parameters, such as ``{"eta": "learning_rate"}``: what a config fixes or searches by one of them
        is not searched by the family's own name besides.
    defaults : mapping of str to scalar
        What parameters are that first trials leave out, under the family's own names: where a config adds one to the
        search, first trials stay what they are. Without one the middle of its range is tried.
    refused : mapping of str to mapping of str to str
        Values that a parameter cannot have, in lower case, and why: a config that names one is refused when it is read.
    variant : callable
        ``variant(params)``: what sort of model the parameters make, where a family makes several that err as
        differently as two families do; the best of each sort may vote, whatever its rank. Like `ModelFamily.work` it
        raises nothing.
    uses_threads : bool
        Whether fits use the threads that `Limits.threads` allows; where not, no core is kept for a second one.
    uses_seed : bool
        Whether the seed changes what a model is; where not, there is no use in several of other seeds.
    is_additive : bool
        Whether a model is the sum, or the mean, of what its rounds added: losses by round then tell where a fit will
        end, and a trial that promises too little is given up on its way. The steps of an optimiser do not tell.
    grows_tree_per_class : bool
        A round grows one tree for each of several classes.
    trees_at_once : callable
        ``trees_at_once(params)``: how many trees a round grows, for each class where it grows one for each.
    tree_us : float
        Microseconds of one core that a tree takes for 1,000 rows, so that it is known what predictions cost. By
        default between a forest's tree for ten classes and a booster's for two.
    model_us : callable
        ``model_us(params, n_features)``: the same for what a model takes beside its trees and a call.
    """

    libraries: tuple[str, ...] = ()
    binning: frozenset[str] = frozenset()
    synonyms: Mapping[str, str] = field(default_factory=dict)
    defaults: Params = field(default_factory=dict)
    refused: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variant: Callable[[Params], str] = _one_sort
    uses_threads: bool = True
    uses_seed: bool = True
    is_additive: bool = False
    grows_tree_per_class: bool = False
    trees_at_once: Callable[[Params], float] = _one_tree
    tree_us: float = 50.0
    model_us: Callable[[Params, int], float] = _nothing_more


def traits_of(family: ModelFamily) -> Traits:
    """Return what a family says of itself, and the defaults of what it does not say."""
    said = {trait.name: getattr(family, trait.name, None) for trait in fields(Traits)}
    return Traits(**{name: value for name, value in said.items() if value is not None})
