from __future__ import annotations

from datetime import timedelta

import pytest

from mltrain.config.asof import parse_age
from mltrain.config.loading import from_mapping, parse
from mltrain.config.rendering import to_yaml
from mltrain.errors import ConfigError

TEXT = """\
data:
  source: labels.parquet
  target: churned
  asof:
    time_column: observed
    tables:
      - source: usage.parquet
        keys: [customer]
        time_column: since
"""


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("30d", timedelta(days=30)),
        ("2w 1d", timedelta(days=15)),
        ("12h", timedelta(hours=12)),
        ("90m", timedelta(minutes=90)),
        ("90min", timedelta(minutes=90)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("45s", timedelta(seconds=45)),
    ],
)
def test_ages_are_read_as_they_are_written(text: str, age: timedelta) -> None:
    assert parse_age(text) == age


@pytest.mark.parametrize("text", ["", "30", "0d", "d", "-3d", "3 years", "9999999999999d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no age|is not above zero|is too long"):
        parse_age(text)


def test_a_join_loads_and_is_written_back() -> None:
    config = parse(TEXT, origin="m.yaml")

    assert config.data.asof is not None
    assert config.data.asof.tables[0].keys == ("customer",)
    assert parse(to_yaml(config, only_set=True), origin="again") == config


@pytest.mark.parametrize(
    ("was", "becomes", "message", "where", "hint"),
    [
        ("keys: [customer]", "max_age: 30d", "'keys' is missing", "m.yaml:7 data.asof.tables.0.keys", "no default"),
        ("keys: [customer]", "keys: {}", "a join needs a key", "m.yaml:8 data.asof.tables.0.keys", "both tables"),
        ("keys:", "max_age: soon\n        keys:", "'soon' is no age", "tables.0.max_age", "30d"),
        ("time_column: since", "time_colum: since", "2 things are wrong", "m.yaml", None),
        (
            "time_column: observed",
            "late_rows: drop\n    time_column: observed",
            "must be one of use",
            "late_rows",
            None,
        ),
        ("asof:", "asof:\n    tabels: []", "unknown key 'tabels'", "m.yaml:5 data.asof.tabels", "'tables'"),
    ],
)
def test_what_is_wrong_with_a_join_is_named(was: str, becomes: str, message: str, where: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(TEXT.replace(was, becomes, 1), origin="m.yaml")

    assert message in caught.value.message
    assert where in str(caught.value.where)
    assert hint is None or hint in str(caught.value.hint)


def test_a_join_of_nothing_is_refused() -> None:
    data = {"source": "a", "target": "b", "asof": {"time_column": "t", "tables": []}}

    with pytest.raises(ConfigError, match="joins no table"):
        from_mapping({"data": data})
