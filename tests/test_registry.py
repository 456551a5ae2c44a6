"""Immutable versions, the champion alias and its history."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltrain import registry
from mltrain.config import Config
from mltrain.errors import DataError, NoRunError, UsageError
from mltrain.files import sha256
from mltrain.registry import Move, Version, _reigns
from mltrain.workspace import Workspace


def _add(trained: Workspace, run_id: str = "lgbm-1", name: str = "churn") -> Version:
    artefact = next(trained.runs.glob("logistic_regression-*")) / "model"
    card = trained.root / "model_card.md"
    card.write_text("# card")
    return registry.add_version(
        trained.registry,
        name,
        run_id=run_id,
        model="lgbm",
        artefact=artefact,
        manifest=sha256(artefact / "manifest.json"),
        documents=[card],
    )


def test_versions_count_up_and_say_where_they_come_from(trained: Workspace) -> None:
    first, second = _add(trained, "lgbm-1"), _add(trained, "lgbm-2")

    registered = registry.read(trained.registry, "churn")

    assert [v.version for v in registered.versions] == ["1", "2"]
    assert registered.of_run("lgbm-2") == second
    assert registered.versions[0] == first
    assert registered.champion is None


def test_files_of_a_version_are_read_only(trained: Workspace) -> None:
    version = _add(trained)

    modes = {p.stat().st_mode & 0o777 for p in registry.directory(trained.registry, version).rglob("*") if p.is_file()}

    assert modes == {0o444}


def test_an_artefact_that_is_not_the_evaluated_one_is_not_registered(trained: Workspace) -> None:
    artefact = next(trained.runs.glob("lgbm-*")) / "model"

    with pytest.raises(DataError, match="artefact changed"):
        registry.add_version(
            trained.registry, "churn", run_id="r", model="lgbm", artefact=artefact, manifest="0" * 64, documents=[]
        )

    assert registry.read(trained.registry, "churn").versions == ()


def test_promoting_moves_the_alias_and_is_remembered(trained: Workspace) -> None:
    for version in (_add(trained, "a"), _add(trained, "b")):
        registry.promote(trained.registry, version, why=f"run {version.run_id} is better")

    registered = registry.read(trained.registry, "churn")

    assert registered.champion == registered.versions[1]
    assert registered.aliases_of("2") == ("champion",)
    assert registered.aliases_of("1") == ()
    moves = [(m.action, m.version, m.previous, m.why) for m in registered.history]
    assert moves == [("promote", "1", None, "run a is better"), ("promote", "2", "1", "run b is better")]


def test_rollback_walks_back_along_the_champions(trained: Workspace) -> None:
    for run_id in ("a", "b", "c"):
        registry.promote(trained.registry, _add(trained, run_id), why="")

    moves = [registry.roll_back(trained.registry, "churn", why="bad week") for _ in range(2)]

    assert [(m.version, m.previous) for m in moves] == [("2", "3"), ("1", "2")]
    champion = registry.read(trained.registry, "churn").champion
    assert champion is not None
    assert champion.run_id == "a"
    with pytest.raises(NoRunError, match="no champion to go back to"):
        registry.roll_back(trained.registry, "churn", why="again")


def test_rolling_back_without_a_registry_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoRunError, match="nothing is registered as 'churn'") as caught:
        registry.roll_back(tmp_path / "registry", "churn", why="")

    assert caught.value.hint == "mltrain register"
    assert not (tmp_path / "registry").exists()


@given(st.lists(st.sampled_from(["promote", "rollback"]), max_size=30))
@settings(max_examples=50)
def test_the_reigning_champion_is_always_the_last_move(actions: list[str]) -> None:
    history: list[Move] = []
    for number, action in enumerate(actions):
        reigns = _reigns(history)
        if action == "promote":
            history.append(_move("promote", str(number)))
        elif len(reigns) >= 2:
            history.append(_move("rollback", reigns[-2]))

        if history:
            assert _reigns(history)[-1] == history[-1].version


def _move(action: str, version: str) -> Move:
    return Move(when="", who="", action=action, version=version, previous=None, why="")  # type: ignore[arg-type]


def test_words_are_aliases_or_numbers(trained: Workspace) -> None:
    version = _add(trained)
    registry.promote(trained.registry, version, why="")

    assert registry.resolve(trained.registry, "churn", "champion") == version
    assert registry.resolve(trained.registry, "churn", "1") == version
    with pytest.raises(NoRunError, match="no version or alias '7'") as caught:
        registry.resolve(trained.registry, "churn", "7")
    assert caught.value.hint == "registered: champion, 1"


@pytest.mark.parametrize("name", ["model/schema.json", "model/manifest.json", "model_card.md"])
def test_a_changed_file_is_found(trained: Workspace, name: str) -> None:
    version = _add(trained)
    assert registry.check_version(trained.registry, version) is None
    path = registry.directory(trained.registry, version) / name
    path.chmod(0o644)
    path.write_text(path.read_text() + " ")

    problem = registry.check_version(trained.registry, version)

    assert problem is not None
    assert Path(name).name in problem


def test_an_unreadable_record_is_named(trained: Workspace) -> None:
    registry.promote(trained.registry, _add(trained), why="")
    (trained.registry / "churn" / "registry.json").write_text("{")

    with pytest.raises(DataError, match=r"cannot read registry\.json"):
        registry.read(trained.registry, "churn")


def test_names_are_folders_and_nothing_else(trained: Workspace) -> None:
    _add(trained, name="b-model")
    _add(trained, name="a_model")

    assert registry.names(trained.registry) == ("a_model", "b-model")
    assert registry.names(trained.root / "nowhere") == ()
    with pytest.raises(UsageError, match="not usable"):
        registry.read(trained.registry, "../churn")


@pytest.mark.parametrize(
    ("name", "project", "expected"),
    [
        ("income", "my project", "income"),
        (None, "end-to-end-ml", "end-to-end-ml"),
        (None, "my project", "my-project"),
        (None, "../Kündigung 2024/", "K-ndigung-2024"),
        (None, "解約", "model"),
    ],
)
def test_a_project_of_any_name_has_a_folder(tmp_path: Path, name: str | None, project: str, expected: str) -> None:
    config = Config.model_validate({"registry": {"name": name}, "train": {"project_name": project}})

    found = registry.registered_name(config.registry, config.train)

    assert found == expected
    assert registry.read(tmp_path, found).versions == ()
