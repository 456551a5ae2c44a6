"""XGBoost: one QuantileDMatrix per fold, the hist method, native categories and missing values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from mltrain.errors import EnvironmentRefusal
from mltrain.models import Fitted, Fold, Limits, Objective, Proba, Shape, View
from mltrain.models.parameters import settle_parameters, take_number
from mltrain.models.rounds import RoundWatch, Stop, normalise
from mltrain.models.xgboost_space import KNOWN, SYNONYMS, first_trials, search_space
from mltrain.space import Params, Scalar, Space

_MOST_ROUNDS = 2000
_MOST_WORK = 4e9
