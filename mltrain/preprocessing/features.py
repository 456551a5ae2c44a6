"""What one encoded feature is, said as data: four records and the encoder that lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from mltrain.models import ViewKind

Part: TypeAlias = Literal["value", "year", "month", "day", "weekday", "hour", "days"]
PARTS: tuple[str, ...] = get_args(Part)


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """A number, a boolean as 0/1, or one part of a date.

    The steps run in the order of the attributes, each left out when it is None.

    Attributes
    ----------
    fill : float, optional
        Stands for a missing value.
    log_unit : float, optional
        ``x`` becomes ``sign(x) * log(1 + |x| / log_unit)``.
    center, scale : float
        ``x`` becomes ``(x - center) / scale``.
    bound : float, optional
        ``x`` is cut to [-bound, bound].
    """

    name: str
    source: str
    part: Part = "value"
    fill: float | None = None
    log_unit: float | None = None
    center: float = 0.0
    scale: float = 1.0
    bound: float | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the value is taken as it is."""
        steps = (self.fill, self.log_unit, self.bound)
        return steps == (None, None, None) and (self.center, self.scale) == (0.0, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """1 where a number, a boolean or one part of a date is missing, else 0."""

    name: str
    source: str
    part: Part = "value"


@dataclass(frozen=True, kw_only=True, slots=True)
class Codes:
    """A category as one column of codes.

    Attributes
    ----------
    levels : tuple of str
        Sorted; a level's position is its code.
    pooled : tuple of str
        Rare levels that share the code ``len(levels)``.
    missing_code : int, optional
        Code of the missing and the unseen; None encodes them as NaN.
    """

    name: str
    source: str
    levels: tuple[str, ...]
    pooled: tuple[str, ...] = ()
    missing_code: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """1 where a category is one of ``values`` (or missing or unseen, when ``missing``), else 0."""

    name: str
    source: str
    values: tuple[str, ...] = ()
    missing: bool = False


Feature: TypeAlias = Number | Missing | Codes | Level


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoder:
    """How a conformed table becomes a view of X; features of one source column stand together."""

    kind: ViewKind
    features: tuple[Feature, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the encoded columns: unique, of letters, digits and underscores."""
        return tuple(feature.name for feature in self.features)

    @property
    def sources(self) -> tuple[str, ...]:
        """The source column of each encoded column."""
        return tuple(feature.source for feature in self.features)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the encoded columns that hold category codes."""
        return tuple(i for i, feature in enumerate(self.features) if isinstance(feature, Codes))

    @property
    def is_sparse(self) -> bool:
        """Whether rows are mostly zeros, so that a CSR matrix is the smaller and faster one."""
        zero_one = [feature for feature in self.features if isinstance(feature, Level)]
        filled = len(self.features) - len(zero_one) + len({level.source for level in zero_one})
        return self.kind == "one_hot" and len(self.features) >= 64 and len(self.features) > 4 * filled
