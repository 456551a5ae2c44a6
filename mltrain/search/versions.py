"""The versions that a family's sequence of trials rests on: those of the sampler and of what fits its models."""

from __future__ import annotations

from importlib import import_module

from mltrain.models import ModelFamily
from mltrain.models.traits import traits_of


def versions_behind(family: ModelFamily) -> dict[str, str]:
    """Return the version of each module that another version of may propose or fit something else."""
    names = ("optuna", *traits_of(family).libraries)
    return {name: str(getattr(import_module(name), "__version__", "unknown")) for name in names}
