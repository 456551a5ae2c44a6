"""Makes a real feature repository in a folder that holds its tables; run by an interpreter that has Feast.

Usage: python make_repository.py FOLDER STORE
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Bool, Float32, Int64, String

CONFIG = """\
project: churn
provider: local
registry: registry.db
offline_store: {{type: {store}}}
online_store: {{type: sqlite, path: online.db}}
entity_key_serialization_version: 3
"""


def make_repository(folder: Path, store: str) -> None:
    """Apply two feature views, with and without a maximal age, and a service over both."""
    (folder / "feature_store.yaml").write_text(CONFIG.format(store=store), encoding="utf-8")
    customer = Entity(name="customer", join_keys=["customer"], value_type=ValueType.INT64)
    usage = FileSource(
        name="usage_file", path="usage.parquet", timestamp_field="since", created_timestamp_column="written"
    )
    plans = FileSource(name="plans_file", path="plans.parquet", timestamp_field="event_timestamp")
    usage_view = FeatureView(
        name="usage",
        entities=[customer],
        ttl=timedelta(days=30),
        source=usage,
        schema=[Field(name="visits", dtype=Int64), Field(name="spend", dtype=Float32)],
    )
    plan_view = FeatureView(
        name="plan",
        entities=[customer],
        ttl=timedelta(0),
        source=plans,
        schema=[Field(name="tariff", dtype=String), Field(name="is_business", dtype=Bool)],
    )
    service = FeatureService(name="churn_v1", features=[usage_view, plan_view[["tariff", "is_business"]]])
    FeatureStore(repo_path=str(folder)).apply([customer, usage, plans, usage_view, plan_view, service])


if __name__ == "__main__":
    make_repository(Path(sys.argv[1]), sys.argv[2])
