from __future__ import annotations

import time
from pathlib import Path

import pytest

from mltrain.config import TrainSection
from mltrain.tracking import utilisation
from mltrain.tracking.session import open_local, open_session
from mltrain.workspace import Workspace

NAMES = {"system.cpu_percent", "system.memory_percent", "system.process_memory_mb"}


def _smi(folder: Path, *lines: str) -> str:
    """Write a program that answers as the driver's does."""
    path = folder / "nvidia-smi"
    path.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
    path.chmod(0o755)
    return str(path)


def test_a_sample_is_of_this_machine() -> None:
    found = utilisation.sample(None)

    assert set(found) == NAMES
    assert 0 <= found["system.cpu_percent"] <= 100
    assert 0 < found["system.memory_percent"] <= 100
    assert found["system.process_memory_mb"] > 10  # an interpreter with psutil takes more


def test_each_gpu_is_told_apart(tmp_path: Path) -> None:
    found = utilisation.sample(_smi(tmp_path, "37, 1024", "0, 3"))

    assert {name: value for name, value in found.items() if "gpu" in name} == {
        "system.gpu0_percent": 37.0,
        "system.gpu0_memory_mb": 1024.0,
        "system.gpu1_percent": 0.0,
        "system.gpu1_memory_mb": 3.0,
    }


@pytest.mark.parametrize("answer", ["No devices were found", "[N/A], [N/A]", ""])
def test_a_driver_without_an_answer_leaves_the_rest(tmp_path: Path, answer: str) -> None:
    assert set(utilisation.sample(_smi(tmp_path, answer))) == NAMES


def test_all_open_runs_get_samples_over_time_and_ended_ones_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utilisation, "_FIRST_S", 0.01)
    monkeypatch.setattr(utilisation, "_EVERY_S", 0.01)
    settings, workspace = TrainSection(experiment_tracker="local"), Workspace(root=tmp_path / "w")
    local = open_local(settings, workspace)

    with open_session(settings, workspace) as session, utilisation.watched(session):
        with session.run("ended", {}) as ended:
            pass
        with session.run("one", {}) as one, session.run("two", {}) as two:
            while len(local.metric_history(two.id, "system.cpu_percent")) < 3:
                time.sleep(0.01)

    for run in (one, two):
        history = local.metric_history(run.id, "system.process_memory_mb")
        assert len(history) >= 3
        assert [step for step, _ in history] == sorted(step or 0 for step, _ in history)
        assert local.get_run(run.id).status == "finished"
    assert len(local.metric_history(ended.id, "system.cpu_percent")) <= len(history)
