"""Settings of the Feast source, as `data.options` has them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from mltrain.data.options import SourceOptions


class EntitySource(SourceOptions):
    """Where the rows are that features are looked up for."""

    source: str
    """Whatever `data.source` may be."""
    format: str | None = None
    """Name of the data source plug-in; by default the one that accepts `source`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Settings of that data source."""


class FeastOptions(SourceOptions):
    """What is asked of a feature store, and for which rows."""

    entities: str | EntitySource
    """The labelled rows: a file, a query, whatever another data source reads; with the entities' keys and a time."""
    features: str | Annotated[tuple[str, ...], Field(min_length=1)]
    """Name of a feature service, or a list of `view:feature`."""
    timestamp_column: str = "event_timestamp"
    """Column of the rows: the time as of which features are looked up; without a zone it is UTC."""
    full_feature_names: bool = False
    """Call columns `view__feature`, not `feature`."""
    late_rows: Literal["use", "leave_out"] = "use"
    """What becomes of feature rows written after the label's time: used and reported, or not seen."""

    timeout_s: float = Field(default=3600, gt=0)
    """Seconds that Feast may take for the rows (in `predict`: for each million of them) before it is ended."""

    @property
    def entity_source(self) -> EntitySource:
        """Where the rows are."""
        return EntitySource(source=self.entities) if isinstance(self.entities, str) else self.entities
