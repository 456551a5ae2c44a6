"""What goes wrong between mltrain and a database: it is told, with where and a hint, and no password is."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from mltrain.data.loading import load_table
from mltrain.data.sql import SOURCE
from mltrain.errors import ConfigError, DataError, EnvironmentRefusal, MltrainError, PluginError
from mltrain.installer import install
from mltrain.plugins import install_extra
from mltrain.redaction import without_secrets


def everything(error: MltrainError) -> str:
    """Return all that a user could come to see of an error."""
    chain = [str(each) for each in (error.__cause__, None if error.__suppress_context__ else error.__context__) if each]
    return " ".join([error.message, str(error.where), str(error.hint), *chain])


def test_a_wrong_password_is_an_environment_refusal(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "not-the-word")

    with pytest.raises(EnvironmentRefusal, match="password authentication failed") as caught:
        load_table(postgres.url, options={"query": "select 1"})

    assert caught.value.exit_code == 6
    assert "PGPASSWORD and ~/.pgpass" in str(caught.value.hint)
    assert "not-the-word" not in everything(caught.value)


def test_a_password_in_a_variable_of_any_name_is_never_told(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = f"postgresql://postgres:hunter2@127.0.0.1:{postgres.port}/postgres?application_name=hunter2"
    monkeypatch.setenv("WHERE_IT_IS", wrong)

    with pytest.raises(MltrainError) as caught:
        load_table("env:WHERE_IT_IS", options={"query": "select 'hunter2'::int"})

    assert "hunter2" not in everything(caught.value)


@pytest.mark.parametrize(
    "source",
    ["postgresql://ann:hunter2@127.0.0.1/shop", "postgresql://ann@127.0.0.1/shop?password=hunter2"],
)
def test_a_password_in_the_address_is_refused_unseen(source: str) -> None:
    for read in (load_table, lambda address: SOURCE.load(address, {})):
        with pytest.raises(ConfigError, match="holds a password") as caught:
            read(source)

        assert "env:NAME" in str(caught.value.hint)
        assert "hunter2" not in everything(caught.value)


def test_a_server_that_is_not_there_is_an_environment_refusal() -> None:
    with pytest.raises(EnvironmentRefusal, match="cannot be opened") as caught:
        load_table("postgresql://ann@127.0.0.1:9/shop", options={"query": "select 1"})

    assert "host, port" in str(caught.value.hint)


def test_a_missing_table_is_a_data_error_that_knows_a_near_name(postgres: Any) -> None:
    postgres.execute("drop table if exists customers", "create table customers (x int)")

    with pytest.raises(DataError, match="there is no table 'custommers'") as caught:
        load_table(postgres.url, options={"table": "custommers"})

    assert caught.value.hint == "did you mean 'customers'?"
    assert str(caught.value.where) == f"{postgres.url}, data.options.table"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select * from nothing_there", 'relation "nothing_there" does not exist'),
        ("select prize from (select 1 as price) t", 'column "prize" does not exist'),
        ("selec 1", "syntax error"),
        ("select 1 / 0 as x", "division by zero"),
    ],
)
def test_a_wrong_query_is_a_data_error_that_says_why(postgres: Any, query: str, told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        load_table(postgres.url, options={"query": query})

    assert str(caught.value.where).endswith("data.options.query")


def test_a_right_that_lacks_is_an_environment_refusal(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres.execute(
        "drop table if exists hidden",
        "create table hidden (x int)",
        "do $$ begin if not exists (select from pg_roles where rolname = 'guest') then "
        f"create role guest login password '{postgres.password}'; end if; end $$",
    )

    with pytest.raises(EnvironmentRefusal, match="permission denied"):
        load_table(postgres.url.replace("postgres@", "guest@"), options={"query": "select * from hidden"})


def test_a_server_that_goes_away_while_rows_are_read(postgres: Any) -> None:
    query = (
        "select i, case when i = 150000 then pg_terminate_backend(pg_backend_pid()) end as gone "
        "from generate_series(1, 200000) i"
    )

    with pytest.raises(EnvironmentRefusal, match="the server went away while rows were read") as caught:
        load_table(postgres.url, options={"query": query})

    assert "reads all rows again" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query": "select 1", "table": "t"}, "query and table are both given"),
        ({"table": "t", "parameters": {"a": 1}}, "parameters are given without a query"),
        ({"query": "select :a, :b", "parameters": {"a": 1}}, "the query wants a value for 'b'"),
        ({"query": "select :a", "parameters": {"a": 1, "c": 1}}, "the query has no place for 'c'"),
        ({"qery": "select 1"}, "sql has no option 'qery'"),
    ],
)
def test_wrong_options_are_config_errors(postgres: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_table(postgres.url, options=options)


def test_a_variable_that_is_not_set_is_an_environment_refusal() -> None:
    with pytest.raises(EnvironmentRefusal, match="'NO_SUCH_URL' is not set"):
        load_table("env:NO_SUCH_URL")


def test_the_hint_about_credentials_survives_the_mask_of_secrets() -> None:
    with pytest.raises(EnvironmentRefusal) as caught:
        load_table("postgresql://ann@127.0.0.1:1/shop", options={"query": "select 1"})

    hint = str(caught.value.hint)
    assert "PostgreSQL reads PGPASSWORD and ~/.pgpass" in hint
    assert without_secrets(hint) == hint


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(PluginError, match="the driver of postgresql is not installed") as caught:
        load_table("postgresql://ann@127.0.0.1/shop", options={"query": "select 1"})
    with pytest.raises(PluginError) as other:
        load_table("mysql://ann@127.0.0.1/shop", options={"query": "select 1"})

    assert caught.value.hint == install_extra("sql")
    assert other.value.hint == install("pymysql")
