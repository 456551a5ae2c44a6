from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from mltrain.installer import install
from mltrain.plugins import install_extra

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


@pytest.fixture
def pipx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make this interpreter look like one of an environment that pipx made."""
    environment = tmp_path / "venvs" / "mltrain"
    environment.mkdir(parents=True)
    (environment / "pipx_metadata.json").write_text("{}")
    monkeypatch.setattr(sys, "prefix", str(environment))
    return environment


def test_the_libraries_of_an_extra_are_named_and_the_python_that_needs_them() -> None:
    assert install_extra("sql") == f"{sys.executable} -m pip install 'psycopg[binary]>=3.2' 'sqlalchemy>=2.0.30'"


def test_inside_pipx_they_are_injected_into_its_environment(pipx: Path) -> None:
    assert install_extra("duckdb") == "pipx inject mltrain 'duckdb>=1.2'"
    assert install("s3fs") == "pipx inject mltrain s3fs"


def test_a_path_with_a_space_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/my env/bin/python")

    assert install("s3fs") == "'/opt/my env/bin/python' -m pip install s3fs"


@pytest.mark.parametrize("extra", ["mlflow", "catboost", "sql", "duckdb", "delta", "s3", "gcs", "azure", "feast"])
def test_no_hint_names_what_an_index_has_under_our_name(extra: str) -> None:
    declared = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["optional-dependencies"]

    command = install_extra(extra)

    assert all(f"'{requirement}'" in command for requirement in declared[extra])
    assert " mltrain" not in command
    assert "'mltrain" not in command


def test_an_extra_that_the_installed_metadata_do_not_know_is_named_itself() -> None:
    assert install_extra("tomorrow").endswith("-m pip install tomorrow")
