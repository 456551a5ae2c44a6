from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from mltrain.commands.doctor import doctor
from mltrain.workspace import Workspace

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that makes a library look not installed."""
    version = metadata.version

    def hide(missing: str) -> None:
        def ask(name: str) -> str:
            if name == missing:
                raise metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(metadata, "version", ask)

    return hide


def test_a_sound_installation_is_healthy(tmp_path: Path) -> None:
    result = doctor(Workspace(root=tmp_path), environment={})

    assert [check.name for check in result.checks if check.state == "missing"] == []
    assert (result.healthy, result.exit_code) == (True, 0)
    assert list(tmp_path.iterdir()) == []


def test_every_dependency_of_ours_is_looked_at(tmp_path: Path) -> None:
    declared = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["dependencies"]

    looked_at = {check.name for check in doctor(Workspace(root=tmp_path), environment={}).checks}

    assert {text.partition(">=")[0] for text in declared} <= looked_at


def test_a_missing_library_ends_with_6_and_the_line_that_installs_it(
    tmp_path: Path, without: Callable[[str], None]
) -> None:
    without("ruamel.yaml")

    result = doctor(Workspace(root=tmp_path), environment={})

    check = next(check for check in result.checks if check.name == "ruamel.yaml")
    assert (check.state, check.advice) == ("missing", f"{sys.executable} -m pip install ruamel.yaml")
    assert (result.healthy, result.exit_code) == (False, 6)


def test_a_folder_that_cannot_be_written_ends_with_6(tmp_path: Path) -> None:
    (tmp_path / ".mltrain-probe").mkdir()

    result = doctor(Workspace(root=tmp_path), environment={})

    assert [check.name for check in result.checks if check.state == "missing"] == ["workspace"]
    assert result.exit_code == 6


def test_the_value_of_a_key_is_never_shown(tmp_path: Path) -> None:
    result = doctor(Workspace(root=tmp_path), environment={"COMET_API_KEY": "very-secret-value"})

    assert "very-secret-value" not in str(result)


def test_an_extra_that_is_not_installed_is_no_warning(tmp_path: Path, without: Callable[[str], None]) -> None:
    without("duckdb")

    checks = {check.name: check for check in doctor(Workspace(root=tmp_path), environment={}).checks}

    assert (checks["duckdb"].state, checks["duckdb"].finding) == ("optional", "not installed")
    assert checks["comet key"].state == "optional"
