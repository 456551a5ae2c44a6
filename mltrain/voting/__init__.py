"""Who votes with what weight, chosen on held-out predictions, and what the vote is worth.

It knows predictions, classes and a metric; models, trials and families are not its business.
"""

from __future__ import annotations

from mltrain.voting.crossing import MOST_PICKED_FROM, Vote, beside_members, is_outdone, pick, vote
from mltrain.voting.drawing import draw_rows, fewest_of_class
from mltrain.voting.weights import VOTERS_PER_FAMILY, Selection, Weights, choose_weights, quick_weights

__all__ = [
    "MOST_PICKED_FROM",
    "VOTERS_PER_FAMILY",
    "Selection",
    "Vote",
    "Weights",
    "beside_members",
    "choose_weights",
    "draw_rows",
    "fewest_of_class",
    "is_outdone",
    "pick",
    "quick_weights",
    "vote",
]
