"""The config: one YAML file, validated before any data is read."""

from mltrain.config.asof import AsofSection, DatedTable
from mltrain.config.sections import (
    Config,
    DataSection,
    EvaluateSection,
    ModelSection,
    PreprocessingSection,
    RegistrySection,
    SplitSection,
    TrainSection,
)

__all__ = [
    "AsofSection",
    "Config",
    "DataSection",
    "DatedTable",
    "EvaluateSection",
    "ModelSection",
    "PreprocessingSection",
    "RegistrySection",
    "SplitSection",
    "TrainSection",
]
