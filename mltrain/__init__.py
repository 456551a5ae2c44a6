"""From a table of labelled rows to a registered, calibrated, reproducible champion classifier.

Everything a command does is one function that returns a frozen record. Names are imported when first used,
so that ``import mltrain`` is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mltrain._version import __version__

if TYPE_CHECKING:
    from mltrain.artifact import load_model
    from mltrain.commands.evaluate import evaluate
    from mltrain.commands.predict import predict
    from mltrain.commands.register import register
    from mltrain.commands.reproduce import reproduce
    from mltrain.commands.run import run
    from mltrain.commands.select import select
    from mltrain.commands.split import split
    from mltrain.commands.train import train
    from mltrain.config.loading import load as load_config
    from mltrain.tuning import tune
    from mltrain.workspace import Workspace

_HOMES = {
    "Workspace": "mltrain.workspace:Workspace",
    "evaluate": "mltrain.commands.evaluate:evaluate",
    "load_config": "mltrain.config.loading:load",
    "load_model": "mltrain.artifact:load_model",
    "predict": "mltrain.commands.predict:predict",
    "register": "mltrain.commands.register:register",
    "reproduce": "mltrain.commands.reproduce:reproduce",
    "run": "mltrain.commands.run:run",
    "select": "mltrain.commands.select:select",
    "split": "mltrain.commands.split:split",
    "train": "mltrain.commands.train:train",
    "tune": "mltrain.tuning:tune",
}

__all__ = [
    "Workspace",
    "__version__",
    "evaluate",
    "load_config",
    "load_model",
    "predict",
    "register",
    "reproduce",
    "run",
    "select",
    "split",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'mltrain' has no attribute '{name}'")
    module, _, attribute = home.partition(":")
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
