from __future__ import annotations

import json

import lightgbm
import numpy
import optuna
import pytest
import scipy
import sklearn

from mltrain import plugins
from mltrain.search import Ends, LocalExecutor, search
from mltrain.search.versions import versions_behind


def test_they_are_those_of_the_sampler_and_of_the_libraries_of_a_family(toy):
    assert versions_behind(plugins.load("models", "lgbm")) == {
        "optuna": optuna.__version__,
        "lightgbm": lightgbm.__version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
    }
    assert versions_behind(plugins.load("models", "random_forest"))["sklearn"] == sklearn.__version__
    assert versions_behind(toy()) == {"optuna": optuna.__version__}


@pytest.mark.parametrize("name", plugins.names("models"))
def test_every_family_names_its_library(name):
    assert len(versions_behind(plugins.load("models", name))) >= 2


def test_after_an_upgrade_a_search_starts_anew(toy, make_job, tmp_path, monkeypatch):
    def resume():
        with LocalExecutor(1) as executor:
            job = make_job(toy(libraries=("lightgbm",)))
            (study,) = search((job,), executor=executor, journal_dir=tmp_path, ends=Ends(deadline=None))
        return study.n_resumed

    assert (resume(), resume()) == (0, 25)

    monkeypatch.setattr(lightgbm, "__version__", "99.0")

    assert (resume(), resume()) == (0, 25)
    (folder,) = (path for path in tmp_path.glob("toy-*") if "-old-" not in path.name)
    header = (folder / "journal.jsonl").read_text().splitlines()[0]
    assert json.loads(header)["versions"]["lightgbm"] == "99.0"
