"""The boosters on a GPU, where there is one."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from sklearn.metrics import log_loss

from mltrain import plugins
from mltrain.models import Limits, ModelFamily, Objective
from mltrain.testing.family_data import make_folds, make_rows


def _has_gpu() -> bool:
    program = shutil.which("nvidia-smi")
    return program is not None and subprocess.run([program, "-L"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _has_gpu(), reason="needs an NVIDIA GPU: nvidia-smi lists none")
@pytest.mark.parametrize("name", ["lgbm", "xgboost"])
def test_booster_learns_on_the_gpu_what_it_learns_on_the_cpu(name: str) -> None:
    family: ModelFamily = plugins.load("models", name)
    rows = make_rows(family.view, n_classes=2)
    folds = make_folds(rows)

    losses = []
    for device in ("cpu", "gpu"):
        objective = Objective(n_classes=2, device=device)
        prepared = family.prepare(rows.view, rows.y, weights=None, folds=folds, objective=objective)
        fitted = family.fit(prepared, 0, params={}, limits=Limits(seed=0, max_rounds=30))
        losses.append(log_loss(rows.y[folds[0].valid], fitted.valid_proba))

    assert losses[1] == pytest.approx(losses[0], abs=0.02)  # histograms are summed in another precision and order
