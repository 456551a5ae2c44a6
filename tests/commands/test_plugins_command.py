from __future__ import annotations

from importlib import metadata

import pytest

from mltrain.commands.plugins import plugins
from mltrain.plugins import install_extra


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the libraries of two sources look not installed."""
    version = metadata.version

    def found(name: str) -> str:
        if name in ("deltalake", "feast"):
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", found)
    monkeypatch.delenv("MLTRAIN_FEAST_PYTHON", raising=False)


def _problems() -> dict[str, str | None]:
    return {plugin.name: plugin.problem for plugin in plugins().plugins if plugin.group == "sources"}


def test_a_source_without_its_library_is_not_called_ready(bare: None) -> None:
    found = _problems()

    assert found["delta"] == f"deltalake not installed; {install_extra('delta')}"
    assert found["feast"] == f"feast not installed; {install_extra('feast')}"
    assert found["csv"] is None
    assert found["duckdb"] is None


def test_feast_may_be_run_by_another_python(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTRAIN_FEAST_PYTHON", "/opt/feast/bin/python")

    assert _problems()["feast"] is None


def test_sql_is_ready_without_the_driver_of_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    version = metadata.version

    def found(name: str) -> str:
        if name == "psycopg":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", found)

    (sql,) = (plugin for plugin in plugins().plugins if plugin.name == "sql")

    assert (sql.state, sql.problem) == ("ready", None)
    assert sql.note == f"psycopg not installed: PostgreSQL cannot be read; {install_extra('sql')}"


def test_an_extra_that_is_not_installed_is_optional(bare: None) -> None:
    states = {plugin.name: plugin.state for plugin in plugins().plugins}

    assert (states["delta"], states["csv"]) == ("optional", "ready")
