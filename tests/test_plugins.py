from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from mltrain import plugins
from mltrain.errors import PluginError
from mltrain.plugins import install_extra


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with an installed distribution that brings plug-ins."""
    info = tmp_path / "acme-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[mltrain.models]\n"
        "acme_trees = acme_trees:FAMILY\n"
        "lgbm = acme_trees:FAMILY\n"
        "acme_gone = acme_trees:NOTHING\n"
        "acme_extra = acme_needs:FAMILY\n"
    )
    (tmp_path / "acme_trees.py").write_text("FAMILY = 'the family'\n")
    (tmp_path / "acme_needs.py").write_text("import a_library_that_is_not_there\nFAMILY = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins._entry_points.cache_clear()
    yield tmp_path
    plugins._entry_points.cache_clear()
    for name in ("acme_trees", "acme_needs"):
        sys.modules.pop(name, None)


def test_our_own_implementations_come_through_the_same_door() -> None:
    assert set(plugins.names("models")) >= {"lgbm", "xgboost", "random_forest", "logistic_regression"}
    assert set(plugins.names("trackers")) >= {"comet_ml", "mlflow", "local"}
    assert set(plugins.names("sources")) >= {"parquet", "csv", "example"}


def test_names_are_sorted_and_described_with_their_distribution(third_party: Path) -> None:
    found = {p.name: p for p in plugins.describe("models")}

    assert list(found) == sorted(found)
    assert found["acme_trees"].distribution == "acme 1.2"
    assert found["acme_trees"].value == "acme_trees:FAMILY"


def test_a_third_party_is_loaded_by_name_and_cannot_take_one_of_ours(third_party: Path) -> None:
    ours = {p.name: p for p in plugins.describe("models")}["lgbm"]

    assert plugins.load("models", "acme_trees") == "the family"
    assert ours.distribution == f"mltrain {metadata.version('mltrain')}"


def test_a_misspelt_name_gets_the_nearest_one_and_what_is_installed() -> None:
    with pytest.raises(PluginError) as caught:
        plugins.load("models", "xgbost")

    assert caught.value.message == "no model family is called 'xgbost'"
    assert caught.value.hint is not None
    assert "did you mean 'xgboost'?" in caught.value.hint
    assert "random_forest" in caught.value.hint
    assert caught.value.exit_code == 2


def test_an_attribute_that_is_not_there_is_told_with_its_package(third_party: Path) -> None:
    with pytest.raises(PluginError, match="acme_trees:NOTHING does not exist") as caught:
        plugins.load("models", "acme_gone")

    assert caught.value.where == "acme 1.2"


def test_a_missing_library_of_a_third_party_names_who_to_reinstall(third_party: Path) -> None:
    with pytest.raises(PluginError, match="a_library_that_is_not_there") as caught:
        plugins.load("models", "acme_extra")

    assert caught.value.hint == "reinstall acme 1.2"


def test_a_missing_extra_of_ours_names_the_command_that_installs_it(third_party: Path) -> None:
    (third_party / "acme_needs.py").write_text("import mlflow.nowhere_to_be_found\n")

    with pytest.raises(PluginError) as caught:
        plugins.load("models", "acme_extra")

    assert caught.value.hint == install_extra("mlflow")


def test_versions_of_distributions() -> None:
    assert plugins.installed_version("typer") == metadata.version("typer")
    assert plugins.installed_version("no-such-distribution") is None
