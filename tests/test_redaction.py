"""Secrets are masked in text and in values, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mltrain.config import Config
from mltrain.redaction import redacted, without_secrets


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("--set train.tracker_options.api_key=abc123", "--set train.tracker_options.api_key=***"),
        ("{'password': 'hunter2', 'n': 1}", "{'password': ***, 'n': 1}"),
        ("TOKEN: xyz", "TOKEN: ***"),
        ("postgresql://ann:pw@host/db", "postgresql://***@host/db"),
        ("max_search_iters=20", "max_search_iters=20"),
        ("extra argument (https://h/x.parquet?v=1&sig=hunter2)", "extra argument (https://h/x.parquet?v=1&sig=***"),
        ("Driver=x;Server=h;PWD=hunter2;n=1", "Driver=x;Server=h;PWD=***;n=1"),
    ],
)
def test_text(text: str, masked: str) -> None:
    assert without_secrets(text) == masked


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("http://bob:pw@127.0.0.1:5000", "http://***@127.0.0.1:5000"),
        ("postgresql+psycopg://ann:p/w@rd@db.example.com:5432/app", "postgresql+psycopg://***@db.example.com:5432/app"),
        ("mysql://root:1234@localhost/app", "mysql://***@localhost/app"),
        ("https://ghp_0123456789@example.com/rows.csv", "https://***@example.com/rows.csv"),
        ("https://example.com/rows.csv?sv=1&sig=abc%3D&x=2", "https://example.com/rows.csv?sv=1&sig=***&x=2"),
        ("host=db user=ann password=pw dbname=app", "host=db user=ann password=*** dbname=app"),
        ("http://127.0.0.1:5000/team@home", "http://127.0.0.1:5000/team@home"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("sqlite:////home/ann@work/mlflow.db", "sqlite:////home/ann@work/mlflow.db"),
        ("s3://bucket/token=a/part.parquet", "s3://bucket/token=a/part.parquet"),
        ("Kunden: *.csv", "Kunden: *.csv"),
    ],
)
def test_addresses_among_values(url: str, masked: str) -> None:
    assert redacted({"source": url, "more": [url]}) == {"source": masked, "more": [masked]}


def test_what_stands_under_a_telling_name_among_options_is_masked() -> None:
    values = {
        "tracker_options": {"api_key": "k", "tracking_uri": "http://h", "use_token": True, "password": None},
        "data": {"options": {"deep": {"key": "a", "secret": "b", "anon": False}, "PASSWORD": 1234, "pwd": "x"}},
    }

    assert redacted(values) == {
        "tracker_options": {"api_key": "***", "tracking_uri": "http://h", "use_token": True, "password": None},
        "data": {"options": {"deep": {"key": "***", "secret": "***", "anon": False}, "PASSWORD": "***", "pwd": "***"}},
    }


def test_names_of_columns_and_parameters_tell_nothing() -> None:
    values = {"columns": {"api_key": "numeric", "token": "category"}, "key_column": "id", "params": {"key": 1}}

    assert redacted(values) == values


def test_secrets_of_the_environment_are_masked_in_values_but_the_working_folder_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMET_API_KEY", "qwertyuiop")
    monkeypatch.setenv("PWD", "/home/ann/churn")

    assert redacted({"source": "/home/ann/churn/qwertyuiop.csv"}) == {"source": "/home/ann/churn/***.csv"}


def test_a_config_without_secrets_is_left_as_it_is(churn: Any) -> None:
    config: Config = churn(train={"tracker_options": {"tracking_uri": "http://127.0.0.1:5000"}})
    values = config.model_dump(mode="json")

    assert json.dumps(redacted(values)) == json.dumps(values)
