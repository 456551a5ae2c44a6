"""What is judged, and under which circumstances: the record that the steps of an evaluation share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mltrain.assessment import Circumstances
from mltrain.config import Config
from mltrain.data.splits import SplitRecord
from mltrain.leaderboard import Standing
from mltrain.model import Model
from mltrain.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One evaluation.

    Attributes
    ----------
    params : mapping of str to str
        Parameters of the run as the tracker holds them.
    """

    config: Config
    workspace: Workspace
    split: SplitRecord
    chosen: Standing
    asked: Circumstances
    model: Model
    params: Mapping[str, str]
