"""What a kept model is made of, through JSON and back."""

from __future__ import annotations

import json
import math
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltrain import artifact
from mltrain.record import Part
from mltrain.record.parts import part_from_dict, part_to_dict
from mltrain.search import Trial

pytestmark = pytest.mark.filterwarnings("ignore:Signature.*longdouble:UserWarning")
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def _part(**changes: Any) -> Part:
    folds = {"fold_scores": (0.5, 0.6), "n_rounds": (10, 20), "sharpness": (1.0, 1.0)}
    trial = {"number": 3, "params": {"a": 1}, "state": "complete", "score": 0.5, "seed": 7} | folds | changes
    return Part(family="lgbm", weight=0.25, final_fit="bag", n_models=5, trial=Trial(**trial))


@given(
    params=st.dictionaries(st.text(), st.one_of(FLOATS, st.integers(), st.booleans(), st.none(), st.text())),
    scores=st.tuples(FLOATS, FLOATS),
    score=FLOATS,
    weight=st.floats(0, 1, exclude_min=True),
    seed=st.integers(0, 2**31),
)
def test_every_bit_survives_json(
    params: dict[str, Any], scores: tuple[float, float], score: float, weight: float, seed: int
) -> None:
    trial = Trial(
        number=4, params=params, state="cut", score=score, fold_scores=scores, n_rounds=(1, 9), seed=seed,
        sharpness=(0.75, 1 / 3), threads=2, seconds=0.25, notes=("ü",), error=None,
    )  # fmt: skip
    part = Part(family="xgboost", weight=weight, final_fit="bag", n_models=3, n_refits=2, trial=trial, sharpness=1 / 7)

    assert part_from_dict(json.loads(json.dumps(part_to_dict(part), allow_nan=False))) == part


def test_a_fold_without_a_score_is_null_and_comes_back_as_not_a_number() -> None:
    entry = part_to_dict(_part(fold_scores=(0.5, math.nan)))

    assert entry["trial"]["fold_scores"] == [0.5, None]
    assert [math.isnan(s) for s in part_from_dict(entry).trial.fold_scores] == [False, True]


@pytest.mark.parametrize(
    "change",
    [
        {"final_fit": "vote"},
        {"weight": None},
        {"weight": math.inf},
        {"sharpness": 0.0},
        {"n_refits": 6},
        {"n_models": 0},
        {"trial": {"number": 3}},
        {"trial": {"state": "failed"}},
        {"trial": {"n_rounds": [10]}},
        {"trial": {"sharpness": [1.0, -1.0]}},
        {"trial": {"n_rounds": [-1, 3]}},
    ],
    ids=str,
)
def test_what_is_no_part_is_refused(change: dict[str, Any]) -> None:
    entry = part_to_dict(_part())
    part_from_dict(entry)
    trial = change.get("trial", {})
    entry |= change | {"trial": trial if trial == {"number": 3} else entry["trial"] | trial}

    with pytest.raises((KeyError, TypeError, ValueError)):
        part_from_dict(entry)


def _records(trained: Any) -> dict[str, Any]:
    return {
        record["model"]: record for record in map(json.loads, (p.read_text() for p in trained.runs.glob("*/run.json")))
    }


def _row(trained: Any, record: dict[str, Any], number: int) -> dict[str, Any]:
    rows = pq.read_table(trained.run(record["run_id"]) / "trials.parquet").to_pylist()
    row = next(row for row in rows if row["number"] == number)
    return row | {"params": json.loads(row["params"])}


def test_a_family_is_one_part_with_its_best_trial(trained: Any) -> None:
    for model in ("lgbm", "logistic_regression"):
        record = _records(trained)[model]

        (part,) = record["parts"]

        assert (part["family"], part["weight"], part["final_fit"]) == (model, 1.0, "bag")
        assert part["trial"]["score"] >= record["validation_score"]  # less what picking it flatters
        assert part["trial"] == _row(trained, record, part["trial"]["number"])


def test_an_ensemble_holds_the_whole_trial_of_every_voter(trained: Any) -> None:
    records = _records(trained)
    record = records["ensemble"]

    found = {f"{part['family']}#{part['trial']['number']}": part for part in record["parts"]}

    assert {label: part["weight"] for label, part in found.items()} == record["weights"]
    for part in record["parts"]:
        assert part["final_fit"] == "bag"
        assert part["trial"] == _row(trained, records[part["family"]], part["trial"]["number"])


def test_the_weights_of_an_ensemble_are_those_of_its_model(trained: Any) -> None:
    record = _records(trained)["ensemble"]
    members = artifact.read_manifest(trained.run(record["run_id"]) / "model").members

    for family in {part["family"] for part in record["parts"]}:
        recorded = sum(part["weight"] for part in record["parts"] if part["family"] == family)
        # A share is divided by the folds and summed up again: the last bits may differ.
        assert recorded == pytest.approx(sum(m.weight for m in members if m.family == family), rel=1e-12)
