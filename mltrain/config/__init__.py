"""The config: one YAML file, validated before any data is read."""

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
    "Config",
    "DataSection",
    "EvaluateSection",
    "ModelSection",
    "PreprocessingSection",
    "RegistrySection",
    "SplitSection",
    "TrainSection",
]
