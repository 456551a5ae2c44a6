"""Search-space entries: `{int: [2, 64]}`, `{float: [1e-4, 0.1], log: true}`, `{choice: [a, b]}`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from mltrain.space import Choice, Dimension, Float, Int

Option = StrictBool | StrictInt | StrictFloat | StrictStr | None


class DimensionEntry(BaseModel):
    """One parameter's range: exactly one of ``int``, ``float`` and ``choice``."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={"oneOf": [{"required": [name]} for name in ("int", "float", "choice")]},
    )

    int: tuple[StrictInt, StrictInt] | None = None
    """Lowest and highest whole number, both included."""
    float: tuple[StrictFloat | StrictInt, StrictFloat | StrictInt] | None = None
    """Lowest and highest number, both included."""
    choice: Annotated[tuple[Option, ...] | None, Field(min_length=1)] = None
    """The options."""
    log: bool = False
    """Search orders of magnitude."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        ranges = [r for r in (self.int, self.float) if r is not None]
        if len(ranges) + (self.choice is not None) != 1:
            raise ValueError("say exactly one of int, float and choice")
        for low, high in ranges:
            if low >= high:
                raise ValueError(f"low must be below high, got [{low}, {high}]")
            if self.log and low <= 0:
                raise ValueError(f"log needs a low above 0, got {low}")
        if self.choice is not None and self.log:
            raise ValueError("log goes with int and float, not with choice")
        return self

    def dimension(self) -> Dimension:
        """Return the range as the search engine takes it."""
        if self.int is not None:
            return Int(low=self.int[0], high=self.int[1], log=self.log)
        if self.float is not None:
            return Float(low=float(self.float[0]), high=float(self.float[1]), log=self.log)
        return Choice(options=tuple(self.choice or ()))
