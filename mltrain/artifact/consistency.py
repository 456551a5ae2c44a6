"""Whether the parts of an artefact make one model: each file may be what its hash says and not suit the others."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from mltrain import plugins
from mltrain.model import Member, Model
from mltrain.models import ModelFamily
from mltrain.preprocessing import Encoder

# Shares are divided and added up again in float64 by hundreds of members at most.
_CLOSE_TO_ONE = 1e-6


def check_parts(model: Model) -> None:
    """Refuse parts that would fail, be left out or give no probabilities when the model predicts.

    Raises
    ------
    ValueError
        Says which part, and what it does not suit.
    """
    n_classes = model.schema.target.n_classes
    if model.threshold is not None and not _is_number(model.threshold):
        raise ValueError(f"the threshold is {model.threshold!r}, no finite number")
    if model.calibrator is not None and model.calibrator.n_classes != n_classes:
        raise ValueError(f"the calibrator is for {model.calibrator.n_classes} classes, the target has {n_classes}")
    for kind, encoder in model.encoders.items():
        if encoder.kind != kind:
            raise ValueError(f"the encoder called '{kind}' makes the view '{encoder.kind}'")
    for position, member in enumerate(model.members):
        _check_member(member, model, name=f"member {position} ({member.family})")
    total = math.fsum(member.weight for member in model.members)
    if abs(total - 1) > _CLOSE_TO_ONE:
        raise ValueError(f"the weights of the members sum to {total:g}, not 1")


def _check_member(member: Member, model: Model, *, name: str) -> None:
    for what, value in (("weight", member.weight), ("sharpness", member.sharpness)):
        if not _is_number(value) or value <= 0:
            raise ValueError(f"{name} has a {what} of {value!r}, which is no finite number above 0")
    family = cast("ModelFamily", plugins.load("models", member.family))
    if family.view not in model.encoders:
        raise ValueError(f"{name} wants the view '{family.view}', which no encoder makes")
    n_features = _n_features(member, model.encoders[family.view], name=name)
    try:
        n_classes = family.predict_proba(member.fitted, np.zeros((1, n_features), dtype=np.float32)).shape[1]
    except Exception as error:  # each library has errors of its own
        raise ValueError(f"{name} does not predict rows of {n_features} features: {error}") from error
    if n_classes != model.schema.target.n_classes:
        raise ValueError(f"{name} knows {n_classes} classes, the target has {model.schema.target.n_classes}")


def _n_features(member: Member, encoder: Encoder, *, name: str) -> int:
    """Return how many encoded columns a member is given, all of which must be there."""
    n_encoded = len(encoder.features)
    if member.features is None:
        return n_encoded
    if member.features.min(initial=0) < 0 or member.features.max(initial=0) >= n_encoded:
        raise ValueError(f"{name} asks for columns that are not among the {n_encoded} of its encoder")
    return int(member.features.size)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
