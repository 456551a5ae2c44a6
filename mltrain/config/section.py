"""What all sections of the config share."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """What all sections share."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _blank_is_default(cls, values: object) -> object:
        """Take a key whose inner keys are all commented out, which YAML reads as null, as not there."""
        if values is None:
            return {}
        if not isinstance(values, Mapping):
            return values
        return {key: value for key, value in values.items() if value is not None or key not in cls._containers()}

    @classmethod
    def _containers(cls) -> set[str]:
        """Return the keys whose defaults hold keys or items."""
        return {
            name
            for name, field in cls.model_fields.items()
            if field.default_factory is dict or isinstance(field.default, BaseModel | tuple)
        }
