"""Models saved and loaded as hashed files."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mltrain import artifact, files
from mltrain.artifact import load_model, load_profile, load_seen_rows, save_model, save_pickle, verify
from mltrain.calibration import fit_calibrator
from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.data.conforming import conform
from mltrain.drift.profile import LevelProfile, NumberProfile, Profile
from mltrain.errors import DataError, NoRunError, PluginError
from mltrain.model import Member, Model
from mltrain.models import Fold, Limits, Objective
from mltrain.models.logistic_regression import FAMILY
from mltrain.preprocessing import encode, fit_encoder
from mltrain.seen_rows import MOST_BYTES, SeenRows


def _table(n: int = 200) -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "größe": pa.array(rng.normal(size=n), mask=rng.random(n) < 0.1),
            "都市": pa.array(rng.choice(["東京", "Łódź", "São Paulo"], size=n)),
            "ja": pa.array(rng.random(n) < 0.5),
            "seit": pa.array(np.datetime64("2020-01-01") + rng.integers(0, 900, size=n)),
        }
    )


def _model(classes: tuple[Any, ...] = (7, 3), n_members: int = 2, **changes: Any) -> Model:
    """Fit logistic regressions on mixed columns; labels are made up."""
    kinds = (ColumnKind.NUMERIC, ColumnKind.CATEGORY, ColumnKind.BOOLEAN, ColumnKind.DATE)
    table = _table()
    columns = tuple(
        Column(name=name, kind=kind, arrow_type=str(table.schema.field(name).type))
        for name, kind in zip(table.column_names, kinds, strict=True)
    )
    schema = Schema(columns=columns, target=Target(name="ziel", classes=classes))
    conformed = conform(table, schema, origin="test")
    encoder = fit_encoder("one_hot", conformed, schema=schema, min_variance=0.0, max_categories=100, date_parts=True)
    view = encode(encoder, conformed)
    y = np.random.default_rng(1).integers(0, len(classes), size=table.num_rows)
    fold = Fold(train=np.arange(table.num_rows), valid=np.arange(0))
    prepared = FAMILY.prepare(view, y, weights=None, folds=[fold], objective=Objective(n_classes=len(classes)))
    members = tuple(
        Member(
            family="logistic_regression",
            weight=1 / n_members,
            fitted=FAMILY.fit(prepared, 0, params={"C": 10.0**-i, "penalty": "l2"}, limits=Limits(seed=0)).model,
            sharpness=1.0 + i / 3,
        )
        for i in range(n_members)
    )
    settings = {"members": members, "threshold": 0.1 + 0.2, "name": "probe", **changes}
    return Model(schema, {"one_hot": encoder}, **settings)


@pytest.mark.parametrize("classes", [(7, 3), ("nein", "ja ✓"), (False, True), (1.5, 2.5), ("a", "b", "c"), (1, 2, 9)])
def test_a_loaded_model_predicts_the_same_bits(tmp_path: Path, classes: tuple[Any, ...]) -> None:
    model = _model(classes)
    save_model(model, tmp_path / "model", record={})

    loaded = load_model(tmp_path / "model")

    np.testing.assert_array_equal(loaded.proba(_table()), model.proba(_table()))
    np.testing.assert_array_equal(loaded.predict(_table()), model.predict(_table()))
    assert loaded.schema == model.schema
    assert loaded.threshold == model.threshold
    assert loaded.name == "probe"


def test_a_calibrator_comes_along(tmp_path: Path) -> None:
    plain = _model()
    rng = np.random.default_rng(2)
    calibrator = fit_calibrator("sigmoid", plain.proba(_table()), rng.integers(0, 2, size=200))
    model = _model(calibrator=calibrator)
    save_model(model, tmp_path / "model", record={})

    loaded = load_model(tmp_path / "model")

    np.testing.assert_array_equal(loaded.proba(_table()), model.proba(_table()))
    assert not np.array_equal(loaded.proba(_table()), plain.proba(_table()))


def test_chosen_features_come_along(tmp_path: Path) -> None:
    model = _model(n_members=1)
    some = replace(model.members[0], features=np.arange(len(model.encoders["one_hot"].feature_names)))
    save_model(_model(members=(some,)), tmp_path / "model", record={})

    np.testing.assert_array_equal(load_model(tmp_path / "model").members[0].features, some.features)


def test_the_manifest_says_what_is_inside(tmp_path: Path) -> None:
    manifest = save_model(_model(), tmp_path / "model", record={"metric": "f1", "run_id": "probe-1"})

    assert manifest.families == ("logistic_regression",)
    assert manifest.classes == (7, 3)
    assert (manifest.metric, manifest.record["run_id"]) == ("f1", "probe-1")
    assert set(manifest.files) == {"schema.json", "encoders.json", "members/000.bin", "members/001.bin"}
    assert manifest.sha256 == files.sha256(tmp_path / "model" / "manifest.json")
    assert manifest.versions["numpy"] == np.__version__


@pytest.mark.parametrize("name", ["schema.json", "encoders.json", "members/000.bin", "members/001.bin"])
def test_a_changed_file_is_named(tmp_path: Path, name: str) -> None:
    save_model(_model(), tmp_path / "model", record={})
    path = tmp_path / "model" / name
    path.write_bytes(path.read_bytes()[:-1] + b"!")

    with pytest.raises(DataError, match=f"artefact changed: {name}"):
        load_model(tmp_path / "model")
    with pytest.raises(DataError, match=f"artefact changed: {name}"):
        verify(tmp_path / "model")


def test_the_rows_of_training_come_along_and_are_checked(tmp_path: Path) -> None:
    seen = SeenRows(key="id", n_rows=3, bound=2**32, hashes=np.array([1, 5, 2**32 - 1], dtype=np.uint32))
    save_model(_model(), tmp_path / "model", record={}, seen_rows=seen)
    save_model(_model(), tmp_path / "without", record={})

    found = load_seen_rows(tmp_path / "model")

    assert found is not None
    assert (found.key, found.n_rows, found.bound) == ("id", 3, 2**32)
    np.testing.assert_array_equal(found.hashes, seen.hashes)
    assert load_seen_rows(tmp_path / "without") is None
    load_model(tmp_path / "model")
    path = tmp_path / "model" / "seen_rows.json"
    path.write_bytes(path.read_bytes() + b" ")
    for read in (load_seen_rows, load_model, verify):
        with pytest.raises(DataError, match=r"artefact changed: seen_rows\.json"):
            read(tmp_path / "model")
    path.write_bytes(b" " * (MOST_BYTES + 1))
    with pytest.raises(DataError, match="bytes are more than it can have"):
        load_seen_rows(tmp_path / "model")


def test_the_profile_of_training_comes_along_and_is_checked(tmp_path: Path) -> None:
    profile = Profile(
        n_rows=10,
        columns={
            "a": NumberProfile(edges=(1.0, 2.5), shares=(0.5, 0.3, 0.1, 0.1), low=-3.0, high=7.0),
            "b": LevelProfile(levels=("x", "ÿ"), shares=(0.6, 0.3, 0.1, 0.0)),
        },
    )
    save_model(_model(), tmp_path / "model", record={}, profile=profile)
    save_model(_model(), tmp_path / "without", record={})

    assert load_profile(tmp_path / "model") == profile
    assert load_profile(tmp_path / "without") is None
    load_model(tmp_path / "model")

    path = tmp_path / "model" / "profile.json"
    path.write_bytes(path.read_bytes().replace(b"2.5", b"3.5"))
    for read in (load_profile, load_model, verify):
        with pytest.raises(DataError, match=r"artefact changed: profile\.json"):
            read(tmp_path / "model")


@pytest.mark.parametrize("name", ["extra.py", "members/002.bin", "members/evil/x.bin", ".hidden"])
def test_a_file_too_many_is_refused(tmp_path: Path, name: str) -> None:
    save_model(_model(), tmp_path / "model", record={})
    files.write_text(tmp_path / "model" / name, "x")

    with pytest.raises(DataError, match="artefact changed"):
        load_model(tmp_path / "model")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    save_model(_model(), tmp_path / "model", record={})
    (tmp_path / "model" / "members" / "001.bin").unlink()

    with pytest.raises(DataError, match=r"artefact changed: members/001\.bin"):
        verify(tmp_path / "model")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    save_model(_model(), tmp_path / "model", record={})
    shutil.move(tmp_path / "model" / "members", tmp_path / "elsewhere")
    (tmp_path / "model" / "members").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(DataError, match="artefact changed"):
        load_model(tmp_path / "model")


def test_a_manifest_that_is_not_the_recorded_one_is_refused(tmp_path: Path) -> None:
    manifest = save_model(_model(), tmp_path / "model", record={})
    save_model(_model(threshold=0.9), tmp_path / "other", record={})

    with pytest.raises(DataError, match=r"artefact changed: manifest\.json"):
        load_model(tmp_path / "other", expected_manifest_sha256=manifest.sha256)


def _rewrite(directory: Path, **changes: Any) -> None:
    path = directory / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"files": {"../outside": "0" * 64}},
        {"files": {"/etc/passwd": "0" * 64}},
        {"members": [{"file": "members/000.bin"}]},
        {"files": 3},
    ],
)
def test_a_manifest_that_asks_for_something_else_is_malformed(tmp_path: Path, changes: dict[str, Any]) -> None:
    save_model(_model(), tmp_path / "model", record={})
    _rewrite(tmp_path / "model", **changes)

    with pytest.raises(DataError, match="malformed manifest"):
        load_model(tmp_path / "model")


def test_a_family_is_a_registered_name_never_a_module_path(tmp_path: Path) -> None:
    save_model(_model(n_members=1), tmp_path / "model", record={})
    member = {"file": "members/000.bin", "family": "os:system", "weight": 1.0, "features": None, "sharpness": 1.0}
    _rewrite(tmp_path / "model", members=[member])

    with pytest.raises(PluginError, match="os:system"):
        load_model(tmp_path / "model")


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("exploded"),))


def test_a_pickle_in_place_of_a_member_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_model(_model(n_members=1), tmp_path / "model", record={})
    path = tmp_path / "model" / "members" / "000.bin"
    path.write_bytes(pickle.dumps(_Bomb()))
    _rewrite(tmp_path / "model", files={**_files(tmp_path / "model"), "members/000.bin": files.sha256(path)})

    with pytest.raises(DataError, match="cannot be read"):
        load_model(tmp_path / "model")

    assert not (tmp_path / "exploded").exists()


def _files(directory: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((directory / "manifest.json").read_text())["files"]
    return found


def test_no_model_is_not_an_artefact(tmp_path: Path) -> None:
    with pytest.raises(NoRunError, match="no model in"):
        load_model(tmp_path)


def test_saving_again_replaces_the_whole_folder(tmp_path: Path) -> None:
    save_model(_model(n_members=3), tmp_path / "model", record={})
    save_model(_model(n_members=1), tmp_path / "model", record={})

    verify(tmp_path / "model")
    assert len(load_model(tmp_path / "model").members) == 1
    assert artifact.read_manifest(tmp_path / "model").members[0].weight == 1.0


def test_the_users_pickle_predicts_the_same(tmp_path: Path) -> None:
    model = _model()
    save_pickle(model, tmp_path / "model.pkl")

    loaded = pickle.loads((tmp_path / "model.pkl").read_bytes())

    np.testing.assert_array_equal(loaded.proba(_table()), model.proba(_table()))


def _put(directory: Path, name: str, document: Any) -> None:
    """Write a file of an artefact anew, with a hash that is right."""
    files.write_text(directory / name, json.dumps(document))
    _rewrite(directory, files={**_files(directory), name: files.sha256(directory / name)})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": float("nan")}, "member 0 .* weight of nan"),
        ({"weight": float("inf")}, "weight of inf"),
        ({"weight": 0.0}, "weight of 0.0"),
        ({"weight": -1.0}, "weight of -1.0"),
        ({"weight": 0.7}, "sum to 1.2, not 1"),
        ({"sharpness": 0.0}, "sharpness of 0.0"),
        ({"sharpness": float("nan")}, "sharpness of nan"),
        ({"features": [0, -1]}, "columns that are not among"),
        ({"features": [0, 1000]}, "columns that are not among"),
        ({"features": [0, 1.5]}, "not whole numbers"),
        ({"features": ["0"]}, "not whole numbers"),
        ({"features": [0]}, "cannot be read"),
        ({"features": [10**30]}, "cannot be read"),
        ({"family": "lgbm"}, "cannot be read"),
    ],
    ids=str,
)
def test_a_member_that_cannot_vote_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    save_model(_model(), tmp_path / "model", record={})
    first, second = json.loads((tmp_path / "model" / "manifest.json").read_text())["members"]
    _rewrite(tmp_path / "model", members=[first | changes, second])

    with pytest.raises(DataError, match=message):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("threshold", ["0.5", True, [0.5], float("nan"), float("-inf")])
def test_a_threshold_that_is_no_number_is_refused(tmp_path: Path, threshold: Any) -> None:
    save_model(_model(), tmp_path / "model", record={})
    _rewrite(tmp_path / "model", threshold=threshold)

    with pytest.raises(DataError, match=r"the threshold is .* no finite number"):
        load_model(tmp_path / "model")


def test_a_model_without_members_is_refused(tmp_path: Path) -> None:
    save_model(_model(), tmp_path / "model", record={})
    _rewrite(tmp_path / "model", members=[])

    with pytest.raises(DataError, match="sum to 0, not 1"):
        load_model(tmp_path / "model")


def test_encoders_that_do_not_suit_the_members_are_refused(tmp_path: Path) -> None:
    save_model(_model(), tmp_path / "model", record={})
    encoders = json.loads((tmp_path / "model" / "encoders.json").read_text())

    for document, message in (
        ([], "cannot be read"),
        ({}, "wants the view 'one_hot', which no encoder makes"),
        ({"native": encoders["one_hot"]}, "called 'native' makes the view 'one_hot'"),
        ({"one_hot": {**encoders["one_hot"], "kind": "native"}}, "called 'one_hot' makes the view 'native'"),
    ):
        _put(tmp_path / "model", "encoders.json", document)
        with pytest.raises(DataError, match=message):
            load_model(tmp_path / "model")


def test_classes_that_the_parts_do_not_share_are_refused(tmp_path: Path) -> None:
    calibrator = fit_calibrator("temperature", np.full((30, 3), 1 / 3), np.arange(30) % 3)
    save_model(_model(calibrator=calibrator), tmp_path / "calibrator", record={})
    save_model(_model(), tmp_path / "members", record={})
    document = json.loads((tmp_path / "members" / "schema.json").read_text())
    document["schema"]["target"]["classes"].append(9)
    _put(tmp_path / "members", "schema.json", document)

    with pytest.raises(DataError, match="the calibrator is for 3 classes, the target has 2"):
        load_model(tmp_path / "calibrator")
    with pytest.raises(DataError, match=r"member 0 \(logistic_regression\) knows 2 classes, the target has 3"):
        load_model(tmp_path / "members")
